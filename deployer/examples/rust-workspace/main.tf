# The smallest infrastructure of two functions of one workspace, one behind a REST API and one behind a queue: an environment with the
# functions, their aliases, the API, the queue, and the deployer's ledger. Each environment has a state of its own.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "environment" {
  type        = string
  description = "`dev` or `prod`."
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "Of the functions: `build.target` in deployer.toml goes with it."
}

variable "local_endpoint" {
  type        = string
  default     = null
  description = "Where a local AWS listens; on AWS nothing."
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  functions = {
    price  = "AWSLambdaBasicExecutionRole"
    worker = "AWSLambdaSQSQueueExecutionRole"
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name = "parcels-${each.key}-${var.environment}"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "function" {
  for_each = local.functions

  role       = aws_iam_role.function[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/${each.value}"
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name = "parcels-${each.key}-${var.environment}"
  role          = aws_iam_role.function[each.key].arn
  architectures = [var.architecture]
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  timeout       = 10
  filename      = ".deployer/artifact/${each.key}.zip" # what `deployer build` made; afterwards the code is the deployer's
  publish       = true

  lifecycle {
    ignore_changes = [filename, source_code_hash]
  }
}

resource "aws_lambda_alias" "live" {
  for_each = local.functions

  name             = "live"
  function_name    = aws_lambda_function.this[each.key].function_name
  function_version = aws_lambda_function.this[each.key].version

  lifecycle {
    ignore_changes = [description, function_version, routing_config] # the deployer moves it
  }
}

# The queue's jobs go to the alias, never to the bare function: a release moves them with everything else.

resource "aws_sqs_queue" "parcels" {
  name                       = "parcels-${var.environment}"
  visibility_timeout_seconds = 60 # six times the function's timeout, as Lambda requires
}

resource "aws_lambda_event_source_mapping" "parcels" {
  event_source_arn = aws_sqs_queue.parcels.arn
  function_name    = aws_lambda_alias.live["worker"].arn
}

# The API's definition is Terraform's. Its deployments, and which of them the stage runs, are the deployer's.

resource "aws_api_gateway_rest_api" "prices" {
  name = "parcels-${var.environment}"
}

resource "aws_api_gateway_resource" "price" {
  rest_api_id = aws_api_gateway_rest_api.prices.id
  parent_id   = aws_api_gateway_rest_api.prices.root_resource_id
  path_part   = "price"
}

resource "aws_api_gateway_method" "price" {
  rest_api_id   = aws_api_gateway_rest_api.prices.id
  resource_id   = aws_api_gateway_resource.price.id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "price" {
  rest_api_id             = aws_api_gateway_rest_api.prices.id
  resource_id             = aws_api_gateway_resource.price.id
  http_method             = aws_api_gateway_method.price.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_alias.live["price"].invoke_arn
}

resource "aws_lambda_permission" "price" {
  statement_id_prefix = "api-gateway-"
  action              = "lambda:InvokeFunction"
  function_name       = aws_lambda_function.this["price"].function_name
  qualifier           = aws_lambda_alias.live["price"].name
  principal           = "apigateway.amazonaws.com"
  source_arn          = "${aws_api_gateway_rest_api.prices.execution_arn}/${var.environment}/GET/price"

  lifecycle {
    create_before_destroy = true
  }
}

# A stage cannot be made without a deployment. This is the only one that Terraform makes.
resource "aws_api_gateway_deployment" "initial" {
  rest_api_id = aws_api_gateway_rest_api.prices.id
  depends_on  = [aws_api_gateway_integration.price]
}

resource "aws_api_gateway_stage" "this" {
  rest_api_id   = aws_api_gateway_rest_api.prices.id
  stage_name    = var.environment
  deployment_id = aws_api_gateway_deployment.initial.id

  lifecycle {
    ignore_changes = [deployment_id, variables["deployment"]] # the deployer moves it
  }
}

module "ledger" {
  source = "../../../terraform/modules/ledger" # from another place: a git source, see that module's README

  app                 = "parcels"
  environment         = var.environment
  deletion_protection = false # of what was only tried; true for what is to stay

  stack = {
    account   = data.aws_caller_identity.current.account_id
    region    = data.aws_region.current.name
    functions = { for key in keys(local.functions) : key => { name = aws_lambda_function.this[key].function_name, alias = aws_lambda_alias.live[key].name } }

    api = {
      kind               = "rest"
      id                 = aws_api_gateway_rest_api.prices.id
      stage              = aws_api_gateway_stage.this.stage_name
      url                = var.local_endpoint == null ? aws_api_gateway_stage.this.invoke_url : "${var.local_endpoint}/restapis/${aws_api_gateway_rest_api.prices.id}/${var.environment}/_user_request_"
      initial_deployment = aws_api_gateway_deployment.initial.id
    }
  }
}
