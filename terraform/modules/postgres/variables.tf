variable "app" {
  type        = string
  description = "Name of the application: every name begins with it."
  nullable    = false

  validation {
    # RDS takes no two hyphens in a row, and one more follows.
    condition     = length(var.app) <= 39 && can(regex("^[a-z][a-z0-9]+(-[a-z0-9]+)*$", var.app))
    error_message = "app must be 2 to 39 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "environment" {
  type        = string
  description = "Name of the environment that the database belongs to."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters and digits, beginning with a letter."
  }
}

variable "region" {
  type        = string
  description = "AWS region of the stack: the endpoints' services are named after it."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as `us-east-1`."
  }
}

variable "protected" {
  type        = bool
  description = "Whether AWS refuses to delete the instance, and a last snapshot and the backups outlive it."
  nullable    = false
}

variable "vpc_cidr" {
  type        = string
  description = "Addresses of the network. Nothing is connected to it, so any private ones will do, in two environments the same."
  default     = "10.20.0.0/24"
  nullable    = false

  validation {
    condition = try(
      cidrsubnet(var.vpc_cidr, 0, 0) == var.vpc_cidr &&
      can(cidrnetmask(var.vpc_cidr)) &&
      tonumber(split("/", var.vpc_cidr)[1]) >= 16 &&
      tonumber(split("/", var.vpc_cidr)[1]) <= 24,
      false,
    )
    error_message = "vpc_cidr must be an IPv4 network from /16 to /24 by its first address, such as `10.20.0.0/24`."
  }
}

variable "engine_version" {
  type        = string
  description = "Major version of PostgreSQL."
  default     = "17"
  nullable    = false

  validation {
    condition     = contains(["15", "16", "17", "18"], var.engine_version)
    error_message = "engine_version must be a major version alone: `15`, `16`, `17` or `18`."
  }
}

variable "instance_class" {
  type        = string
  description = "Class of the instance."
  default     = "db.t3.micro"
  nullable    = false

  validation {
    condition     = can(regex("^db\\.[a-z0-9-]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "instance_class must be a class of RDS, such as `db.t3.micro`."
  }
}

variable "allocated_storage" {
  type        = number
  description = "Storage in GB. It can grow, not shrink."
  default     = 20
  nullable    = false

  validation {
    # The range of gp3.
    condition     = var.allocated_storage >= 20 && var.allocated_storage <= 65536 && floor(var.allocated_storage) == var.allocated_storage
    error_message = "allocated_storage must be a whole number from 20 to 65536 GB."
  }
}

variable "max_connections" {
  type        = number
  description = "How many connections the server takes, some of them kept for RDS and administrators: one is up to 10 MB of the instance's memory."
  default     = 80
  nullable    = false

  validation {
    condition     = var.max_connections >= 20 && var.max_connections <= 5000 && floor(var.max_connections) == var.max_connections
    error_message = "max_connections must be a whole number from 20 to 5000."
  }
}
