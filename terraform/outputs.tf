output "api_endpoint" {
  description = "URL of the API's stage, without a trailing slash: `<api_endpoint>/count` counts a visit."
  value       = local.api_url
}

output "api_custom_domain" {
  description = "URL of the API under its own domain, or null if there is none."
  value       = one(module.domain[*].url)
}

output "dynamodb_table_name" {
  description = "Table with the visits and the total."
  value       = module.backend.table_name
}

output "ledger_table_name" {
  description = "Table with the stack contract and the releases: the only name that the deployer needs."
  value       = module.ledger.table_name
}
