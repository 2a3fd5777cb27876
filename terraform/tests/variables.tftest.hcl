# Every variable of the root with values that must be refused. Offline: no call is made.

# The real provider, which plans what is new without a call: a mocked one has no ephemeral values.
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "unused"
  secret_key                  = "nothing"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = data.aws_partition.current
  values = { partition = "aws" }
}

variables {
  environment    = "dev"
  region         = "us-east-1"
  website_domain = "www.example.com"

  # If it is left out, the provider gets a random secret from AWS at every plan.
  address_key_parameter = "/resume-visitor-counter/dev/address-key"
}

run "accepts_the_least_that_an_environment_needs" {
  command = plan
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # an environment with a hyphen
    environment = "dev-2"
    # an availability zone as region
    region = "us-east-1a"
    # an account of eleven digits
    account_id = "12345678901"
    # a website with a scheme
    website_domain = "https://www.example.com"
    # any origin
    allowed_origins = ["*"]
    # rusts name of an architecture
    architecture = "aarch64"
    # less memory than lambda gives
    memory_size = 64
    # a local endpoint that is not loopback
    local_endpoint = "http://10.0.0.1:4566"
    # a mail address without a domain
    alarm_email = "ops"
    # half a generation of the secret
    address_key_generation = 1.5
  }
  expect_failures = [var.environment, var.region, var.account_id, var.website_domain, var.allowed_origins, var.architecture, var.memory_size, var.local_endpoint, var.alarm_email, var.address_key_generation]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # an environment in capitals
    environment = "PROD"
    # a website with a path
    website_domain = "www.example.com/"
    # the origin null
    allowed_origins = ["https://www.example.com", "null"]
    # a fraction of a megabyte
    memory_size = 128.5
    # a local endpoint that only begins like loopback
    local_endpoint = "http://127.0.0.1.example.com:4566"
  }
  expect_failures = [var.environment, var.website_domain, var.allowed_origins, var.memory_size, var.local_endpoint]
}

run "refuses_an_origin_with_a_trailing_slash" {
  command = plan
  variables {
    allowed_origins = ["https://www.example.com/"]
  }
  expect_failures = [var.allowed_origins]
}

run "refuses_plain_http_to_another_machine" {
  command = plan
  variables {
    allowed_origins = ["http://www.example.com"]
  }
  expect_failures = [var.allowed_origins]
}

run "refuses_an_origin_with_its_default_port" {
  command = plan
  variables {
    allowed_origins = ["https://www.example.com", "https://a.example:443"]
  }
  expect_failures = [var.allowed_origins]
}

run "refuses_a_port_that_there_is_not" {
  command = plan
  variables {
    allowed_origins = ["https://a.example:65536"]
  }
  expect_failures = [var.allowed_origins]
}

run "refuses_no_origin_at_all" {
  command = plan
  variables {
    allowed_origins = []
  }
  expect_failures = [var.allowed_origins]
}

run "refuses_a_domain_without_its_zone_and_certificate" {
  command = plan
  variables {
    domain_name = "example.com"
  }
  expect_failures = [var.domain_name]
}

run "refuses_a_zone_and_a_certificate_without_a_domain" {
  command = plan
  variables {
    hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }
  expect_failures = [var.domain_name]
}

run "refuses_a_domain_with_a_scheme" {
  command = plan
  variables {
    domain_name     = "https://example.com"
    hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }
  expect_failures = [var.domain_name]
}

run "refuses_a_zone_by_its_name" {
  command = plan
  variables {
    domain_name     = "example.com"
    hosted_zone_id  = "example.com"
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }
  expect_failures = [var.hosted_zone_id]
}

run "refuses_a_certificate_of_another_region" {
  command = plan
  variables {
    region          = "eu-central-1"
    domain_name     = "example.com"
    hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }
  expect_failures = [var.certificate_arn]
}

run "refuses_to_reserve_nothing_by_a_zero" {
  command = plan
  variables {
    reserved_concurrency = 0
  }
  expect_failures = [var.reserved_concurrency]
}

run "refuses_a_limit_that_the_deployers_checks_would_reach" {
  command = plan
  variables {
    waf_rate_limit = 40
  }
  expect_failures = [var.waf_rate_limit]
}

run "refuses_a_secret_that_the_functions_may_not_read" {
  command = plan
  variables {
    address_key_parameter = "/other/address-key"
  }
  expect_failures = [var.address_key_parameter]
}

run "refuses_an_app_in_capitals" {
  command = plan
  variables {
    app                   = "Sample"
    address_key_parameter = "/Sample/dev/address-key"
  }
  expect_failures = [var.app]
}

run "refuses_an_app_that_ends_as_the_preflight_functions_do" {
  command = plan
  variables {
    app                   = "sample-options"
    address_key_parameter = "/sample-options/dev/address-key"
  }
  expect_failures = [var.app]
}

run "refuses_an_app_with_a_word_that_begins_with_a_digit" {
  command = plan
  variables {
    app                   = "sample-1"
    address_key_parameter = "/sample-1/dev/address-key"
  }
  expect_failures = [var.app]
}

run "refuses_an_app_that_is_too_long" {
  command = plan
  variables {
    app                   = "a23456789012345678901234"
    address_key_parameter = "/a23456789012345678901234/dev/address-key"
  }
  expect_failures = [var.app]
}

run "takes_another_app_into_every_name" {
  command = plan
  variables {
    app                   = "visitor-test"
    address_key_parameter = "/visitor-test/dev/address-key"
  }

  assert {
    condition     = output.dynamodb_table_name == "VisitorTest-dev" && output.ledger_table_name == "visitor-test-ledger-dev"
    error_message = "Two apps in one account would share tables."
  }
}

run "refuses_a_database_without_a_bound_for_its_connections" {
  command = plan
  variables {
    postgres = {}
  }
  expect_failures = [var.postgres]
}

run "refuses_more_functions_than_connections" {
  command = plan
  variables {
    postgres             = {}
    reserved_concurrency = 36
  }
  expect_failures = [var.postgres]
}

run "refuses_fewer_connections_than_functions" {
  command = plan
  variables {
    postgres             = { max_connections = 200 }
    reserved_concurrency = 96
  }
  expect_failures = [var.postgres]
}
