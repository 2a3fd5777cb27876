terraform {
  # 1.11: a write-only argument keeps the secret out of the state. The S3 backend's own lock file came with 1.10.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"

      # Tested with 5.100. What 6 removed (`stage_name` of a deployment, for one) is not used; 6 itself was not run.
      version = ">= 5.100, < 7"
    }
  }

  # One root for all environments: which state it is comes from environments/<environment>.s3.tfbackend.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  # Credentials of another account are refused before anything is read.
  allowed_account_ids = var.account_id == null ? null : [var.account_id]

  default_tags {
    tags = {
      Project     = local.app
      Environment = var.environment
    }
  }
}
