variable "app" {
  type        = string
  description = "Name of the application: the beginning of the bucket's name."
  nullable    = false

  validation {
    # Bucket names end at 63 characters: app, `-artifacts-`, environment, hyphen, 12 digits.
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}$", var.app))
    error_message = "app must be 2 to 23 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  type        = string
  description = "Name of the environment that the bucket belongs to."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters and digits, beginning with a letter."
  }
}

variable "account" {
  type        = string
  description = "AWS account of the environment: the end of the bucket's name."
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "account must be 12 digits in quotes, such as `\"123456789012\"`."
  }
}

variable "removable" {
  type        = bool
  description = "Whether the bucket may be destroyed with what is in it."
  nullable    = false
}
