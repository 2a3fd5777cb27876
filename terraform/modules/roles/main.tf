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
      policies    = concat([local.read, local.change, local.keep, local.release], flatten([for extra in var.extras : local.extra[extra]]))

      # GitHub makes an environment that does not exist, unprotected: so the branch and the workflow count as well, whichever
      # environment a job names. A rollback has an environment of its own, without reviewers: it must not wait for them, and
      # nothing else may go past them there.
      claims = [
        for environment, workflows in {
          (var.environment)             = try(var.github.workflows, [])
          "${var.environment}-rollback" = try(var.github.rollback_workflows, [])
          } : merge(local.branch, {
            sub              = ["environment:${environment}"]
            job_workflow_ref = [for pair in setproduct(workflows, local.called.refs) : "${local.called.repository}/.github/workflows/${pair[0]}.yml@${pair[1]}"]
        }) if length(workflows) > 0
      ]
    }
    plan = {
      description = "Plans changes of ${local.name} and changes nothing"
      policies    = concat([local.read, local.look], [for policy in flatten([for extra in var.extras : local.extra[extra]]) : merge(policy, { statements = policy.look })])

      # The workflow of a pull request runs on a branch of its own.
      claims = [merge({ for name, value in local.branch : name => value if !var.plans_pull_requests }, {
        sub = ["environment:${var.environment}-plan"]
      })]
    }
  }

  branch = { ref = ["refs/heads/${try(var.github.branch, "")}"] }

  # A token has the workflow that was called, not the one that called it; a tag by its whole name, a commit as it is.
  called = {
    repository = try(var.github.workflows_from.repository, var.github.repository, null)
    refs       = try([for ref in var.github.workflows_from.refs : can(regex("^(refs/.*|[0-9a-f]{40})$", ref)) ? ref : "refs/tags/${ref}"], local.branch.ref)
  }

  # One managed policy each: what a role may have of its own is too short.
  policies = merge([
    for role, of in local.github_roles : { for policy in of.policies : "${role}-${policy.name}" => merge(policy, { role = role }) }
  ]...)

  # `owner/name` as a token names it; and as it does for repositories made or renamed since July 2026, whose names could be
  # given up and taken by another owner, while the numbers stay.
  repository = compact([
    try(var.github.repository, null),
    try("${split("/", var.github.repository)[0]}@${var.github.owner_id}/${split("/", var.github.repository)[1]}@${var.github.repository_id}", null),
  ])

  # Every statement of every policy, with the reason for its `*`.
  statements = merge(
    { for key, policy in local.policies : key => policy.statements },
    { for to in var.promotes.to[*] : "read-reader" => local.reader.statements },
    { functions = local.functions_boundary },
  )

  documents = {
    for key, statements in local.statements : key => jsonencode({
      Version = "2012-10-17"
      Statement = [
        for statement in statements : merge(
          { Effect = "Allow", Action = statement.actions, Resource = statement.resources },
          { for name, value in { Condition = try(statement.condition, null) } : name => value if value != null },
        )
      ]
    })
  }
}

resource "aws_iam_role" "github" {
  for_each = local.github_roles

  name                 = "${local.name}-${each.key}"
  description          = each.value.description
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for claims in each.value.claims : {
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.github.oidc_provider_arn }
      Condition = {
        StringEquals = merge(
          { "${local.issuer}:aud" = "sts.amazonaws.com" },
          {
            for claim, values in claims : "${local.issuer}:${claim}" =>
            claim == "sub" ? flatten([for repository in local.repository : [for value in values : "repo:${repository}:${value}"]]) : values
          },
        )
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

  policy = local.documents[each.key]

  tags = {
    Name = "${local.name}-${each.key}"
  }
}

resource "aws_iam_role_policy_attachment" "github" {
  for_each = local.policies

  role       = aws_iam_role.github[each.value.role].name
  policy_arn = aws_iam_policy.github[each.key].arn
}

# Read by the deploy role of the next environment: the releases of this one and their zips.
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

  name   = "read"
  role   = each.value.name
  policy = local.documents["read-reader"]
}

# The most that a role of a function can ever do, whatever policy the deploy role gives it.
resource "aws_iam_policy" "functions" {
  name        = "${local.name}-functions"
  description = "Boundary of the roles of the functions of ${local.name}"
  policy      = local.documents.functions

  tags = {
    Name = "${local.name}-functions"
  }
}

locals {
  functions_boundary = concat(
    [
      { actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], resources = [local.visits] },
      { actions = ["ssm:GetParameter"], resources = [local.key], reason = local.because.key_names },
      {
        # AWS's own keys let the account's principals in through the service, which a boundary could deny. It grants nothing by
        # itself.
        actions   = ["kms:Decrypt"]
        resources = [local.kms_keys]
        condition = { StringLike = { "kms:ViaService" = [for service in ["dynamodb", "secretsmanager", "ssm"] : "${service}.${local.r}.*"] } }
        reason    = "AWS's own keys, whose ids it chooses"
      },
      {
        actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        resources = [for group in local.log_groups : group if can(regex(":/aws/lambda/.*:\\*$", group))]
        reason    = "Lambda names the streams of a log group"
      },
      { actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources = ["*"], reason = local.because.no_resource },
    ],
    [
      for statement in [
        { actions = ["secretsmanager:GetSecretValue"], resources = ["arn:${local.p}:secretsmanager:${local.r}:${local.a}:secret:rds!db-*"], reason = "RDS chooses the name" },
        {
          actions   = ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"]
          resources = ["*"]
          reason    = "Lambda makes the function's network interfaces in the function's name, and takes no ARN for them"
        },
      ] : statement if contains(var.extras, "postgres")
    ],
  )
}
