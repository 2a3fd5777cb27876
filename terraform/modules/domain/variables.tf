variable "domain_name" {
  type        = string
  description = "Domain under which the API is reachable as `api.<domain_name>`."
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.domain_name))
    error_message = "domain_name must be a lower-case domain without scheme, such as `example.com`."
  }
}

variable "hosted_zone_id" {
  type        = string
  description = "Route 53 zone that gets the record."
  nullable    = false

  validation {
    condition     = can(regex("^Z[A-Z0-9]{3,31}$", var.hosted_zone_id))
    error_message = "hosted_zone_id must be the id of a Route 53 zone, such as `Z0123456789ABCDEFGHIJ`."
  }
}

variable "certificate_arn" {
  type        = string
  description = "ACM certificate for `api.<domain_name>`, of the API's region."
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of an ACM certificate."
  }
}

variable "rest_api_id" {
  type        = string
  description = "Id of the REST API behind the name."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+$", var.rest_api_id))
    error_message = "rest_api_id must be lower-case letters and digits."
  }
}

variable "aliases" {
  type        = map(string)
  description = "ARNs of the Lambda aliases that the API calls, by function: the name is given only to what was released."
  nullable    = false

  validation {
    condition     = length(var.aliases) > 0 && alltrue([for alias in var.aliases : can(regex("^arn:aws[a-z-]*:lambda:[^:]+:[0-9]{12}:function:[^:]+:[^:]+$", alias))])
    error_message = "aliases must name at least one alias by its ARN, such as `arn:aws:lambda:us-east-1:123456789012:function:name:live`."
  }
}

variable "placeholder_sha256" {
  type        = string
  description = "SHA-256, in base64, of the package with which the functions were made: as long as an alias runs it, nothing was released."
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.placeholder_sha256))
    error_message = "placeholder_sha256 must be a SHA-256 in base64, as Lambda's CodeSha256."
  }
}

variable "stage" {
  type        = string
  description = "Stage of the API behind the name."
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.stage))
    error_message = "stage must be letters, digits, hyphens and underscores."
  }
}
