variable "app" {
  type        = string
  description = "Name of the application: every name begins with it."
  default     = "resume-visitor-counter"
  nullable    = false

  validation {
    # Bucket names end at 63 characters: app, `-tfstate-`, 12 digits.
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}$", var.app))
    error_message = "app must be 2 to 23 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  type        = string
  description = "AWS region of the state bucket and of the logging role. In a second region of one account, give another state_bucket."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as `us-east-1`."
  }
}

variable "account_id" {
  type        = string
  description = "AWS account to prepare. With it, credentials of any other account are refused; null takes them all."
  default     = null

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits in quotes, such as `\"123456789012\"`, or null."
  }
}

variable "state_bucket" {
  type        = string
  description = "Name of the bucket for Terraform's state; null derives it: `<app>-tfstate-<account>`."
  default     = null

  validation {
    condition     = var.state_bucket == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket must be 3 to 63 lower-case letters, digits and hyphens, or null."
  }
}
