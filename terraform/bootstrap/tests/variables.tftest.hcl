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
}

run "keeps_every_state_closed_and_every_version_of_it" {
  command = plan

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
}

run "trusts_githubs_tokens_for_aws_and_lets_api_gateway_only_log" {
  command = plan

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "Tokens of another issuer, or for another audience, are accepted."
  }

  assert {
    condition     = endswith(aws_iam_role_policy_attachment.api_gateway_logs[0].policy_arn, ":policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")
    error_message = "API Gateway may do more than write logs."
  }
}

run "refuses_an_availability_zone_as_region" {
  command = plan
  variables {
    region = "us-east-1a"
  }
  expect_failures = [var.region]
}

run "refuses_an_account_of_eleven_digits" {
  command = plan
  variables {
    account_id = "12345678901"
  }
  expect_failures = [var.account_id]
}

run "refuses_a_bucket_in_capitals" {
  command = plan
  variables {
    state_bucket = "My-State"
  }
  expect_failures = [var.state_bucket]
}

run "refuses_an_environment_with_a_hyphen" {
  command = plan
  variables {
    environments = { dev-2 = {} }
  }
  expect_failures = [var.environments]
}

run "refuses_no_environment_at_all" {
  command = plan
  variables {
    environments = {}
  }
  expect_failures = [var.environments]
}

run "refuses_an_account_of_eleven_digits_to_promote_to" {
  command = plan
  variables {
    environments = { dev = { promotes_to = { environment = "prod", account = "12345678901" } } }
  }
  expect_failures = [var.environments]
}

run "refuses_an_extra_that_nobody_knows" {
  command = plan
  variables {
    environments = { dev = { extras = ["redis"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_a_repository_without_its_owner" {
  command = plan
  variables {
    github = { repository = "name" }
  }
  expect_failures = [var.github]
}

run "refuses_one_number_without_the_other" {
  command = plan
  variables {
    github = { repository = "owner/name", owner_id = "1" }
  }
  expect_failures = [var.github]
}

run "refuses_a_number_that_is_none" {
  command = plan
  variables {
    github = { repository = "owner/name", owner_id = "owner", repository_id = "2" }
  }
  expect_failures = [var.github]
}

run "refuses_another_provider_than_githubs" {
  command = plan
  variables {
    github = { repository = "owner/name", oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/example.com" }
  }
  expect_failures = [var.github]
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

run "refuses_an_app_in_capitals" {
  command = plan
  variables {
    app = "Sample"
  }
  expect_failures = [var.app]
}

run "refuses_an_app_that_ends_as_the_preflight_functions_do" {
  command = plan
  variables {
    app = "sample-options"
  }
  expect_failures = [var.app]
}

run "refuses_an_app_with_a_word_that_begins_with_a_digit" {
  command = plan
  variables {
    app = "sample-1"
  }
  expect_failures = [var.app]
}

run "refuses_an_app_that_is_too_long" {
  command = plan
  variables {
    app = "a23456789012345678901234"
  }
  expect_failures = [var.app]
}

run "one_account_has_the_reader_role_that_promotions_need" {
  command = plan

  assert {
    condition     = keys(output.reader_roles) == ["dev"]
    error_message = "Nothing could be promoted from dev, or something from prod."
  }
}

run "only_the_first_environment_is_planned_by_pull_requests" {
  command = plan

  assert {
    condition     = { for name, roles in module.roles : name => roles.plans_pull_requests } == { dev = true, prod = false }
    error_message = "A pull request plans prod, or cannot plan dev."
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

run "refuses_a_branch_with_a_wildcard" {
  command = plan
  variables {
    github = { repository = "owner/name", branch = "release/*" }
  }
  expect_failures = [var.github]
}

run "refuses_called_workflows_without_their_owner" {
  command = plan
  variables {
    github = { repository = "owner/name", workflows_from = { repository = "deployer", refs = ["v0.2.0"] } }
  }
  expect_failures = [var.github]
}

run "refuses_no_workflow_at_all" {
  command = plan
  variables {
    github = { repository = "owner/name", workflows = [] }
  }
  expect_failures = [var.github]
}

run "refuses_the_extra_domain_without_its_name" {
  command = plan
  variables {
    environments = { dev = { extras = ["domain"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_a_zone_by_its_name" {
  command = plan
  variables {
    environments = { dev = { extras = ["domain"], domain = { name = "example.com", hosted_zone_id = "example.com" } } }
  }
  expect_failures = [var.environments]
}
