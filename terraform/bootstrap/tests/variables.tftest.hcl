# Every variable with values that must be refused, and the name that others derive. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
      arn        = "arn:aws:iam::123456789012:user/administrator"
    }
  }

  # Terraform checks these against the form of an ARN.
  mock_resource "aws_iam_policy" {
    defaults = {
      arn = "arn:aws:iam::123456789012:policy/name"
    }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = {
      arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::bucket"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/name"
    }
  }
}

variables {
  region = "us-east-1"

  environments = {
    dev  = { promotes_to = { environment = "prod" } }
    prod = { promotes_from = { environment = "dev" }, extras = ["waf"] }
  }

  github = {
    repository    = "owner/name"
    owner_id      = "1"
    repository_id = "2"
  }
}

run "derives_the_buckets_name_from_the_account" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "resume-visitor-counter-tfstate-123456789012"
    error_message = "The local backend files and the README expect `<app>-tfstate-<account>`."
  }

  # keeps every state closed and every version of it
  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "A broken state could not be gone back from."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "States could be made public."
  }

  # trusts githubs tokens for aws and lets api gateway only log
  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "Tokens of another issuer, or for another audience, are accepted."
  }

  assert {
    condition     = endswith(aws_iam_role_policy_attachment.api_gateway_logs[0].policy_arn, ":policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")
    error_message = "API Gateway may do more than write logs."
  }

  # one account has the reader role that promotions need
  assert {
    condition     = keys(output.reader_roles) == ["dev"]
    error_message = "Nothing could be promoted from dev, or something from prod."
  }

  # only the first environment is planned by pull requests
  assert {
    condition     = { for name, roles in module.roles : name => roles.plans_pull_requests } == { dev = true, prod = false }
    error_message = "A pull request plans prod, or cannot plan dev."
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # an availability zone as region
    region = "us-east-1a"
    # an account of eleven digits
    account_id = "12345678901"
    # a bucket in capitals
    state_bucket = "My-State"
    # an environment with a hyphen
    environments = { dev-2 = {} }
    # a repository without its owner
    github = { repository = "name" }
    # an app in capitals
    app = "Sample"
  }
  expect_failures = [var.region, var.account_id, var.state_bucket, var.environments, var.github, var.app]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # no environment at all
    environments = {}
    # one number without the other
    github = { repository = "owner/name", owner_id = "1" }
    # an app that ends as the preflight functions do
    app = "sample-options"
  }
  expect_failures = [var.environments, var.github, var.app]
}

run "refuses_wrong_values_3" {
  command = plan
  variables {
    # an account of eleven digits to promote to
    environments = { dev = { promotes_to = { environment = "prod", account = "12345678901" } } }
    # a number that is none
    github = { repository = "owner/name", owner_id = "owner", repository_id = "2" }
    # an app with a word that begins with a digit
    app = "sample-1"
  }
  expect_failures = [var.environments, var.github, var.app]
}

run "refuses_wrong_values_4" {
  command = plan
  variables {
    # an extra that nobody knows
    environments = { dev = { extras = ["redis"] } }
    # another provider than githubs
    github = { repository = "owner/name", oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/example.com" }
    # an app that is too long
    app = "a23456789012345678901234"
  }
  expect_failures = [var.environments, var.github, var.app]
}

run "takes_another_app_into_every_name" {
  command = plan
  variables {
    app = "sample"
  }

  assert {
    condition     = aws_s3_bucket.state.bucket == "sample-tfstate-123456789012" && aws_iam_role.api_gateway_logs[0].name == "sample-api-gateway-logs-us-east-1"
    error_message = "Two apps in one account would share names."
  }
}

run "leaves_the_accounts_log_role_alone" {
  command = plan
  variables {
    api_gateway_logs = false
  }

  assert {
    condition     = length(aws_api_gateway_account.this) == 0 && length(aws_iam_role.api_gateway_logs) == 0 && output.api_gateway_log_role_arn == null
    error_message = "The role that the account's APIs log with would be replaced."
  }
}

run "makes_no_role_without_a_repository" {
  command = plan
  variables {
    github = null
  }

  assert {
    condition     = output.role_arns.dev == { read = output.reader_roles.dev } && length(aws_iam_openid_connect_provider.github) == 0
    error_message = "There are roles that nothing can assume, or it cannot be planned."
  }
}

run "refuses_wrong_values_5" {
  command = plan
  variables {
    # a branch with a wildcard
    github = { repository = "owner/name", branch = "release/*" }
    # the extra domain without its name
    environments = { dev = { extras = ["domain"] } }
  }
  expect_failures = [var.github, var.environments]
}

run "refuses_wrong_values_6" {
  command = plan
  variables {
    # called workflows without their owner
    github = { repository = "owner/name", workflows_from = { repository = "deployer", refs = ["v0.2.0"] } }
    # a zone by its name
    environments = { dev = { extras = ["domain"], domain = { name = "example.com", hosted_zone_id = "example.com" } } }
  }
  expect_failures = [var.github, var.environments]
}

run "refuses_no_workflow_at_all" {
  command = plan
  variables {
    github = { repository = "owner/name", workflows = [] }
  }
  expect_failures = [var.github]
}
