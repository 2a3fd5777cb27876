# What the bucket promises, and every variable with a value that must be refused. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  # The provider checks it against the form of an ARN.
  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::bucket"
    }
  }
}

variables {
  app         = "app"
  environment = "dev"
  account     = "123456789012"
  removable   = true
}

run "is_closed_encrypted_and_versioned" {
  command = plan

  assert {
    condition     = output.bucket == "app-artifacts-dev-123456789012"
    error_message = "The name is not one of this account and environment."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls, aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls, aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket can be opened to the public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "The deployer hands Lambda a version, and there are none."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The bucket is not encrypted."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "Requests without TLS are taken."
  }
}

run "forgets_after_a_day" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration[0].days == 1,
      aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration[0].noncurrent_days == 1,
      aws_s3_bucket_lifecycle_configuration.this.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 1,
    ])
    error_message = "Zips that are no longer needed pile up."
  }
}

run "goes_with_its_content_only_where_it_may" {
  command = plan

  variables {
    removable = false
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A protected bucket could be emptied by a destroy."
  }
}

run "refuses_an_app_too_long_for_a_bucket" {
  command = plan
  variables {
    app = "a-name-too-long-for-a-bucket-x"
  }
  expect_failures = [var.app]
}

run "refuses_an_environment_with_a_hyphen" {
  command = plan
  variables {
    environment = "dev-2"
  }
  expect_failures = [var.environment]
}

run "refuses_an_account_of_eleven_digits" {
  command = plan
  variables {
    account = "12345678901"
  }
  expect_failures = [var.account]
}
