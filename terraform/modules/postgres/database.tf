# The visits in PostgreSQL. Terraform owns the instance; tables and what is in them are the function's, the password is the
# business of RDS, which makes it, keeps it in Secrets Manager and changes it every 7 days: Terraform never sees it.

locals {
  port = 5432
}

resource "aws_db_subnet_group" "this" {
  name        = local.name
  description = "Private subnets of ${local.name}"
  subnet_ids  = aws_subnet.private[*].id

  tags = {
    Name = local.name
  }
}

resource "aws_db_parameter_group" "this" {
  name        = "${local.name}-postgres${var.engine_version}"
  description = "PostgreSQL ${var.engine_version} of ${local.name}"
  family      = "postgres${var.engine_version}"

  # No connection without TLS. PostgreSQL 15 and later have this by default: it is stated against a change.
  parameter {
    name  = "rds.force_ssl"
    value = "1"

    # How RDS reports a value that is also the default. `immediate` would show as a change in every plan.
    apply_method = "pending-reboot"
  }

  # Stated, so that it can be compared with how many functions run at once. AWS's own value depends on the class.
  parameter {
    name         = "max_connections"
    value        = tostring(var.max_connections)
    apply_method = "pending-reboot" # the server takes it at its start only
  }

  tags = {
    Name = "${local.name}-postgres${var.engine_version}"
  }

  lifecycle {
    # The next major version has a group of its own, and the instance uses the old one until it has moved.
    create_before_destroy = true
  }
}

# The name is RDS's. Made before the instance, which would otherwise make it and keep the logs for ever.
resource "aws_cloudwatch_log_group" "postgresql" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts it anyway; a key of one's own has a monthly price
  #checkov:skip=CKV_AWS_338:30 days as with every log here
  name              = "/aws/rds/instance/${local.name}/postgresql"
  retention_in_days = 30

  tags = {
    Name = "/aws/rds/instance/${local.name}/postgresql"
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_118:enhanced monitoring is more log for which one pays; the instance's own metrics are free
  #checkov:skip=CKV_AWS_157:a second instance on standby doubles the price; a counter can wait for a restart
  #checkov:skip=CKV_AWS_161:one way in, the password that RDS manages
  #checkov:skip=CKV_AWS_293:only if `protected` is set: other environments come and go
  #checkov:skip=CKV_AWS_353:two statements by primary key have no performance to look into
  identifier = local.name

  engine                     = "postgres"
  engine_version             = var.engine_version # the major version alone: minor ones come by themselves
  auto_minor_version_upgrade = true
  parameter_group_name       = aws_db_parameter_group.this.name

  # Past its end a major version would be kept alive for a price by the hour. Rather, AWS upgrades it.
  engine_lifecycle_support = "open-source-rds-extended-support-disabled"

  instance_class    = var.instance_class
  allocated_storage = var.allocated_storage
  storage_type      = "gp3"
  storage_encrypted = true # with AWS's own key of the account

  db_name                     = "visits"
  username                    = "visits"
  manage_master_user_password = true

  port                   = local.port
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false
  multi_az               = false

  # Named, since the function trusts RDS's authorities as of function/certificates, and no others.
  ca_cert_identifier = "rds-ca-rsa2048-g1"

  backup_retention_period         = 7
  copy_tags_to_snapshot           = true
  enabled_cloudwatch_logs_exports = ["postgresql"]

  deletion_protection      = var.protected
  skip_final_snapshot      = !var.protected
  delete_automated_backups = !var.protected

  # With the VPC's id, so that it has no namesake: the last snapshot of an environment that was made anew would otherwise
  # be in the way of the next one.
  final_snapshot_identifier = var.protected ? "${local.name}-${aws_vpc.this.id}" : null

  tags = {
    Name = local.name
  }

  depends_on = [aws_cloudwatch_log_group.postgresql]
}
