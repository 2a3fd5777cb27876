output "url" {
  description = "URL of the API under its own name. Known only once the mapping and the record exist."
  value       = "https://${local.name}"
  depends_on  = [aws_api_gateway_base_path_mapping.this, aws_route53_record.this]
}
