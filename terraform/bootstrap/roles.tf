# Who may do what, per environment of this account. What proves a workflow's identity is GitHub's; no key is kept anywhere.

locals {
  # Where no provider was named, one is made: an account has at most one of GitHub's.
  oidc_provider_arn = one(concat(aws_iam_openid_connect_provider.github[*].arn, var.github[*].oidc_provider_arn[*]...))
}

resource "aws_iam_openid_connect_provider" "github" {
  count = try(var.github.oidc_provider_arn, "none") == null ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]

  tags = {
    Name = "github-actions"
  }
}

module "roles" {
  source   = "../modules/roles"
  for_each = var.environments

  app          = local.app
  environment  = each.key
  state_bucket = aws_s3_bucket.state.bucket
  rest_api_id  = each.value.rest_api_id
  extras       = setunion(each.value.extras, each.key == "prod" ? ["waf"] : []) # it has a web ACL by default
  domain       = each.value.domain

  # Pull requests plan the environment that their commits reach first.
  plans_pull_requests = coalesce(each.value.plans_pull_requests, each.value.promotes_from == null)

  scope = {
    partition = local.partition
    region    = var.region
    account   = data.aws_caller_identity.current.account_id
  }

  # Written out: of `merge` with null Terraform makes an object, and never null.
  github = var.github == null ? null : {
    oidc_provider_arn  = local.oidc_provider_arn
    repository         = var.github.repository
    owner_id           = var.github.owner_id
    repository_id      = var.github.repository_id
    branch             = var.github.branch
    workflows          = var.github.workflows
    rollback_workflows = var.github.rollback_workflows
    workflows_from     = var.github.workflows_from
  }

  promotes = {
    for way, other in { from = each.value.promotes_from, to = each.value.promotes_to } :
    way => other == null ? null : merge(other, { account = coalesce(other.account, data.aws_caller_identity.current.account_id) })
  }
}
