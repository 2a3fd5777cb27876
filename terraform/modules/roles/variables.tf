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
    oidc_provider_arn  = string
    repository         = string
    owner_id           = optional(string)
    repository_id      = optional(string)
    branch             = optional(string, "main")
    workflows          = optional(set(string), ["reusable-deploy", "reusable-promote"])
    rollback_workflows = optional(set(string), ["reusable-rollback"])
    workflows_from     = optional(object({ repository = string, refs = set(string) }))
  })
  description = "The repository whose workflows may take the roles: `owner/name`, and the numbers of both, which GitHub's tokens carry for repositories made since July 2026; the branch, and the workflows (files of .github/workflows, without `.yml`) that may take the deploy role: `workflows` in the environment of the same name, `rollback_workflows` in ENV-rollback. `workflows_from` is the repository and the refs (tags or commits) of those workflows, if they are called from another one; null: this repository's own, at the branch. Null: no workflow may, and no roles are made."
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

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", var.github.branch))
    error_message = "github.branch must be the name of a branch, such as `main`, without `refs/heads/` or a wildcard."
  }

  validation {
    condition     = var.github == null || try(length(var.github.workflows) > 0 && alltrue([for name in setunion(var.github.workflows, var.github.rollback_workflows) : can(regex("^[A-Za-z0-9_-]+$", name))]), false)
    error_message = "github.workflows must name at least one workflow by its file in .github/workflows, without `.yml`, such as `deploy`; github.rollback_workflows names such files too, or none."
  }

  validation {
    condition = try(var.github.workflows_from, null) == null || try(
      can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.workflows_from.repository)) &&
      length(var.github.workflows_from.refs) > 0 &&
      alltrue([for ref in var.github.workflows_from.refs : can(regex("^([0-9a-f]{40}|(refs/(heads|tags)/)?[A-Za-z0-9][A-Za-z0-9._/-]*)$", ref))]),
      false,
    )
    error_message = "github.workflows_from must name a repository, `owner/name`, and at least one ref: a tag such as `v0.2.0`, a commit of 40 digits, or a whole `refs/…`, without a wildcard."
  }
}

variable "plans_pull_requests" {
  type        = bool
  description = "Whether the plan role is for pull requests, whose workflows run on branches of their own. False: for the branch of `github` only."
  default     = false
  nullable    = false
}

variable "state_bucket" {
  type        = string
  description = "Bucket with Terraform's states: each role reaches only that of its environment."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket must be 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "rest_api_id" {
  type        = string
  description = "Id of the environment's API, known after its first apply. With it the roles name this API and lose what only the first apply needs. Null: they reach the APIs with the tag `Environment` of this environment."
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
    error_message = "extras may contain `domain`, `waf` and `postgres`."
  }
}

variable "domain" {
  type = object({
    name           = string
    hosted_zone_id = string
  })
  description = "With the extra `domain`: the domain under which the API responds as `api.<name>`, and its Route 53 zone. The roles reach no other."
  default     = null

  validation {
    condition     = (var.domain != null) == contains(var.extras, "domain")
    error_message = "domain and the extra `domain` go together: give both, or none."
  }

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.domain.name))
    error_message = "domain.name must be a lower-case domain without scheme, such as `example.com`."
  }

  validation {
    condition     = var.domain == null || can(regex("^Z[A-Z0-9]{3,31}$", var.domain.hosted_zone_id))
    error_message = "domain.hosted_zone_id must be the id of a Route 53 zone, such as `Z0123456789ABCDEFGHIJ`."
  }
}
