output "state_bucket" {
  description = "Bucket for the environments' states: goes to `terraform init` as -backend-config=\"bucket=…\"."
  value       = aws_s3_bucket.state.bucket

  # No state may be written into it before it is closed and keeps versions.
  depends_on = [
    aws_s3_bucket_policy.state,
    aws_s3_bucket_public_access_block.state,
    aws_s3_bucket_server_side_encryption_configuration.state,
    aws_s3_bucket_versioning.state,
  ]
}

output "api_gateway_log_role_arn" {
  description = "Role with which API Gateway writes logs in this account and region; null where `api_gateway_logs` is false."
  value       = one(aws_api_gateway_account.this[*].cloudwatch_role_arn)
}

output "role_arns" {
  description = "ARNs of the roles by environment: `deploy` goes into the variable AWS_ROLE_ARN of GitHub's environments NAME and NAME-rollback, `plan` into that of NAME-plan."
  value       = { for name, roles in module.roles : name => roles.role_arns }
}

output "reader_roles" {
  description = "By environment that releases are promoted from, in one account as over two: what goes into deployer.toml as `reader_role` of [environments.NAME]."
  value       = { for name, roles in module.roles : name => roles.role_arns.read if try(roles.role_arns.read, null) != null }
}
