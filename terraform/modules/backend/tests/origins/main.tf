# The rule for origins over the table of cases that the functions are tested with: which of them it takes.

locals {
  rule  = jsondecode(file("${path.module}/../../origin.json"))
  cases = jsondecode(file("${path.module}/../../../../../function/tests/origins.json"))

  taken = { for kind in ["accepted", "refused"] : kind => [
    for origin in local.cases[kind] : origin if can(regex(local.rule.is, origin)) && !can(regex(local.rule.is_not, origin))
  ] }
}

output "accepted" {
  description = "The origins that must be taken."
  value       = local.cases.accepted
}

output "not_taken" {
  description = "Those of them that are not."
  value       = setsubtract(local.cases.accepted, local.taken.accepted)
}

output "refused" {
  description = "How many must be refused."
  value       = length(local.cases.refused)
}

output "not_refused" {
  description = "Those of them that are taken."
  value       = local.taken.refused
}
