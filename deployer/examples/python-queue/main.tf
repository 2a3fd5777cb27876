# The smallest infrastructure of a queue worker: the queue, the function with its alias, and the deployer's ledger.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

resource "aws_sqs_queue" "jobs" {
  name                       = "jobs-dev"
  visibility_timeout_seconds = 60 # six times the function's timeout, as Lambda requires
}

resource "aws_iam_role" "worker" {
  name = "jobs-worker-dev"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "worker" {
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
}

resource "aws_lambda_function" "worker" {
  function_name = "jobs-worker-dev"
  role          = aws_iam_role.worker.arn
  runtime       = "python3.13"
  handler       = "handler.handle"
  timeout       = 10
  filename      = ".deployer/artifact/worker.zip" # what `deployer build` made; afterwards the code is the deployer's
  publish       = true

  lifecycle {
    ignore_changes = [filename, source_code_hash]
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.worker.function_name
  function_version = aws_lambda_function.worker.version

  lifecycle {
    ignore_changes = [description, function_version, routing_config] # the deployer moves it
  }
}

# On the alias, never on the bare function: a release moves it with everything else.
resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn = aws_sqs_queue.jobs.arn
  function_name    = aws_lambda_alias.live.arn
}

resource "aws_dynamodb_table" "ledger" {
  name         = "jobs-ledger-dev"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }
}
