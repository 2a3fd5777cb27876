variable "app" {
  type        = string
  description = "Name of the application: the contract's key, and the beginning of the table's name."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,39}$", var.app))
    error_message = "app must be 2 to 40 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  type        = string
  description = "Name of the environment that the ledger belongs to."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters and digits, beginning with a letter."
  }
}

variable "deletion_protection" {
  type        = bool
  description = "Whether AWS refuses to delete the table."
  nullable    = false
}

variable "stack" {
  type = object({
    account = string
    region  = string

    functions = map(object({
      name         = string
      alias        = string
      architecture = optional(string)
      url          = optional(string) # its alias's Function URL
    }))

    api = optional(object({
      kind               = string # rest or http
      id                 = string
      stage              = optional(string) # of an HTTP API: $default
      url                = string
      custom_url         = optional(string)
      initial_deployment = optional(string)
    }))

    alarms          = optional(list(string), [])
    artifact_bucket = optional(string)
  })
  description = "What Terraform made, as the deployer reads it: schema 2 of the stack contract."
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.stack.account))
    error_message = "stack.account must be an AWS account of 12 digits."
  }

  validation {
    condition     = length(var.stack.functions) > 0
    error_message = "stack.functions must name at least one function."
  }

  validation {
    condition     = var.stack.api == null || contains(["rest", "http"], try(var.stack.api.kind, ""))
    error_message = "stack.api.kind must be \"rest\" or \"http\"."
  }

  validation {
    condition     = try(var.stack.api.kind, "http") == "http" || try(var.stack.api.stage, null) != null
    error_message = "stack.api.stage must name the stage of a REST API."
  }

  validation {
    condition     = alltrue([for function in var.stack.functions : !startswith(function.alias, "$")])
    error_message = "stack.functions must name an alias each: `$LATEST` is scratch, it takes no traffic."
  }
}
