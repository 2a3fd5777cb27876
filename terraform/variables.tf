# What describes one environment. Each has its values in environments/<environment>.tfvars.

variable "app" {
  type        = string
  description = "Name of the application: every name begins with it. bootstrap, `app` and `ledger` in deployer.toml, and the keys in the `.s3.tfbackend` files have the same one."
  default     = "resume-visitor-counter"
  nullable    = false

  validation {
    # An artifact bucket's name ends at 63 characters. Each word begins with a letter, so that no two apps have one table name.
    condition     = length(var.app) >= 2 && length(var.app) <= 23 && can(regex("^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$", var.app)) && !endswith(var.app, "-options")
    error_message = "app must be 2 to 23 lower-case letters and digits, in words that begin with a letter and are joined by single hyphens, such as `visitor-counter`; not ending with `-options`, which the preflight functions' names have."
  }
}

variable "environment" {
  type        = string
  description = "Name of this copy of the stack: part of every name, and the API's stage. `prod` is protected against deletion."
  nullable    = false

  validation {
    # No hyphen: the counter of an environment `options-dev` would be the preflight of `dev`.
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters and digits, beginning with a letter, such as `dev` or `prod`."
  }
}

variable "region" {
  type        = string
  description = "AWS region of the stack. It is stated here, not taken from the shell, because the deployer refuses credentials of another one."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as `us-east-1`."
  }
}

variable "account_id" {
  type        = string
  description = "AWS account that this environment lives in. With it, credentials of any other account are refused; null takes them all."
  default     = null

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits in quotes, such as `\"123456789012\"`, or null."
  }
}

# The website that calls the API, and the API's own domain.

variable "website_domain" {
  type        = string
  description = "Host name of the website whose pages call the API. `https://` and this name is the one origin that CORS allows."
  nullable    = false

  validation {
    condition     = length(var.website_domain) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.website_domain))
    error_message = "website_domain must be a lower-case host name without scheme, port or path, such as `www.example.com`."
  }
}

variable "allowed_origins" {
  type        = list(string)
  description = "Exact origins that CORS allows, instead of `https://<website_domain>`: for several, or for a website served by a laptop. API Gateway's own errors can carry one origin only, the first."
  default     = null

  validation {
    # The functions compare whole strings, and refuse to start with a text that no browser sends as an origin.
    condition = var.allowed_origins == null || (
      try(length(var.allowed_origins) > 0, false) &&
      alltrue([
        for origin in coalesce(var.allowed_origins, []) :
        can(regex(jsondecode(file("${path.module}/modules/backend/origin.json")).is, origin)) &&
        !can(regex(jsondecode(file("${path.module}/modules/backend/origin.json")).is_not, origin))
      ])
    )
    error_message = "allowed_origins must be null or a list of origins as browsers send them, such as `https://www.example.com`: lower case, without path, trailing slash or default port; http for localhost, 127.0.0.1 and [::1] only."
  }
}

variable "domain_name" {
  type        = string
  description = "Domain under which the API is reachable as `api.<domain_name>`, from the first release on: set it after that. bootstrap's `extras` has to name `domain`. Goes together with hosted_zone_id and certificate_arn; null leaves the API at AWS's own name."
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.domain_name))
    error_message = "domain_name must be a lower-case domain without scheme, such as `example.com`, or null."
  }

  validation {
    condition     = (var.domain_name == null) == (var.certificate_arn == null) && (var.domain_name == null) == (var.hosted_zone_id == null)
    error_message = "domain_name, hosted_zone_id and certificate_arn go together: give all three, or none."
  }
}

variable "hosted_zone_id" {
  type        = string
  description = "Route 53 zone that gets the record of `api.<domain_name>`."
  default     = null

  validation {
    condition     = var.hosted_zone_id == null || can(regex("^Z[A-Z0-9]{3,31}$", var.hosted_zone_id))
    error_message = "hosted_zone_id must be the id of a Route 53 zone, such as `Z0123456789ABCDEFGHIJ`, or null."
  }
}

variable "certificate_arn" {
  type        = string
  description = "ACM certificate for `api.<domain_name>`, of this region (not of us-east-1, unless that is the region: the endpoint is regional)."
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:aws[a-z-]*:acm:${var.region}:[0-9]{12}:certificate/[0-9a-f-]+$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of an ACM certificate of this region, such as `arn:aws:acm:us-east-1:123456789012:certificate/…`, or null."
  }
}

# The functions' shell.

variable "architecture" {
  type        = string
  description = "Instruction set of both functions. After a change the next release has to be built for it; until then the aliases keep the old versions."
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be `x86_64` or `arm64`."
  }
}

variable "memory_size" {
  type        = number
  description = "Memory of each function in MB; Lambda gives CPU in proportion. Terraform publishes a version with a new value; the next release moves the alias to it."
  default     = 128
  nullable    = false

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "memory_size must be a whole number of MB from 128 to 10240."
  }
}

