variable "app" {
  type        = string
  description = "Name of the application: the beginning of the web ACL's name."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,39}$", var.app))
    error_message = "app must be 2 to 40 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  type        = string
  description = "Name of the environment whose API is guarded."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters and digits, beginning with a letter."
  }
}

variable "stage_arn" {
  type        = string
  description = "ARN of the API Gateway stage that is guarded."
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:apigateway:[a-z0-9-]+::/restapis/[^/]+/stages/[^/]+$", var.stage_arn))
    error_message = "stage_arn must be the ARN of a REST API's stage, such as `arn:aws:apigateway:us-east-1::/restapis/abc123/stages/prod`."
  }
}

variable "rate_limit" {
  type        = number
  description = "Requests of one address within 5 minutes, past which it is blocked."
  nullable    = false

  validation {
    # AWS takes less, but the deployer's own checks, up to 40 a release, would come near it.
    condition     = var.rate_limit >= 100 && var.rate_limit <= 2000000000 && floor(var.rate_limit) == var.rate_limit
    error_message = "rate_limit must be a whole number from 100 to 2000000000."
  }
}
