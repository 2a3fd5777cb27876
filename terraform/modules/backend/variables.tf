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
  description = "Exact origins that CORS allows. The first is also on the errors that API Gateway returns by itself."
  nullable    = false

  validation {
    condition = length(var.allowed_origins) > 0 && alltrue([
      for origin in var.allowed_origins :
      can(regex(jsondecode(file("${path.module}/origin.json")).is, origin)) && !can(regex(jsondecode(file("${path.module}/origin.json")).is_not, origin))
    ])
    error_message = "allowed_origins must be at least one origin as browsers send it, such as `https://www.example.com`: lower case, without path, trailing slash or default port; http for localhost, 127.0.0.1 and [::1] only."
  }
}

variable "function" {
  type = object({
    architecture         = string
    memory_size          = number
    reserved_concurrency = optional(number)
  })
  description = "What both functions have: instruction set, memory in MB, and how many run at once at most (null: as many as the account has left)."
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.function.architecture)
    error_message = "function.architecture must be `x86_64` or `arm64`."
  }

  validation {
    condition     = var.function.memory_size >= 128 && var.function.memory_size <= 10240
    error_message = "function.memory_size must be from 128 to 10240 MB."
  }

  validation {
    # Zero would be a switch that turns the backend off.
    condition     = var.function.reserved_concurrency == null || try(var.function.reserved_concurrency >= 1, false)
    error_message = "function.reserved_concurrency must be 1 or more, or null."
  }
}

variable "address_key_arn" {
  type        = string
  description = "ARN of the SSM parameter with the secret under which the counter hashes addresses."
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:ssm:[^:]+:[0-9]{12}:parameter/.+$", var.address_key_arn))
    error_message = "address_key_arn must be the ARN of an SSM parameter, such as `arn:aws:ssm:us-east-1:123456789012:parameter/app/dev/address-key`."
  }
}

variable "permissions_boundary" {
  type        = string
  description = "ARN of the policy that bounds what the functions' roles can ever do: bootstrap's."
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, such as `arn:aws:iam::123456789012:policy/name`."
  }
}

variable "deletion_protection" {
  type        = bool
  description = "Whether AWS refuses to delete the table of visits."
  nullable    = false
}

variable "alarms" {
  type = object({
    enabled = bool
    email   = optional(string)
  })
  description = "Whether to make the alarms, and the address that gets a mail when one goes into ALARM (null: none; the topic exists anyway)."
  nullable    = false

  validation {
    condition     = var.alarms.email == null || can(regex("^[^@[:space:]]+@[^@[:space:]]+$", var.alarms.email))
    error_message = "alarms.email must be an address such as `ops@example.com`, or null."
  }
}

variable "database" {
  type = object({
    used        = optional(bool, true)
    network     = object({ subnet_ids = list(string), security_group_ids = list(string) })
    environment = map(string)
    secret_arn  = string
  })
  description = "PostgreSQL as the store: the network from which it is reached, the counter's settings, and the secret with its password. `used = false`: new versions count in DynamoDB, and those published before keep their rights. Null: DynamoDB, and no rights on a database."
  default     = null

  validation {
    condition     = var.database == null || !contains(keys(try(var.database.environment, {})), "DYNAMODB_TABLE")
    error_message = "database.environment must not name DYNAMODB_TABLE: the backend sets it."
  }
}