variable "reserved_concurrency" {
  type        = number
  description = "How many of each function run at once at most, kept free for it: 100 is plenty. AWS keeps 100 of the account's quota unreserved; a young account has a quota of 10, and none to reserve. Null reserves nothing."
  default     = null

  validation {
    condition     = var.reserved_concurrency == null || try(var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency, false)
    error_message = "reserved_concurrency must be a whole number from 1, or null."
  }
}

variable "address_key_parameter" {
  type        = string
  description = "SSM parameter (SecureString under AWS's own key, 32 characters or more, below `/<app>/<environment>/`) with a secret of your own for hashing addresses. Null: Terraform makes one, without ever knowing it."
  default     = null

  validation {
    condition     = var.address_key_parameter == null || startswith(coalesce(var.address_key_parameter, "/"), "/${var.app}/${var.environment}/")
    error_message = "address_key_parameter must be a path below `/<app>/<environment>/`, which is all that the functions may read, or null."
  }
}

variable "address_key_generation" {
  type        = number
  description = "Which secret of Terraform's own making addresses are hashed with: a higher number makes another one, in place. Functions that run keep the old one until they start anew."
  default     = 1
  nullable    = false

  validation {
    condition     = var.address_key_generation >= 1 && floor(var.address_key_generation) == var.address_key_generation
    error_message = "address_key_generation must be a whole number from 1."
  }
}

variable "deletion_protection" {
  type        = bool
  description = "Whether `terraform destroy` and AWS refuse to take this environment down. Null: for `prod` only. How to remove it is described at `terraform_data.deletion_protection` in main.tf."
  default     = null
}

# What is switched on by giving it.

variable "alarm_email" {
  type        = string
  description = "Address that gets a mail when an alarm goes into ALARM. AWS sends it a confirmation first. Null: none; the topic exists anyway."
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alarm_email))
    error_message = "alarm_email must be an address such as `ops@example.com`, or null."
  }
}

variable "waf_rate_limit" {
  type        = number
  description = "Requests of one address within 5 minutes, past which a web ACL (with AWS's common rules) blocks it; bootstrap's `extras` has to name `waf`, which `prod` has without. It has a monthly price. 0: no web ACL. Null: 100 for `prod`, else 0."
  default     = null

  validation {
    # AWS's own limits. Below 100 the deployer's checks, up to 40 a release, could block themselves.
    condition     = coalesce(var.waf_rate_limit, 0) == 0 || try(var.waf_rate_limit >= 100 && var.waf_rate_limit <= 2000000000 && floor(var.waf_rate_limit) == var.waf_rate_limit, false)
    error_message = "waf_rate_limit must be a whole number from 100 to 2000000000, 0 for no web ACL, or null."
  }
}

variable "postgres" {
  type = object({
    instance_class    = optional(string, "db.t3.micro")
    allocated_storage = optional(number, 20)
    engine_version    = optional(string, "17")
    vpc_cidr          = optional(string, "10.20.0.0/24")
    max_connections   = optional(number, 80)
    used              = optional(bool, true)
  })
  description = "PostgreSQL as the store instead of DynamoDB, in a network of its own: `{}` takes it as it is, and reserved_concurrency has to be set; bootstrap's `extras` has to name `postgres`. Size in GB. The counter has to be built with `features = [\"postgres\"]` in deployer.toml. On the way back to DynamoDB, first `{ used = false }` and a release: the database and the rights on it stay until no version that may run again needs them. Null: DynamoDB."
  default     = null

  validation {
    # A container keeps a connection while it is idle, up to 2 minutes: after a release those of the old version are there beside
    # those of the new one. 10 are for RDS, for administrators and for `visits`.
    condition     = var.postgres == null || try(2 * var.reserved_concurrency + 10 <= var.postgres.max_connections, false)
    error_message = "postgres needs reserved_concurrency, so that there are never more functions than connections: 2 * reserved_concurrency + 10 must be at most postgres.max_connections (80 where it is not set: up to 35). An account with a quota of 10 has none to reserve: request more in Service Quotas, \"Concurrent executions\", first."
  }
}

# For the local AWS.

variable "local_endpoint" {
  type        = string
  description = "Where the local AWS listens, such as `http://127.0.0.1:4566`: changes the API's printed URL, and leaves out the alarms, which it does not return completely. Null on AWS."
  default     = null

  validation {
    condition     = var.local_endpoint == null || can(regex("^http://(localhost|127\\.0\\.0\\.1|\\[::1\\]):[0-9]{1,5}$", var.local_endpoint))
    error_message = "local_endpoint must be `http://`, a loopback address and a port, such as `http://127.0.0.1:4566`, or null."
  }
}
