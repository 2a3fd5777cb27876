# The smallest infrastructure of a function behind an HTTP API: an environment with the function, its alias, the API and the deployer's
# ledger. Each environment has a state of its own.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # Which state it is comes from environments/ENVIRONMENT.s3.tfbackend.
  backend "s3" {}
}

variable "environment" {
  type        = string
  description = "`dev` or `prod`."
}

variable "local_endpoint" {
  type        = string
  default     = null
  description = "Where a local AWS listens; on AWS nothing."
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

resource "aws_iam_role" "api" {
  name = "notes-api-${var.environment}"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "api" {
  role       = aws_iam_role.api.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "api" {
  function_name = "notes-api-${var.environment}"
  role          = aws_iam_role.api.arn
  runtime       = "python3.13"
  handler       = "app.handle"
  filename      = "../.deployer/artifact/api.zip" # what `deployer build` made; afterwards the code is the deployer's
  publish       = true

  lifecycle {
    ignore_changes = [filename, source_code_hash]
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.api.function_name
  function_version = aws_lambda_function.api.version

  lifecycle {
    ignore_changes = [description, function_version, routing_config] # the deployer moves it
  }
}

resource "aws_apigatewayv2_api" "notes" {
  name          = "notes-${var.environment}"
  protocol_type = "HTTP"
}

# It deploys every change of a route by itself: nothing of the API is left for a release to move.
resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.notes.id
  name        = "$default"
  auto_deploy = true
}

# It calls the alias, never the bare function: a release moves it with everything else.
resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.notes.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live.arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "note" {
  api_id    = aws_apigatewayv2_api.notes.id
  route_key = "GET /notes/{id}"
  target    = "integrations/${aws_apigatewayv2_integration.api.id}"
}

resource "aws_lambda_permission" "note" {
  statement_id_prefix = "api-gateway-"
  action              = "lambda:InvokeFunction"
  function_name       = aws_lambda_function.api.function_name
  qualifier           = aws_lambda_alias.live.name
  principal           = "apigateway.amazonaws.com"
  source_arn          = "${aws_apigatewayv2_api.notes.execution_arn}/$default/GET/notes/*"

  lifecycle {
    create_before_destroy = true
  }
}

module "ledger" {
  source              = "../../../../terraform/modules/ledger" # from another place: a git source, see that module's README
  app                 = "notes"
  environment         = var.environment
  deletion_protection = false # of what was only tried; true for what is to stay

  stack = {
    account   = data.aws_caller_identity.current.account_id
    region    = data.aws_region.current.name
    functions = { api = { name = aws_lambda_function.api.function_name, alias = aws_lambda_alias.live.name } }

    api = {
      kind = "http"
      id   = aws_apigatewayv2_api.notes.id
      url  = var.local_endpoint == null ? aws_apigatewayv2_api.notes.api_endpoint : "${var.local_endpoint}/_aws/execute-api/${aws_apigatewayv2_api.notes.id}/$default"
    }
  }
}
