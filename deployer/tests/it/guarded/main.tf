# What a serverless stack has beside the one of this repository: each made, changed in place, and taken away, for `guard` to
# read real plans of it.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "there" {
  type        = bool
  default     = true
  description = "Whether the live parts exist."
}

variable "changed" {
  type        = bool
  default     = false
  description = "Whether each is changed in place, to what cuts live traffic."
}

locals {
  each    = var.there ? { one = true } : {}
  trusted = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}

resource "aws_iam_role" "function" {
  name               = "guarded"
  assume_role_policy = local.trusted
}

resource "aws_iam_policy" "function" {
  name   = "guarded"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = var.changed ? ["sqs:ReceiveMessage"] : ["sqs:ReceiveMessage", "sqs:DeleteMessage"], Resource = "*" }] })
}

resource "aws_iam_role_policy_attachment" "function" {
  for_each   = local.each
  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.function.arn
}

resource "aws_lambda_function" "worker" {
  function_name = "guarded"
  role          = aws_iam_role.function.arn
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  filename      = "worker.zip"
}

resource "aws_sqs_queue" "work" {
  name = "guarded"
}

resource "aws_lambda_event_source_mapping" "work" {
  for_each         = local.each
  event_source_arn = aws_sqs_queue.work.arn
  function_name    = aws_lambda_function.worker.arn
  enabled          = !var.changed
}

resource "aws_lambda_function_url" "worker" {
  for_each           = local.each
  function_name      = aws_lambda_function.worker.function_name
  authorization_type = var.changed ? "AWS_IAM" : "NONE"
}

resource "aws_apigatewayv2_api" "http" {
  for_each                     = local.each
  name                         = "guarded"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = var.changed
}

resource "aws_apigatewayv2_integration" "http" {
  for_each             = local.each
  api_id               = aws_apigatewayv2_api.http["one"].id
  integration_type     = "AWS_PROXY"
  integration_uri      = aws_lambda_function.worker.invoke_arn
  timeout_milliseconds = 10000
}

resource "aws_apigatewayv2_route" "http" {
  for_each  = local.each
  api_id    = aws_apigatewayv2_api.http["one"].id
  route_key = "GET /work"
  target    = "integrations/${aws_apigatewayv2_integration.http["one"].id}"
}

resource "aws_apigatewayv2_stage" "http" {
  for_each    = local.each
  api_id      = aws_apigatewayv2_api.http["one"].id
  name        = "$default"
  auto_deploy = true
}

resource "aws_api_gateway_rest_api" "rest" {
  name                         = "guarded"
  disable_execute_api_endpoint = var.changed
}

resource "aws_api_gateway_authorizer" "rest" {
  for_each       = local.each
  name           = "guarded"
  rest_api_id    = aws_api_gateway_rest_api.rest.id
  authorizer_uri = aws_lambda_function.worker.invoke_arn
}

resource "aws_security_group" "database" {
  name = "guarded"
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each          = local.each
  security_group_id = aws_security_group.database.id
  cidr_ipv4         = var.changed ? "10.1.0.0/16" : "10.0.0.0/16"
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
}

resource "aws_wafv2_web_acl" "acl" {
  name  = "guarded"
  scope = "REGIONAL"
  default_action {
    allow {}
  }
  visibility_config {
    cloudwatch_metrics_enabled = false
    metric_name                = "guarded"
    sampled_requests_enabled   = false
  }
}

resource "aws_api_gateway_resource" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_rest_api.rest.root_resource_id
  path_part   = "work"
}

resource "aws_api_gateway_method" "rest" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = aws_api_gateway_resource.rest.id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  resource_id = aws_api_gateway_resource.rest.id
  http_method = aws_api_gateway_method.rest.http_method
  type        = "MOCK"
}

resource "aws_api_gateway_deployment" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  depends_on  = [aws_api_gateway_integration.rest]
}

resource "aws_api_gateway_stage" "rest" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  deployment_id = aws_api_gateway_deployment.rest.id
  stage_name    = "live"
}

resource "aws_wafv2_web_acl_association" "rest" {
  for_each     = local.each
  resource_arn = aws_api_gateway_stage.rest.arn
  web_acl_arn  = aws_wafv2_web_acl.acl.arn
}

resource "aws_cloudwatch_event_rule" "hourly" {
  name                = "guarded"
  schedule_expression = "rate(1 hour)"
  state               = var.changed ? "DISABLED" : "ENABLED"
}

resource "aws_cloudwatch_event_target" "hourly" {
  for_each = local.each
  rule     = aws_cloudwatch_event_rule.hourly.name
  arn      = aws_lambda_function.worker.arn
}
