variable "app" {
  type        = string
  description = "Name of the application: the beginning of the parameter's path."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,39}$", var.app))
    error_message = "app must be 2 to 40 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  type        = string
  description = "Name of the environment whose visitors it is for."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters and digits, beginning with a letter."
  }
}

variable "generation" {
  type        = number
  description = "Which secret it is: another number makes another one."
  nullable    = false

  validation {
    condition     = var.generation >= 1 && floor(var.generation) == var.generation
    error_message = "generation must be a whole number from 1."
  }
}
