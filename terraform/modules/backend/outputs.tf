# All of it goes into the stack contract. No version, qualified ARN, code hash or time of change: those are the deployer's.

output "table_name" {
  description = "Table with the visits and the total."
  value       = aws_dynamodb_table.this.name
}

output "functions" {
  description = "The functions by key: name, alias that takes the traffic, architecture."
  value = {
    for key, function in aws_lambda_function.this : key => {
      name         = function.function_name
      alias        = aws_lambda_alias.live[key].name
      architecture = var.function.architecture
    }
  }
}

output "api" {
  description = "The API: kind, id, stage, the stage's URL, and the deployment that the stage was made with. Known only once it is throttled and may call the functions."
  value = {
    kind               = "rest"
    id                 = aws_api_gateway_rest_api.this.id
    stage              = aws_api_gateway_stage.this.stage_name
    url                = aws_api_gateway_stage.this.invoke_url
    initial_deployment = aws_api_gateway_deployment.initial.id
  }
  depends_on = [aws_api_gateway_method_settings.this, aws_lambda_permission.api]
}

output "role_policies" {
  description = "What the functions' roles may do, by the function's key: IAM's JSON."
  value       = { for key, policy in aws_iam_role_policy.function : key => policy.policy }
}

output "aliases" {
  description = "ARNs of the aliases that take the traffic, by the function's key."
  value       = { for key, alias in aws_lambda_alias.live : key => alias.arn }
}

output "placeholder_sha256" {
  description = "SHA-256, in base64, of the package that a function has until its first release."
  value       = filebase64sha256("${path.module}/placeholder.zip")
}

output "stage_arn" {
  description = "ARN of the API's stage, for what is put in front of it."
  value       = aws_api_gateway_stage.this.arn
}

output "alarms" {
  description = "Names of the alarms that stop a release."
  value       = sort(concat(values(aws_cloudwatch_metric_alarm.function_errors)[*].alarm_name, aws_cloudwatch_metric_alarm.api_5xx[*].alarm_name))
}
