# The smallest infrastructure of a function behind an HTTP API: `dev` and `prod`, each with the function, its alias, the API and
# the deployer's ledger.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "local_endpoint" {
  type        = string
  default     = null
  description = "Where a local AWS listens; on AWS nothing."
}

locals {
  environments = toset(["dev", "prod"])
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

resource "aws_iam_role" "api" {
  name = "notes-api"

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
  for_each = local.environments

  function_name = "notes-api-${each.key}"
  role          = aws_iam_role.api.arn
  runtime       = "python3.13"
  handler       = "app.handle"
  filename      = ".deployer/artifact/api.zip" # what `deployer build` made; afterwards the code is the deployer's
  publish       = true

  lifecycle {
    ignore_changes = [filename, source_code_hash]
  }
}

resource "aws_lambda_alias" "live" {
  for_each = local.environments

  name             = "live"
  function_name    = aws_lambda_function.api[each.key].function_name
  function_version = aws_lambda_function.api[each.key].version

  lifecycle {
    ignore_changes = [description, function_version, routing_config] # the deployer moves it
  }
}

resource "aws_apigatewayv2_api" "notes" {
  for_each = local.environments

  name          = "notes-${each.key}"
  protocol_type = "HTTP"
}

# It deploys every change of a route by itself: nothing of the API is left for a release to move.
resource "aws_apigatewayv2_stage" "default" {
  for_each = local.environments

  api_id      = aws_apigatewayv2_api.notes[each.key].id
  name        = "$default"
  auto_deploy = true
}

# It calls the alias, never the bare function: a release moves it with everything else.
resource "aws_apigatewayv2_integration" "api" {
  for_each = local.environments

  api_id                 = aws_apigatewayv2_api.notes[each.key].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live[each.key].arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "note" {
  for_each = local.environments

  api_id    = aws_apigatewayv2_api.notes[each.key].id
  route_key = "GET /notes/{id}"
  target    = "integrations/${aws_apigatewayv2_integration.api[each.key].id}"
}

resource "aws_lambda_permission" "note" {
  for_each = local.environments

  statement_id_prefix = "api-gateway-"
  action              = "lambda:InvokeFunction"
  function_name       = aws_lambda_function.api[each.key].function_name
  qualifier           = aws_lambda_alias.live[each.key].name
  principal           = "apigateway.amazonaws.com"
  source_arn          = "${aws_apigatewayv2_api.notes[each.key].execution_arn}/$default/GET/notes/*"

  lifecycle {
    create_before_destroy = true
  }
}

module "ledger" {
  source   = "../../../terraform/modules/ledger" # from another place: a git source, see that module's README
  for_each = local.environments

  app                 = "notes"
  environment         = each.key
  deletion_protection = false # of what was only tried; true for what is to stay

  stack = {
    account   = data.aws_caller_identity.current.account_id
    region    = data.aws_region.current.name
    functions = { api = { name = aws_lambda_function.api[each.key].function_name, alias = aws_lambda_alias.live[each.key].name } }

    api = {
      kind = "http"
      id   = aws_apigatewayv2_api.notes[each.key].id
      url  = var.local_endpoint == null ? aws_apigatewayv2_api.notes[each.key].api_endpoint : "${var.local_endpoint}/_aws/execute-api/${aws_apigatewayv2_api.notes[each.key].id}/$default"
    }
  }
}
