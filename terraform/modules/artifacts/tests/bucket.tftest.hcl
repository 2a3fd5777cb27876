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

  # forgets after a day
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

run "refuses_wrong_values" {
  command = plan
  variables {
    # an app too long for a bucket
    app = "a-name-too-long-for-a-bucket-x"
    # an environment with a hyphen
    environment = "dev-2"
    # an account of eleven digits
    account = "12345678901"
  }
  expect_failures = [var.app, var.environment, var.account]
}
