# A network for the function and its database, with no way out: no internet gateway, no NAT, no peering. Terraform's alone.
#
# What the function needs beyond the database comes through endpoints. They are the larger part of the price: each costs by
# the hour in each zone, whether anybody calls or not.

locals {
  name = "${var.app}-${var.environment}"

  # What the function may read from AWS in here: the database's password, and its own key of SSM. Its role says which
  # secret and which parameter. Logs and traces leave by Lambda's own network.
  endpoints = {
    secretsmanager = ["secretsmanager:GetSecretValue"]
    ssm            = ["ssm:GetParameter"]
  }
}

data "aws_availability_zones" "this" {
  #checkov:skip=CKV_AWS_394:two are taken of however many there are, and the subnets stay where they were made
  # No local zones, which an account has to enable and which have no RDS.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }

  exclude_zone_ids = ["use1-az3"] # Lambda takes no subnet there
}

resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_12:nothing uses the default security group, which the deploy role could not distinguish from another environment's
  #checkov:skip=CKV2_AWS_11:nothing enters or leaves but what the security groups name; flow logs have a price for each GB
  cidr_block = var.vpc_cidr

  # Both, or the endpoints' private names do not resolve.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = {
    Name = local.name
  }
}

# The route table and the security group that AWS makes with the VPC stay as AWS makes them, since they have no tag by which
# the deploy role could distinguish them from another environment's. Nothing uses that group: every resource names its own.

# Two zones, since RDS takes no subnet group in one. They use half of the network: a subnet cannot grow, but others can
# come beside it.
resource "aws_subnet" "private" {
  count = 2

  vpc_id                  = aws_vpc.this.id
  cidr_block              = cidrsubnet(var.vpc_cidr, 2, count.index)
  availability_zone       = data.aws_availability_zones.this.names[count.index]
  map_public_ip_on_launch = false

  tags = {
    Name = "${local.name}-private-${count.index}"
  }

  lifecycle {
    # A zone that AWS adds or withdraws moves the list. The subnets, and the database in them, stay where they are.
    ignore_changes = [availability_zone]
  }

  # Lambda gives a function's network interfaces back up to 45 minutes after the function has gone.
  timeouts {
    delete = "45m"
  }
}

# Security groups. The rule that lets everything out, which AWS gives to each, Terraform takes away: only what has a rule
# below may speak. Names of hosts need none: the VPC's own resolver is not behind security groups.

resource "aws_security_group" "function" {
  #checkov:skip=CKV2_AWS_5:the function that uses it is made by the caller of this module
  name        = "${local.name}-function"
  description = "The function: to the database and to the endpoints, from nowhere"
  vpc_id      = aws_vpc.this.id

  tags = {
    Name = "${local.name}-function"
  }

  # As with the subnets.
  timeouts {
    delete = "45m"
  }
}

resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "The database: from the function only, to nowhere"
  vpc_id      = aws_vpc.this.id

  tags = {
    Name = "${local.name}-database"
  }
}

resource "aws_security_group" "endpoints" {
  name        = "${local.name}-endpoints"
  description = "The endpoints of AWS services: from the function only, to nowhere"
  vpc_id      = aws_vpc.this.id

  tags = {
    Name = "${local.name}-endpoints"
  }
}

resource "aws_vpc_security_group_egress_rule" "function" {
  for_each = {
    database  = { group = aws_security_group.database.id, port = local.port }
    endpoints = { group = aws_security_group.endpoints.id, port = 443 }
  }

  description                  = "To the ${each.key}"
  security_group_id            = aws_security_group.function.id
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = {
    Name = "${local.name}-function-to-${each.key}"
  }
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  description                  = "From the function"
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.function.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port

  tags = {
    Name = "${local.name}-database-from-function"
  }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  description                  = "From the function"
  security_group_id            = aws_security_group.endpoints.id
  referenced_security_group_id = aws_security_group.function.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443

  tags = {
    Name = "${local.name}-endpoints-from-function"
  }
}

resource "aws_vpc_endpoint" "this" {
  for_each = local.endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true # the function calls the service by its usual name

  # Only this account's credentials and secrets: nothing in here can be carried to another account.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ThisAccountOnly"
      Effect    = "Allow"
      Principal = "*"
      Action    = each.value
      Resource  = "*"
      Condition = { StringEquals = {
        "aws:PrincipalAccount" = aws_vpc.this.owner_id
        "aws:ResourceAccount"  = aws_vpc.this.owner_id
      } }
    }]
  })

  tags = {
    Name = "${local.name}-${each.key}"
  }
}
