# Every policy that bootstrap makes, for `.ci/policies`: it reads what these runs plan. Offline.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "111111111111"
      arn        = "arn:aws:iam::111111111111:user/administrator"
    }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = {
      arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
    }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::resume-visitor-counter-tfstate-111111111111"
    }
  }
}

variables {
  region = "us-east-1"

  github = {
    repository    = "owner/name"
    owner_id      = "1"
    repository_id = "2"
  }
}

run "one_account" {
  command = plan
  variables {
    environments = {
      dev  = { promotes_to = { environment = "prod" } }
      prod = { promotes_from = { environment = "dev" }, extras = ["waf"] }
    }
  }
}

run "the_account_of_dev" {
  command = plan
  variables {
    environments = { dev = { promotes_to = { environment = "prod", account = "222222222222" } } }
  }
}

run "the_account_of_prod" {
  command = plan
  variables {
    environments = { prod = { promotes_from = { environment = "dev", account = "222222222222" } } }
  }
}

run "without_a_repository" {
  command = plan
  variables {
    github       = null
    environments = { dev = {} }
  }
}
