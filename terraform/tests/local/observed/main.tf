# The whole stack as seen from outside: read back from AWS, not from Terraform's state.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "functions" {
  type        = map(string)
  description = "Names of the functions by key."
}

variable "table" {
  type        = string
  description = "Table of the visits."
}

variable "rest_api_id" {
  type        = string
  description = "Id of the API."
}

variable "topic" {
  type        = string
  description = "Name of the topic that alarms go to."
}

data "aws_lambda_alias" "live" {
  for_each = var.functions

  function_name = each.value
  name          = "live"
}

data "aws_lambda_function" "this" {
  for_each = var.functions

  function_name = each.value
}

data "aws_cloudwatch_log_group" "function" {
  for_each = var.functions

  name = "/aws/lambda/${each.value}"
}

data "aws_dynamodb_table" "visits" {
  name = var.table
}

data "aws_dynamodb_table_item" "total" {
  table_name = var.table
  key        = jsonencode({ visit_id = { S = "total" } })
}

data "aws_sns_topic" "alarms" {
  name = var.topic
}

data "aws_api_gateway_resource" "route" {
  for_each = toset(["/count", "/health"])

  rest_api_id = var.rest_api_id
  path        = each.key
}

output "versions" {
  description = "The versions that the aliases name, by the function's key."
  value       = { for key, alias in data.aws_lambda_alias.live : key => alias.function_version }
}

output "functions" {
  description = "Each function as AWS describes it."
  value = {
    for key, function in data.aws_lambda_function.this : key => {
      runtime    = function.runtime
      memory     = function.memory_size
      timeout    = function.timeout
      tracing    = function.tracing_config[0].mode
      reserved   = function.reserved_concurrent_executions
      retention  = data.aws_cloudwatch_log_group.function[key].retention_in_days
      log_format = function.logging_config[0].log_format
      variables  = join(" ", keys(function.environment[0].variables))
    }
  }
}

output "table" {
  description = "The table of visits as AWS describes it."
  value = {
    billing   = data.aws_dynamodb_table.visits.billing_mode
    key       = data.aws_dynamodb_table.visits.hash_key
    forgotten = one(data.aws_dynamodb_table.visits.ttl[*].attribute_name)
    recovered = data.aws_dynamodb_table.visits.point_in_time_recovery[0].enabled
    total     = jsondecode(data.aws_dynamodb_table_item.total.item).count.N
  }
}

output "routes" {
  description = "The paths that the API has."
  value       = join(" ", sort([for route in data.aws_api_gateway_resource.route : route.path]))
}
