locals {
  # AWS always has one. The local AWS makes none: null there, for who calls the module to fill.
  secret = one(aws_db_instance.this.master_user_secret[*].secret_arn)
}

output "network" {
  description = "Where the function has to be: its `vpc_config`. Known only once the database and the endpoints can be reached from there."
  value = {
    subnet_ids         = aws_subnet.private[*].id
    security_group_ids = [aws_security_group.function.id]
  }
  depends_on = [
    aws_vpc_endpoint.this,
    aws_vpc_security_group_egress_rule.function,
    aws_vpc_security_group_ingress_rule.database,
    aws_vpc_security_group_ingress_rule.endpoints,
  ]
}

output "environment" {
  description = "The function's environment variables. No password: the function reads it, and the user's name, from the secret, and again when it is refused, since RDS changes it."
  value = {
    VISIT_STORE     = "postgres"
    DATABASE_HOST   = aws_db_instance.this.address
    DATABASE_PORT   = tostring(aws_db_instance.this.port)
    DATABASE_NAME   = aws_db_instance.this.db_name
    DATABASE_SECRET = local.secret
  }
}

output "secret_arn" {
  description = "The secret that the function's role must be allowed to read (`secretsmanager:GetSecretValue`)."
  value       = local.secret
}
