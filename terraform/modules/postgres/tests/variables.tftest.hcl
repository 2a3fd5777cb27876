# Every variable with values that must be refused, and some that must not. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_availability_zones" {
    defaults = {
      names = ["us-east-1a", "us-east-1b"]
    }
  }
}

variables {
  app         = "resume-visitor-counter"
  environment = "dev"
  region      = "us-east-1"
  protected   = false
}

run "accepts_the_least_that_a_database_needs" {
  command = plan
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # an app in capitals
    app = "Resume"
    # an environment with a hyphen
    environment = "dev-2"
    # an availability zone as region
    region = "us-east-1a"
    # a network wider than a vpc
    vpc_cidr = "10.0.0.0/15"
    # a major version past its end
    engine_version = "14"
    # a class of ec2
    instance_class = "t3.micro"
    # less storage than gp3 has
    allocated_storage = 19
    # fewer connections than rds and one function need
    max_connections = 10
  }
  expect_failures = [var.app, var.environment, var.region, var.vpc_cidr, var.engine_version, var.instance_class, var.allocated_storage, var.max_connections]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # two hyphens in a row
    app = "resume--counter"
    # a network too narrow for subnets
    vpc_cidr = "10.20.0.0/25"
    # a minor version
    engine_version = "17.5"
    # more storage than gp3 has
    allocated_storage = 65537
  }
  expect_failures = [var.app, var.vpc_cidr, var.engine_version, var.allocated_storage]
}

run "refuses_wrong_values_3" {
  command = plan
  variables {
    # an app that ends with a hyphen
    app = "resume-"
    # an address within the network
    vpc_cidr = "10.20.0.1/24"
    # a fraction of a gigabyte
    allocated_storage = 20.5
  }
  expect_failures = [var.app, var.vpc_cidr, var.allocated_storage]
}

run "accepts_an_app_of_39_characters" {
  command = plan
  variables {
    app = "a23456789-b23456789-c23456789-d23456789"
  }
}

run "refuses_wrong_values_4" {
  command = plan
  variables {
    # an app of 40 characters
    app = "a23456789-b23456789-c23456789-d234567890"
    # a network without its length
    vpc_cidr = "10.20.0.0"
  }
  expect_failures = [var.app, var.vpc_cidr]
}

run "accepts_a_network_of_16_bits" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.0/16"
  }
}

run "refuses_a_network_of_ipv6" {
  command = plan
  variables {
    vpc_cidr = "fd00::/24"
  }
  expect_failures = [var.vpc_cidr]
}

run "accepts_the_oldest_supported_major_version" {
  command = plan
  variables {
    engine_version = "15"
  }
}
