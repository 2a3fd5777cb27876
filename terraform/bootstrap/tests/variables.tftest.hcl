# Every variable with values that must be refused, and the name that others derive. Offline: no provider runs.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
      arn        = "arn:aws:iam::123456789012:user/administrator"
    }
  }

  # Terraform holds it against the form of an ARN.
  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/name"
    }
  }
}

variables {
  region = "us-east-1"
}

run "derives_the_buckets_name_from_the_account" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "resume-visitor-counter-tfstate-123456789012"
    error_message = "The local backend files and the README expect `<app>-tfstate-<account>`."
  }
}

run "refuses_an_app_too_long_for_a_bucket" {
  command = plan
  variables {
    app = "a-name-that-no-bucket-can-hold"
  }
  expect_failures = [var.app]
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
