variable "app" {
  type        = string
  description = "Name of the application: every name begins with it."
  nullable    = false

  validation {
    # A function's name ends at 64 characters: app, `-options-`, environment.
    condition     = can(regex("^[a-z][a-z0-9-]{1,38}$", var.app))
    error_message = "app must be 2 to 39 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  type        = string
  description = "Name of this copy of the stack: every name ends with it, and the API's stage has it."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters and digits, beginning with a letter."
  }
}

variable "allowed_origins" {
  type        = list(string)
  description = "Exact origins that CORS allows. The first also goes on the errors that API Gateway answers by itself."
  nullable    = false

  validation {
    condition     = length(var.allowed_origins) > 0 && alltrue([for origin in var.allowed_origins : can(regex("^https?://[a-z0-9.:-]+$", origin))])
    error_message = "allowed_origins must be at least one origin such as `https://www.example.com`, without path or trailing slash."
  }
}

variable "architecture" {
  type        = string
  description = "Instruction set of the functions: `x86_64` or `arm64`."
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be `x86_64` or `arm64`."
  }
}

variable "memory_size" {
  type        = number
  description = "Memory of each function in MB."
  nullable    = false

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size must be from 128 to 10240 MB."
  }
}

variable "deletion_protection" {
  type        = bool
  description = "Whether AWS refuses to delete the table of visits."
  nullable    = false
}

variable "alarms" {
  type        = bool
  description = "Whether to make the alarms and the topic that they ring at."
  nullable    = false
}
