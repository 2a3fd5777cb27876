# The function and its alias, as Terraform alone would release them.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "role" {
  type        = string
  description = "The ARN of the function's role."
}

variable "architecture" {
  type        = string
  description = "The processor that the function's binary is for."
}

resource "aws_lambda_function" "this" {
  function_name    = "terraform"
  role             = var.role
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = "function.zip"
  source_code_hash = filebase64sha256("function.zip")
  publish          = true
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}
