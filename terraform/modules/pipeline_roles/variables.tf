variable "contract" {
  type        = string
  description = "The stack contract of the environment, as it is in its ledger (DynamoDB's JSON): the output `contract` of the module `ledger`, or the item `stack` of the table. App, environment, account, region and the names of all that a release touches come from it."
  nullable    = false

  validation {
    condition = try(
      length(jsondecode(var.contract).functions.M) > 0 && jsondecode(var.contract).schema.N == "2" &&
      can(regex("^[a-z][a-z0-9]{1,15}$", jsondecode(var.contract).environment.S)) && can(regex("^[0-9]{12}$", jsondecode(var.contract).account.S)),
      false,
    )
    error_message = "contract must be the item `stack` of an environment's ledger, of schema 2: `deployer contract write ENV` writes it there."
  }
}

variable "ledger" {
  type        = string
  description = "Name of the ledger's table. Null: APP-ledger-ENV, which the module `ledger` makes."
  default     = null

  validation {
    condition     = var.ledger == null || can(regex("^[A-Za-z0-9_.-]{3,255}$", var.ledger))
    error_message = "ledger must be the name of a DynamoDB table, or null."
  }
}

variable "github" {
  type = object({
    oidc_provider_arn = string
    repository        = string
    owner_id          = optional(string)
    repository_id     = optional(string)
    branch            = optional(string, "main")
    workflows_from    = object({ repository = string, refs = set(string) })
  })
  description = "GitHub's OIDC provider in this account; the repository whose workflows may take the roles, `owner/name`, and the numbers of both, which tokens of repositories made or renamed since July 2026 carry; the branch; and the repository and refs of the reusable workflows that it calls: a tag such as `v0.2.0`, or a commit of 40 digits, exactly as after the `@` of `uses`; two of them while you change from one to the other."
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.github.oidc_provider_arn))
    error_message = "github.oidc_provider_arn must be the ARN of GitHub's OIDC provider in this account."
  }

  validation {
    condition     = alltrue([for name in [var.github.repository, var.github.workflows_from.repository] : can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", name))])
    error_message = "github.repository and github.workflows_from.repository must be `owner/name`."
  }

  validation {
    condition = (
      (var.github.owner_id == null) == (var.github.repository_id == null) &&
      alltrue([for id in [var.github.owner_id, var.github.repository_id] : id == null || can(regex("^[0-9]+$", id))])
    )
    error_message = "github.owner_id and github.repository_id must be numbers in quotes, both or none: `gh api repos/OWNER/NAME --jq '.owner.id, .id'` shows them."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", var.github.branch))
    error_message = "github.branch must be the name of a branch, such as `main`, without `refs/heads/` or a wildcard."
  }

  validation {
    condition     = length(var.github.workflows_from.refs) > 0 && alltrue([for ref in var.github.workflows_from.refs : can(regex("^([0-9a-f]{40}|(refs/(heads|tags)/)?[A-Za-z0-9][A-Za-z0-9._/-]*)$", ref))])
    error_message = "github.workflows_from.refs must have at least one: a tag such as `v0.2.0`, a commit of 40 digits, or a whole `refs/…`, without a wildcard."
  }
}

variable "promotes" {
  type = object({
    from = optional(object({ environment = string, account = optional(string) }))
    to   = optional(object({ environment = string, account = optional(string) }))
  })
  description = "The environments that releases come from and go to, and their accounts (null: the contract's). The deploy role of `to` may read this one's releases; this one's may read those of `from`."
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for other in [var.promotes.from, var.promotes.to] :
      other == null || can(regex("^[a-z][a-z0-9]{1,15}/[0-9]{12}$", "${other.environment}/${coalesce(other.account, "000000000000")}"))
    ])
    error_message = "promotes.from and promotes.to must name an environment, and its account by 12 digits or not at all."
  }
}

variable "state" {
  type        = object({ bucket = string, key = string })
  description = "Where Terraform keeps the environment's state, if the pipeline runs Terraform: the roles may read it, and the deploy role may write it. What Terraform manages needs rights of its own: attach them to `role_names`. Null: the pipeline runs no Terraform."
  default     = null

  validation {
    condition     = var.state == null || try(can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.state.bucket)) && can(regex("^[A-Za-z0-9_][A-Za-z0-9_./-]*$", var.state.key)), false)
    error_message = "state must name a bucket and a key without a wildcard, as in the environment's `.s3.tfbackend`, or be null."
  }
}
