terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # A file, by default terraform.tfstate here; another place by -backend-config="path=…". The bucket cannot contain the state
  # that makes it.
  backend "local" {}
}
