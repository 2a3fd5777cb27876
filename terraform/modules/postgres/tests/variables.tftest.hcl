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

run "refuses_an_app_in_capitals" {
  command = plan
  variables {
    app = "Resume"
  }
  expect_failures = [var.app]
}

run "refuses_two_hyphens_in_a_row" {
  command = plan
  variables {
    app = "resume--counter"
  }
  expect_failures = [var.app]
}

run "refuses_an_app_that_ends_with_a_hyphen" {
  command = plan
  variables {
    app = "resume-"
  }
  expect_failures = [var.app]
}

run "accepts_an_app_of_39_characters" {
  command = plan
  variables {
    app = "a23456789-b23456789-c23456789-d23456789"
  }
}

run "refuses_an_app_of_40_characters" {
  command = plan
  variables {
    app = "a23456789-b23456789-c23456789-d234567890"
  }
  expect_failures = [var.app]
}

run "refuses_an_environment_with_a_hyphen" {
  command = plan
  variables {
    environment = "dev-2"
  }
  expect_failures = [var.environment]
}

run "refuses_an_availability_zone_as_region" {
  command = plan
  variables {
    region = "us-east-1a"
  }
  expect_failures = [var.region]
}

run "accepts_a_network_of_16_bits" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.0/16"
  }
}

run "refuses_a_network_wider_than_a_vpc" {
  command = plan
  variables {
    vpc_cidr = "10.0.0.0/15"
  }
  expect_failures = [var.vpc_cidr]
}

run "refuses_a_network_too_narrow_for_subnets" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.0/25"
  }
  expect_failures = [var.vpc_cidr]
}

run "refuses_an_address_within_the_network" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.1/24"
  }
  expect_failures = [var.vpc_cidr]
}

run "refuses_a_network_without_its_length" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.0"
  }
  expect_failures = [var.vpc_cidr]
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

run "refuses_a_major_version_past_its_end" {
  command = plan
  variables {
    engine_version = "14"
  }
  expect_failures = [var.engine_version]
}

run "refuses_a_minor_version" {
  command = plan
  variables {
    engine_version = "17.5"
  }
  expect_failures = [var.engine_version]
}

run "refuses_a_class_of_ec2" {
  command = plan
  variables {
    instance_class = "t3.micro"
  }
  expect_failures = [var.instance_class]
}

run "refuses_less_storage_than_gp3_has" {
  command = plan
  variables {
    allocated_storage = 19
  }
  expect_failures = [var.allocated_storage]
}

run "refuses_more_storage_than_gp3_has" {
  command = plan
  variables {
    allocated_storage = 65537
  }
  expect_failures = [var.allocated_storage]
}

run "refuses_a_fraction_of_a_gigabyte" {
  command = plan
  variables {
    allocated_storage = 20.5
  }
  expect_failures = [var.allocated_storage]
}

run "refuses_fewer_connections_than_rds_and_one_function_need" {
  command = plan
  variables {
    max_connections = 10
  }
  expect_failures = [var.max_connections]
}
