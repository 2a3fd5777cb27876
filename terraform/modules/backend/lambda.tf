# Terraform owns the shell of each function: name, role, log group, memory, environment variables, and that an alias exists.
# The deployer owns the code, the versions and which of them the alias names.

locals {
  # Everything else iterates over these two.
  functions = {
    counter = {
      name        = "${var.app}-${var.environment}"
      description = "Counts a visit and returns the total"
      network     = one(local.store[*].network)

      environment = merge(
        {
          DYNAMODB_TABLE        = aws_dynamodb_table.this.name
          ALLOWED_ORIGIN        = local.allowed_origin
          ADDRESS_KEY_PARAMETER = regex("parameter(/.+)$", var.address_key_arn)[0]
        },
        one(local.store[*].environment),
      )
    }

    preflight = {
      name        = "${var.app}-options-${var.environment}"
      description = "Responds to CORS preflight requests"
      network     = null

      environment = {
        ALLOWED_ORIGIN = local.allowed_origin
      }
    }
  }

  allowed_origin = join(",", var.allowed_origins)

  # The database that the next version counts in, if it is one.
  store = try(var.database.used, false) ? var.database : null
}

# Made before the function, whose role may not make one: Lambda's own would keep the logs for ever.
resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts it; a key of one's own has a monthly price
  #checkov:skip=CKV_AWS_338:30 days are what the backend keeps of every log: what is not there cannot leak
  for_each = local.functions

  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = 30

  tags = {
    Name = "/aws/lambda/${each.value.name}"
  }
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:API Gateway calls it and waits: no event is lost that a queue could keep
  #checkov:skip=CKV_AWS_272:the deployer compares each version with the SHA-256 of what was built; a signing profile adds no second approval
  #checkov:skip=CKV_AWS_173:no variable is secret: names and an origin; Lambda encrypts them with its own key
  #checkov:skip=CKV_AWS_117:in a network only if PostgreSQL is there: DynamoDB has no address in one
  for_each = local.functions

  function_name = each.value.name
  description   = each.value.description
  role          = aws_iam_role.function[each.key].arn

  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.function.architecture]
  memory_size   = var.function.memory_size
  timeout       = 10

  # Neither starves the account's other functions, nor is starved by them. -1 reserves nothing.
  reserved_concurrent_executions = coalesce(var.function.reserved_concurrency, -1)

  # Returns 503 until the first release. How it is made: placeholder/README.md.
  filename = "${path.module}/placeholder.zip"

  # The alias needs a version to name, on the first day too. Later, a changed configuration becomes a version as well,
  # which waits for the next release: the alias does not follow.
  publish = true

  environment {
    variables = each.value.environment
  }

  tracing_config {
    mode = "Active"
  }

  dynamic "vpc_config" {
    for_each = each.value.network[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  logging_config {
    log_format = "JSON" # Lambda's own lines too
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  tags = {
    Name = each.value.name
  }

  lifecycle {
    ignore_changes = [
      # The deployer uploads code. Each of these would put the placeholder, or an old zip, back into `$LATEST`:
      filename,          # where the first code came from; also, its path depends on where Terraform was started
      source_code_hash,  # of the last code that Terraform itself uploaded, never of the live one
      s3_bucket,         # zips too big for a direct upload come from S3
      s3_key,            # as s3_bucket
      s3_object_version, # as s3_bucket
    ]
  }

  # Lambda refuses active tracing until the role may write traces.
  depends_on = [aws_iam_role_policy.function]
}

# What API Gateway calls. Its target is the deployer's; that it exists, and its name, are Terraform's.
resource "aws_lambda_alias" "live" {
  for_each = local.functions

  name             = "live"
  function_name    = aws_lambda_function.this[each.key].function_name
  function_version = aws_lambda_function.this[each.key].version # a number, because of `publish`

  lifecycle {
    ignore_changes = [
      function_version, # moved by every release
      routing_config,   # weights of a canary under way
      description,      # the release that moved it last
    ]

    # No `prevent_destroy`: it could not be left out for an environment that is to go. What would cut live traffic is
    # stopped before the apply, by `deployer guard`.
  }
}
