# The smallest infrastructure of a function with a URL of its own: the function, its alias with the URL, and the deployer's ledger.

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

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

resource "aws_iam_role" "hello" {
  name = "greet-hello-dev"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "hello" {
  role       = aws_iam_role.hello.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "hello" {
  function_name = "greet-hello-dev"
  role          = aws_iam_role.hello.arn
  runtime       = "nodejs22.x"
  handler       = "index.handler"
  filename      = ".deployer/artifact/hello.zip" # what `deployer build` made; afterwards the code is the deployer's
  publish       = true

  lifecycle {
    ignore_changes = [filename, source_code_hash]
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.hello.function_name
  function_version = aws_lambda_function.hello.version

  lifecycle {
    ignore_changes = [description, function_version, routing_config] # the deployer moves it
  }
}

# Of the alias, never of the bare function: a release moves it.
resource "aws_lambda_function_url" "live" {
  function_name      = aws_lambda_function.hello.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = "NONE"
}

# Everybody may use the URL. Of one that was made since October 2025 AWS asks for a second permission, to invoke through it: provider 6.29
# and newer have an argument for that, before it takes
#   aws lambda add-permission --function-name greet-hello-dev --qualifier live --statement-id invoke-via-url \
#     --action lambda:InvokeFunction --principal '*' --invoked-via-function-url
resource "aws_lambda_permission" "url" {
  statement_id_prefix    = "url-"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.hello.function_name
  qualifier              = aws_lambda_alias.live.name
  principal              = "*"
  function_url_auth_type = "NONE"

  lifecycle {
    create_before_destroy = true
  }
}

module "ledger" {
  source = "../../../terraform/modules/ledger" # from another place: a git source, see that module's README

  app                 = "greet"
  environment         = "dev"
  deletion_protection = false # of what was only tried; true for what is to stay

  stack = {
    account = data.aws_caller_identity.current.account_id
    region  = data.aws_region.current.name

    functions = {
      hello = {
        name  = aws_lambda_function.hello.function_name
        alias = aws_lambda_alias.live.name
        url   = var.local_endpoint == null ? aws_lambda_function_url.live.function_url : "${var.local_endpoint}/_aws/lambda-url/${aws_lambda_function_url.live.url_id}"
      }
    }
  }
}
