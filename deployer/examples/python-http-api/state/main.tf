# Where Terraform keeps the states of the environments of an account: made once, by an administrator. Its own state is a file.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # A file, by default terraform.tfstate here. The bucket cannot contain the state that makes it.
  backend "local" {}
}

data "aws_caller_identity" "current" {}

resource "aws_s3_bucket" "state" {
  bucket = "notes-tfstate-${data.aws_caller_identity.current.account_id}"
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Every state that there was can be gone back to.
resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

output "bucket" {
  description = "For the variable STATE_BUCKET of GitHub's environments, and -backend-config=bucket."
  value       = aws_s3_bucket.state.bucket
  depends_on  = [aws_s3_bucket_public_access_block.state, aws_s3_bucket_versioning.state]
}
