variable "app" {
  type        = string
  description = "Name of the application: every name begins with it."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}$", var.app))
    error_message = "app must be 2 to 23 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  type        = string
  description = "Name of the environment that the roles are for; GitHub's environment has the same name, and `<environment>-plan` is that of pull requests."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters and digits, beginning with a letter."
  }
}

variable "scope" {
  type = object({
    partition = string
    region    = string
    account   = string
  })
  description = "Where the environment lives: what ARNs begin with."
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.scope.account)) && startswith(var.scope.partition, "aws")
    error_message = "scope.account must be 12 digits, and scope.partition `aws`, `aws-cn` or `aws-us-gov`."
  }
}

variable "github" {
  type = object({
    oidc_provider_arn = string
    repository        = string
    owner_id          = optional(string)
    repository_id     = optional(string)
  })
  description = "The repository whose workflows may take the roles: `owner/name`, and the numbers of both, which GitHub's tokens carry for repositories made since July 2026. Null: no workflow may, and no roles are made."
  default     = null

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository must be `owner/name`."
  }

  validation {
    condition     = var.github == null || (try(var.github.owner_id, null) == null) == (try(var.github.repository_id, null) == null)
    error_message = "github.owner_id and github.repository_id go together: give both, or none."
  }

  validation {
    condition     = alltrue([for id in [try(var.github.owner_id, null), try(var.github.repository_id, null)] : id == null || can(regex("^[0-9]+$", id))])
    error_message = "github.owner_id and github.repository_id must be numbers in quotes, as `gh api repos/OWNER/NAME --jq '.owner.id, .id'` shows them."
  }
}

variable "state_bucket" {
  type        = string
  description = "Bucket that holds Terraform's states: each role gets at the one of its environment only."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket must be 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "rest_api_id" {
  type        = string
  description = "Id of the environment's API, known after its first apply: with it the roles reach no other API of the account. Null: they reach all of them."
  default     = null

  validation {
    condition     = var.rest_api_id == null || can(regex("^[a-z0-9]+$", var.rest_api_id))
    error_message = "rest_api_id must be lower-case letters and digits, or null."
  }
}

variable "promotes" {
  type = object({
    from = optional(object({ environment = string, account = string }))
    to   = optional(object({ environment = string, account = string }))
  })
  description = "The environments that releases come from and go to. The deploy role of `to` may read this one's releases; this one's may read those of `from`."
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for other in [var.promotes.from, var.promotes.to] :
      other == null || can(regex("^[a-z][a-z0-9]{1,15}/[0-9]{12}$", "${other.environment}/${other.account}"))
    ])
    error_message = "promotes.from and promotes.to must name an environment and its account of 12 digits."
  }
}

variable "extras" {
  type        = set(string)
  description = "Optional parts that the environment has: `domain`, `waf`, `postgres`. The deploy role gets what each needs."
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.extras, ["domain", "waf", "postgres"])) == 0
    error_message = "extras may hold `domain`, `waf` and `postgres`."
  }
}
