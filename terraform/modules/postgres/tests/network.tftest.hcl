# Who can reach whom: the function the database and the endpoints, and nothing else anything. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_availability_zones" {
    defaults = {
      names = ["us-east-1a", "us-east-1b", "us-east-1c"]
    }
  }

  mock_resource "aws_vpc" {
    defaults = {
      id       = "vpc-1"
      owner_id = "123456789012"
    }
  }
}

# One id each: rules that point at the wrong group have to look wrong.

override_resource {
  target          = aws_security_group.function
  override_during = plan
  values          = { id = "sg-function" }
}

override_resource {
  target          = aws_security_group.database
  override_during = plan
  values          = { id = "sg-database" }
}

override_resource {
  target          = aws_security_group.endpoints
  override_during = plan
  values          = { id = "sg-endpoints" }
}

override_resource {
  target          = aws_subnet.private[0]
  override_during = plan
  values          = { id = "subnet-0" }
}

override_resource {
  target          = aws_subnet.private[1]
  override_during = plan
  values          = { id = "subnet-1" }
}

variables {
  app         = "resume-visitor-counter"
  environment = "dev"
  region      = "us-east-1"
  protected   = false
  vpc_cidr    = "10.30.0.0/22"
}

run "has_two_private_subnets_in_two_zones" {
  command = plan

  assert {
    condition     = aws_vpc.this.cidr_block == "10.30.0.0/22" && aws_subnet.private[*].cidr_block == ["10.30.0.0/24", "10.30.1.0/24"]
    error_message = "The subnets are not the first two quarters of the network."
  }

  assert {
    condition     = aws_subnet.private[*].availability_zone == ["us-east-1a", "us-east-1b"]
    error_message = "RDS takes no subnet group in one zone."
  }

  assert {
    condition     = !anytrue(aws_subnet.private[*].map_public_ip_on_launch)
    error_message = "What starts there gets a public address."
  }

  assert {
    condition     = aws_db_subnet_group.this.subnet_ids == toset(["subnet-0", "subnet-1"])
    error_message = "The database is in another network."
  }

  # the database listens to the function on 5432
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.database.security_group_id == "sg-database" &&
      aws_vpc_security_group_ingress_rule.database.referenced_security_group_id == "sg-function" &&
      aws_vpc_security_group_ingress_rule.database.cidr_ipv4 == null &&
      aws_vpc_security_group_ingress_rule.database.cidr_ipv6 == null
    )
    error_message = "Others reach the database, or the function does not."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.database.ip_protocol == "tcp" &&
      aws_vpc_security_group_ingress_rule.database.from_port == 5432 &&
      aws_vpc_security_group_ingress_rule.database.to_port == 5432
    )
    error_message = "It is not PostgreSQL's port alone."
  }

  assert {
    condition     = aws_db_instance.this.vpc_security_group_ids == toset(["sg-database"])
    error_message = "The instance has other rules than the group's."
  }

  # the endpoints listen to the function on 443
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.endpoints.security_group_id == "sg-endpoints" &&
      aws_vpc_security_group_ingress_rule.endpoints.referenced_security_group_id == "sg-function" &&
      aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == null &&
      aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv6 == null
    )
    error_message = "Others reach the endpoints, or the function does not."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.endpoints.ip_protocol == "tcp" &&
      aws_vpc_security_group_ingress_rule.endpoints.from_port == 443 &&
      aws_vpc_security_group_ingress_rule.endpoints.to_port == 443
    )
    error_message = "It is not the port of HTTPS alone."
  }

  # only the function speaks and only to those two
  assert {
    condition = {
      for key, rule in aws_vpc_security_group_egress_rule.function : key => [
        rule.security_group_id, rule.referenced_security_group_id, rule.ip_protocol, rule.from_port, rule.to_port
      ]
      } == {
      database  = ["sg-function", "sg-database", "tcp", 5432, 5432]
      endpoints = ["sg-function", "sg-endpoints", "tcp", 443, 443]
    }
    error_message = "The function may speak to something else, or not to what it needs."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.function : rule.cidr_ipv4 == null && rule.cidr_ipv6 == null])
    error_message = "The function may speak to addresses."
  }

  # the function finds its secret and its key under their usual names
  assert {
    condition = { for key, endpoint in aws_vpc_endpoint.this : key => endpoint.service_name } == {
      secretsmanager = "com.amazonaws.us-east-1.secretsmanager"
      ssm            = "com.amazonaws.us-east-1.ssm"
    }
    error_message = "There are other endpoints than those two."
  }

  assert {
    condition     = aws_vpc.this.enable_dns_support && aws_vpc.this.enable_dns_hostnames && alltrue([for endpoint in aws_vpc_endpoint.this : endpoint.private_dns_enabled])
    error_message = "The usual name leads out of the network, where there is no route."
  }

  assert {
    condition = alltrue([
      for endpoint in aws_vpc_endpoint.this :
      endpoint.vpc_endpoint_type == "Interface" &&
      endpoint.subnet_ids == toset(["subnet-0", "subnet-1"]) &&
      endpoint.security_group_ids == toset(["sg-endpoints"])
    ])
    error_message = "An endpoint is in another network, or accepts others."
  }

  # the endpoints serve this account and one action each
  assert {
    condition = {
      for key, endpoint in aws_vpc_endpoint.this : key => jsondecode(endpoint.policy).Statement[*].Action
      } == {
      secretsmanager = [["secretsmanager:GetSecretValue"]]
      ssm            = [["ssm:GetParameter"]]
    }
    error_message = "An endpoint does more than the function needs."
  }

  assert {
    condition = alltrue([
      for endpoint in aws_vpc_endpoint.this : jsondecode(endpoint.policy).Statement[0].Condition == {
        StringEquals = {
          "aws:PrincipalAccount" = "123456789012"
          "aws:ResourceAccount"  = "123456789012"
        }
      }
    ])
    error_message = "An endpoint is open to other accounts."
  }

  # puts the function into the network
  assert {
    condition     = output.network == { subnet_ids = ["subnet-0", "subnet-1"], security_group_ids = ["sg-function"] }
    error_message = "The function would be in another network, or have other rules."
  }

  # every name begins with app and environment
  assert {
    condition = alltrue([
      for name in concat(
        [aws_security_group.function.name, aws_security_group.database.name, aws_security_group.endpoints.name],
        [aws_vpc.this.tags.Name],
        aws_subnet.private[*].tags.Name,
        values(aws_vpc_endpoint.this)[*].tags.Name,
      ) : startswith(name, "resume-visitor-counter-dev")
    ])
    error_message = "Two environments of one account would be mixed up."
  }

  assert {
    condition     = length(toset([aws_security_group.function.name, aws_security_group.database.name, aws_security_group.endpoints.name])) == 3
    error_message = "Two security groups of one network cannot have the same name."
  }
}
