# One role a function: the preflight's may write logs and traces and do nothing else. Terraform's alone.

locals {
  # On top of logs and traces. A function that is not named here gets nothing more.
  function_statements = {
    counter = [{
      Sid      = "CountVisits"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource = aws_dynamodb_table.this.arn
    }]
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name        = each.value.name
  description = "Role of the Lambda function ${each.value.name}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })

  tags = {
    Name = each.value.name
  }
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name = "function"
  role = aws_iam_role.function[each.key].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # No CreateLogGroup: the group is there already, with its retention.
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
        },
        {
          # X-Ray has no resources for these actions: IAM takes nothing but `*`.
          Sid      = "WriteTraces"
          Effect   = "Allow"
          Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
          Resource = "*"
        },
      ],
      lookup(local.function_statements, each.key, []),
    )
  })
}
