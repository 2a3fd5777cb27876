# One role a function: the preflight's may write logs and traces and do nothing else. Terraform's alone. No role can do more
# than the boundary that bootstrap made, no matter who changes its policy.

locals {
  # On top of logs and traces. A function that is not named here gets nothing more.
  #
  # All versions of a function share its role, and a version keeps the environment variables that it was published with. So what a
  # variable allows may not depend on its value of today: no right goes when a value changes.
  function_statements = {
    counter = concat(
      # Also beside a database: the version that is live until the next release, and earlier ones to roll back to, count in the table.
      [local.count_visits, local.read_address_key],
      [for statement in local.reach_database : statement if var.database != null],
    )
  }

  count_visits = {
    Sid      = "CountVisits"
    Effect   = "Allow"
    Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    Resource = aws_dynamodb_table.this.arn
  }

  # No `kms:Decrypt`: AWS's own key for SSM lets the account's principals use it through SSM.
  read_address_key = {
    Sid    = "ReadAddressKey"
    Effect = "Allow"
    Action = ["ssm:GetParameter"]
    # Not one parameter alone: a version reads what its variables name, which for the live one are those of its release.
    Resource = replace(var.address_key_arn, "/parameter.+$/", "parameter/${var.app}/${var.environment}/*")
  }

  reach_database = [
    {
      Sid      = "ReadDatabasePassword"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = one(var.database[*].secret_arn)
    },
    {
      # Lambda makes the function's network interfaces in the function's name, and takes no ARN for them.
      Sid    = "HaveNetworkInterfaces"
      Effect = "Allow"
      Action = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
      ]
      Resource = "*"
    },
    {
      # Lambda does that before the code runs: the code itself has no business there.
      Sid       = "NotFromTheCode"
      Effect    = "Deny"
      Action    = ["ec2:*"]
      Resource  = "*"
      Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.counter_arn } }
    },
  ]

  # Written out, since the function needs this policy first.
  counter_arn = "arn:${local.arn[1]}:lambda:${local.arn[3]}:${local.arn[4]}:function:${local.functions.counter.name}"

  # `arn:partition:service:region:account:…`
  arn = split(":", aws_dynamodb_table.this.arn)
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name        = each.value.name
  description = "Role of the Lambda function ${each.value.name}"

  permissions_boundary = var.permissions_boundary

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
