variable "app" {
  type        = string
  description = "Name of the application: every name begins with it, as in the environments' own root."
  default     = "resume-visitor-counter"
  nullable    = false

  validation {
    # An artifact bucket's name ends at 63 characters. Each word begins with a letter, so that no two apps have one table name.
    condition     = length(var.app) >= 2 && length(var.app) <= 23 && can(regex("^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$", var.app)) && !endswith(var.app, "-options")
    error_message = "app must be 2 to 23 lower-case letters and digits, in words that begin with a letter and are joined by single hyphens, such as `visitor-counter`; not ending with `-options`, which the preflight functions' names have."
  }
}

variable "region" {
  type        = string
  description = "AWS region of the state bucket, of the logging role, and of the environments: the roles reach no other. In a second region of one account, give another state_bucket."
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

variable "api_gateway_logs" {
  type        = bool
  description = "Whether the role with which API Gateway writes logs is made, and set for the whole account and region. `false` where the account has one already: it has only one."
  default     = true
  nullable    = false
}

variable "environments" {
  type = map(object({
    promotes_from = optional(object({ environment = string, account = optional(string) }))
    promotes_to   = optional(object({ environment = string, account = optional(string) }))
    rest_api_id   = optional(string)
    extras        = optional(set(string), [])
    domain        = optional(object({ name = string, hosted_zone_id = string }))

    plans_pull_requests = optional(bool)
  }))
  description = "The environments that live in this account: where their releases come from and go to (account: this one, unless another is named), the API's id once it is known, the optional parts `domain`, `waf`, `postgres`, the domain and its Route 53 zone if `domain` is one of them, and whether pull requests plan it (null: those of the environment that nothing is promoted to)."
  nullable    = false

  validation {
    condition     = length(var.environments) > 0 && alltrue([for name in keys(var.environments) : can(regex("^[a-z][a-z0-9]{1,15}$", name))])
    error_message = "environments must have at least one, by a name of 2 to 16 lower-case letters and digits, such as `{ dev = { promotes_to = { environment = \"prod\" } } }`."
  }

  validation {
    condition = alltrue(flatten([
      for environment in var.environments : [
        for other in [environment.promotes_from, environment.promotes_to] : other == null || can(regex("^[0-9]{12}$", coalesce(other.account, "000000000000")))
      ]
    ]))
    error_message = "the account in promotes_from and promotes_to must be 12 digits in quotes, or left out for this account."
  }

  validation {
    condition     = alltrue([for environment in var.environments : length(setsubtract(environment.extras, ["domain", "waf", "postgres"])) == 0])
    error_message = "extras may contain `domain`, `waf` and `postgres`."
  }

  validation {
    condition = alltrue([
      for environment in var.environments :
      (environment.domain != null) == contains(environment.extras, "domain") &&
      (environment.domain == null || (
        can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", environment.domain.name)) &&
        can(regex("^Z[A-Z0-9]{3,31}$", environment.domain.hosted_zone_id))
      ))
    ])
    error_message = "domain goes with the extra `domain`, and names a domain and its Route 53 zone: { name = \"example.com\", hosted_zone_id = \"Z0123456789ABCDEFGHIJ\" }."
  }
}

variable "github" {
  type = object({
    repository         = string
    owner_id           = optional(string)
    repository_id      = optional(string)
    oidc_provider_arn  = optional(string)
    branch             = optional(string, "main")
    workflows          = optional(set(string), ["reusable-deploy", "reusable-promote"])
    rollback_workflows = optional(set(string), ["reusable-rollback"])
    workflows_from     = optional(object({ repository = string, refs = set(string) }))
  })
  description = "Repository whose workflows deploy: `owner/name`, and the numbers of both, which tokens of repositories made or renamed since July 2026 carry; GitHub's OIDC provider, if the account has one already; the branch, and the workflows (files of .github/workflows, without `.yml`) that may take a deploy role: `workflows` in the environment of the same name, `rollback_workflows` in ENV-rollback. `workflows_from` is the repository and the refs (tags or commits) of those workflows, if they are called from another one; null: this repository's own, at the branch. Null: no workflow may do anything."
  default     = null

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository must be `owner/name`."
  }

  validation {
    condition = var.github == null || (
      (try(var.github.owner_id, null) == null) == (try(var.github.repository_id, null) == null) &&
      alltrue([for id in [try(var.github.owner_id, null), try(var.github.repository_id, null)] : id == null || can(regex("^[0-9]+$", id))])
    )
    error_message = "github.owner_id and github.repository_id must be numbers in quotes, both or none: `gh api repos/OWNER/NAME --jq '.owner.id, .id'` shows them."
  }

  validation {
    condition     = try(var.github.oidc_provider_arn, null) == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.github.oidc_provider_arn))
    error_message = "github.oidc_provider_arn must be the ARN of GitHub's OIDC provider in this account, or null to make one."
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

variable "budget" {
  type        = object({ monthly_usd = number, email = string })
  description = "What this account, with all that is in it, may cost a month in USD, and who gets a mail before it does: at 80 % of it, and when the forecast passes it. One budget of an account is enough. Null: none."
  default     = null

  validation {
    condition     = var.budget == null || try(var.budget.monthly_usd >= 1 && can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.budget.email)), false)
    error_message = "budget must be null, or 1 USD or more and a mail address, such as `{ monthly_usd = 30, email = \"ops@example.com\" }`."
  }
}
