output "role_arns" {
  description = "ARNs of the roles: `deploy` goes into the variable AWS_ROLE_ARN of GitHub's environments ENV and ENV-rollback, `plan` into that of ENV-plan; `read`, where releases are promoted from here, is `reader_role` of [environments.ENV] in deployer.toml."
  value       = merge({ for key, role in aws_iam_role.github : key => role.arn }, { for key, role in aws_iam_role.reader : key => role.arn })
  depends_on  = [aws_iam_role_policy.github, aws_iam_role_policy.reader, aws_iam_role_policy.state]
}

output "role_names" {
  description = "Names of the roles, for policies of your own: what Terraform manages in the pipeline, a KMS key, an image repository."
  value       = merge({ for key, role in aws_iam_role.github : key => role.name }, { for key, role in aws_iam_role.reader : key => role.name })
}

output "statements" {
  description = "Every statement of every policy, by policy: its actions and resources, and the reason for each that has a `*`. For reviews and tests."
  value = {
    for key, statements in local.statements : key => [
      for statement in statements : { actions = statement.actions, resources = statement.resources, reason = statement.reason }
    ]
  }
}
