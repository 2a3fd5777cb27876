# Once per account and region, by an administrator, before the first environment: where Terraform keeps its state, and what
# API Gateway needs to write logs.

provider "aws" {
  region              = var.region
  allowed_account_ids = var.account_id == null ? null : [var.account_id]

  default_tags {
    tags = {
      Project = local.app
    }
  }
}

data "aws_caller_identity" "current" {}

locals {
  app = var.app

  # Bucket names are global: the account's number makes it one of our own, and lets it be derived.
  state_bucket = coalesce(var.state_bucket, "${local.app}-tfstate-${data.aws_caller_identity.current.account_id}")

  # `aws` everywhere but in China and GovCloud.
  partition = split(":", data.aws_caller_identity.current.arn)[1]
}
