output "role_arns" {
  description = "ARNs of the roles that exist: `deploy` and `plan` for GitHub's workflows, `read` for the next environment."
  value       = merge({ for key, role in aws_iam_role.github : key => role.arn }, { for key, role in aws_iam_role.reader : key => role.arn })
  depends_on  = [aws_iam_role_policy_attachment.github, aws_iam_role_policy.reader]
}

output "functions_boundary_arn" {
  description = "ARN of the policy that bounds the functions' roles."
  value       = aws_iam_policy.functions.arn
}

output "statements" {
  description = "Every statement of every policy, by policy: its actions and resources, and the reason for each that has a `*`. For reviews and tests."
  value = {
    for key, statements in local.statements : key => [
      for statement in statements : { actions = statement.actions, resources = statement.resources, reason = try(statement.reason, null) }
    ]
  }
}

output "plans_pull_requests" {
  description = "Whether pull requests may take the plan role."
  value       = var.plans_pull_requests
}
