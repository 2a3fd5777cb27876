output "arn" {
  description = "ARN of the parameter: what the function's role may read."
  value       = aws_ssm_parameter.this.arn
}
