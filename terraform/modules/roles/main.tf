# Who may do what to one environment: a role that deploys (Terraform and the deployer, on GitHub's environment of the same
# name), one that only plans (pull requests), one that reads releases (the deploy role of the next environment), and the
# boundary of the functions' own roles. Made by an administrator, once: no role here can change a role here.

locals {
  name = "${var.app}-${var.environment}"

  # Of GitHub's tokens. The whole subject, no wildcard: a branch or a fork of one's own choice does not match.
  issuer = "token.actions.githubusercontent.com"

  github_roles = { for key, role in local.all_github_roles : key => role if var.github != null }

  all_github_roles = {
    deploy = {
      description = "Applies Terraform to ${local.name} and releases to it"
      environment = var.environment
      policies    = concat([local.read, local.change, local.keep, local.release], [for extra in var.extras : local.extra[extra]])
    }
    plan = {
      description = "Plans changes of ${local.name} for pull requests and changes nothing"
      environment = "${var.environment}-plan"
      policies = concat([local.read, local.look], [
        for extra in var.extras : {
          name       = extra
          statements = [for statement in local.extra[extra].statements : merge(statement, { actions = [for action in statement.actions : action if can(regex(":(Get|Describe|List|GET)", action))] })]
        }
      ])
    }
  }

  # One managed policy each: the room of a role's own policies would not do.
  policies = merge([
    for role, of in local.github_roles : { for policy in of.policies : "${role}-${policy.name}" => merge(policy, { role = role }) }
  ]...)

  # `owner/name` as a token names it; and as it does for repositories made or renamed since July 2026, whose names could be
  # given up and taken by somebody else, while the numbers stay.
  repository = compact([
    try(var.github.repository, null),
    try("${split("/", var.github.repository)[0]}@${var.github.owner_id}/${split("/", var.github.repository)[1]}@${var.github.repository_id}", null),
  ])
}

resource "aws_iam_role" "github" {
  for_each = local.github_roles

  name                 = "${local.name}-${each.key}"
  description          = each.value.description
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.github.oidc_provider_arn }
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = [for repository in local.repository : "repo:${repository}:environment:${each.value.environment}"]
        }
      }
    }]
  })

  tags = {
    Name = "${local.name}-${each.key}"
  }
}

resource "aws_iam_policy" "github" {
  for_each = local.policies

  name        = "${local.name}-${each.key}"
  description = "What the role ${local.name}-${each.value.role} may: ${each.value.name}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in each.value.statements : merge(
        { Effect = "Allow", Action = statement.actions, Resource = statement.resources },
        { for name, value in { Condition = try(statement.condition, null) } : name => value if value != null },
      ) if length(statement.actions) > 0
    ]
  })

  tags = {
    Name = "${local.name}-${each.key}"
  }
}

resource "aws_iam_role_policy_attachment" "github" {
  for_each = local.policies

  role       = aws_iam_role.github[each.value.role].name
  policy_arn = aws_iam_policy.github[each.key].arn
}

# Takes what the deploy role of the next environment has to know of this one: its releases and their zips.
resource "aws_iam_role" "reader" {
  for_each = { for to in var.promotes.to[*] : "read" => to }

  name                 = "${local.name}-read"
  description          = "Reads the releases of ${local.name}, for promotions to ${each.value.environment}"
  max_session_duration = 3600

  # By the account and a condition, not by the role's ARN as principal: IAM would refuse a role that is not there yet.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:${local.p}:iam::${each.value.account}:root" }
      Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:${local.p}:iam::${each.value.account}:role/${var.app}-${each.value.environment}-deploy" } }
    }]
  })

  tags = {
    Name = "${local.name}-read"
  }
}

resource "aws_iam_role_policy" "reader" {
  for_each = aws_iam_role.reader

  name = "read"
  role = each.value.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["dynamodb:GetItem", "dynamodb:Query"], Resource = local.ledger },
      { Effect = "Allow", Action = ["lambda:GetFunction"], Resource = local.versions },
    ]
  })
}

# The most that a role of a function can ever do, whatever policy the deploy role, or who took it, gives it.
resource "aws_iam_policy" "functions" {
  name        = "${local.name}-functions"
  description = "Boundary of the roles of the functions of ${local.name}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        { Effect = "Allow", Action = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], Resource = [local.visits] },
        { Effect = "Allow", Action = ["ssm:GetParameter"], Resource = local.key },
        # AWS's own keys let the account's principals in through the service, which a boundary could deny. It grants nothing by itself.
        { Effect = "Allow", Action = ["kms:Decrypt"], Resource = "*", Condition = { StringLike = { "kms:ViaService" = ["ssm.*", "secretsmanager.*"] } } },
        { Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = [for group in local.log_groups : group if can(regex(":/aws/lambda/.*:\\*$", group))] },
        # IAM knows no resource for these.
        { Effect = "Allow", Action = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], Resource = "*" },
      ],
      [
        for statement in [
          { Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = "arn:${local.p}:secretsmanager:${local.r}:${local.a}:secret:rds!db-*" },
          { Effect = "Allow", Action = ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"], Resource = "*" },
        ] : statement if contains(var.extras, "postgres")
      ],
    )
  })

  tags = {
    Name = "${local.name}-functions"
  }
}
