# The roles of one environment of any project that calls the reusable workflows: one that releases, one that only reads, and, where
# releases are promoted from here, one that the next environment's deploy role reads them with. Made by an administrator: no role
# here can change a role.

locals {
  # Of GitHub's tokens. The whole subject, no wildcard: a branch or a fork of one's own choice does not match.
  issuer = "token.actions.githubusercontent.com"

  # `owner/name` as a token names it; and as it does for repositories made or renamed since July 2026, whose names could be
  # given up and taken by another owner, while the numbers stay.
  repository = compact([
    var.github.repository,
    try("${split("/", var.github.repository)[0]}@${var.github.owner_id}/${split("/", var.github.repository)[1]}@${var.github.repository_id}", null),
  ])

  # A token has the workflow that was called, not the one that called it; a tag by its whole name, a commit as it is.
  called = {
    at   = [for ref in var.github.workflows_from.refs : can(regex("^(refs/.*|[0-9a-f]{40})$", ref)) ? ref : "refs/tags/${ref}"]
    from = "${var.github.workflows_from.repository}/.github/workflows/reusable"
  }

  # By role, the GitHub environments that it is for and the workflows that may take it there. GitHub makes an environment that does
  # not exist, unprotected: so the branch and the workflow count as well. A rollback has an environment without reviewers: it must
  # not wait for them, and nothing else may go past them there.
  trust = {
    deploy = {
      (local.environment)             = ["deploy", "promote"]
      "${local.environment}-rollback" = ["rollback"]
    }
    plan = { "${local.environment}-plan" = ["deploy", "drift", "promote"] }
  }
}

resource "aws_iam_role" "github" {
  for_each = local.trust

  name                 = "${local.name}-${each.key}"
  description          = each.key == "deploy" ? "Releases to ${local.name}" : "Reads ${local.name} and changes nothing"
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for environment, workflows in each.value : {
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.github.oidc_provider_arn }
      Condition = {
        StringEquals = {
          "${local.issuer}:aud"              = "sts.amazonaws.com"
          "${local.issuer}:sub"              = [for repository in local.repository : "repo:${repository}:environment:${environment}"]
          "${local.issuer}:ref"              = "refs/heads/${var.github.branch}"
          "${local.issuer}:job_workflow_ref" = [for pair in setproduct(workflows, local.called.at) : "${local.called.from}-${pair[0]}.yml@${pair[1]}"]
        }
      }
    }]
  })

  tags = {
    Name = "${local.name}-${each.key}"
  }
}

resource "aws_iam_role_policy" "github" {
  for_each = aws_iam_role.github

  name   = "deployer"
  role   = each.value.name
  policy = local.documents[each.key]

  lifecycle {
    precondition {
      condition     = length(local.documents[each.key]) + length(local.documents["${each.key}-state"]) <= 10240
      error_message = "The policy of ${each.value.name} is longer than the 10,240 characters that IAM takes: the contract has too many functions for it."
    }
  }
}

resource "aws_iam_role_policy" "state" {
  for_each = { for key, role in aws_iam_role.github : key => role if var.state != null }

  name   = "state"
  role   = each.value.name
  policy = local.documents["${each.key}-state"]
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
    Statement = [for account in [coalesce(each.value.account, local.a)] : {
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:${local.p}:iam::${account}:root" }
      Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:${local.p}:iam::${account}:role/${local.app}-${each.value.environment}-deploy" } }
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
  policy = local.documents.read
}
