# What the instance promises: no way in without TLS and a password that no person has seen, and what outlives it. Offline: no
# provider runs.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_availability_zones" {
    defaults = {
      names = ["us-east-1a", "us-east-1b"]
    }
  }

  mock_resource "aws_vpc" {
    defaults = {
      id = "vpc-1"
    }
  }

  mock_resource "aws_db_instance" {
    defaults = {
      address = "resume-visitor-counter-dev.abc.us-east-1.rds.amazonaws.com"
      master_user_secret = [{
        secret_arn    = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1"
        secret_status = "active"
        kms_key_id    = "arn:aws:kms:us-east-1:123456789012:key/1"
      }]
    }
  }
}

variables {
  app         = "resume-visitor-counter"
  environment = "dev"
  region      = "us-east-1"
  protected   = false
}

run "is_a_small_postgresql_17" {
  command = plan

  assert {
    condition     = aws_db_instance.this.identifier == "resume-visitor-counter-dev"
    error_message = "The instance is called otherwise."
  }

  assert {
    condition     = aws_db_instance.this.engine == "postgres" && aws_db_instance.this.engine_version == "17" && aws_db_instance.this.auto_minor_version_upgrade
    error_message = "It is not PostgreSQL 17 with its minor updates."
  }

  assert {
    condition     = aws_db_instance.this.instance_class == "db.t3.micro" && aws_db_instance.this.allocated_storage == 20 && aws_db_instance.this.storage_type == "gp3"
    error_message = "It is not the smallest one."
  }

  assert {
    condition     = aws_db_instance.this.engine_lifecycle_support == "open-source-rds-extended-support-disabled"
    error_message = "Past the version's end it would cost by the hour."
  }

  # is encrypted and not public
  assert {
    condition     = aws_db_instance.this.storage_encrypted
    error_message = "The visits lie in the clear."
  }

  assert {
    condition     = !aws_db_instance.this.publicly_accessible
    error_message = "It has a public address."
  }

  assert {
    condition     = aws_db_instance.this.db_subnet_group_name == "resume-visitor-counter-dev"
    error_message = "It is in the account's default network."
  }

  # speaks tls only and with the authority that the function trusts
  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value } == { "rds.force_ssl" = "1", max_connections = "80" }
    error_message = "It accepts connections without TLS."
  }

  assert {
    condition     = aws_db_instance.this.parameter_group_name == aws_db_parameter_group.this.name && aws_db_parameter_group.this.family == "postgres17"
    error_message = "The instance has other parameters."
  }

  assert {
    condition     = aws_db_instance.this.ca_cert_identifier == "rds-ca-rsa2048-g1"
    error_message = "The function would refuse the certificate."
  }

  # nobody sees the password
  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null && aws_db_instance.this.password_wo == null
    error_message = "The password is not the business of RDS."
  }

  assert {
    condition = output.environment == {
      VISIT_STORE     = "postgres"
      DATABASE_HOST   = "resume-visitor-counter-dev.abc.us-east-1.rds.amazonaws.com"
      DATABASE_PORT   = "5432"
      DATABASE_NAME   = "visits"
      DATABASE_SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1"
    }
    error_message = "The function gets other settings."
  }

  assert {
    condition     = output.secret_arn == "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1"
    error_message = "The role would be allowed to read another secret."
  }

  # keeps logs for 30 days
  assert {
    condition     = aws_cloudwatch_log_group.postgresql.name == "/aws/rds/instance/resume-visitor-counter-dev/postgresql" && aws_cloudwatch_log_group.postgresql.retention_in_days == 30
    error_message = "RDS would make a group of its own and keep the logs for ever."
  }

  assert {
    condition     = aws_db_instance.this.enabled_cloudwatch_logs_exports == toset(["postgresql"])
    error_message = "The log stays in the instance, or is more than one."
  }

  # can go back 7 days
  assert {
    condition     = aws_db_instance.this.backup_retention_period == 7 && aws_db_instance.this.copy_tags_to_snapshot
    error_message = "There are no backups of 7 days with the instance's tags."
  }

  # an unprotected database leaves nothing
  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == null
    error_message = "It stays, or leaves a snapshot for which one pays."
  }

  assert {
    condition     = aws_db_instance.this.delete_automated_backups
    error_message = "Its backups stay."
  }
}

run "is_what_was_asked_for" {
  command = plan

  variables {
    instance_class    = "db.t4g.small"
    allocated_storage = 50
    engine_version    = "15"
    max_connections   = 200
  }

  assert {
    condition     = one([for parameter in aws_db_parameter_group.this.parameter : parameter.value if parameter.name == "max_connections"]) == "200"
    error_message = "The server takes another number of connections."
  }

  assert {
    condition     = aws_db_instance.this.instance_class == "db.t4g.small" && aws_db_instance.this.allocated_storage == 50 && aws_db_instance.this.engine_version == "15"
    error_message = "It is something else."
  }

  assert {
    condition     = aws_db_parameter_group.this.family == "postgres15" && aws_db_instance.this.parameter_group_name == "resume-visitor-counter-dev-postgres15"
    error_message = "The parameters are those of another major version."
  }
}

run "a_protected_database_stays_and_leaves_a_snapshot" {
  command = plan

  variables {
    environment = "prod"
    protected   = true
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection
    error_message = "AWS would delete it."
  }

  assert {
    condition     = !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "resume-visitor-counter-prod-vpc-1"
    error_message = "It would leave no snapshot, or one that has a namesake."
  }

  assert {
    condition     = !aws_db_instance.this.delete_automated_backups
    error_message = "Its backups would go with it."
  }
}
