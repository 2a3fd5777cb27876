# The table and the contract in it, and every variable with a value that must be refused. Offline: no provider runs.

mock_provider "aws" {}

variables {
  app                 = "app"
  environment         = "dev"
  deletion_protection = false

  stack = {
    account   = "123456789012"
    region    = "us-east-1"
    functions = { counter = { name = "app-dev", alias = "live", architecture = "arm64" } }
    api       = { kind = "rest", id = "abc123", stage = "dev", url = "https://example.com/dev", initial_deployment = "first1" }
    alarms    = []
  }
}

run "what_is_not_there_is_not_in_the_contract" {
  command = plan

  assert {
    condition     = !contains(keys(jsondecode(output.contract)), "artifact_bucket") && !contains(keys(jsondecode(output.contract).api.M), "custom_url")
    error_message = "The deployer would read a null."
  }

  # the record of releases can be restored and is encrypted
  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled && aws_dynamodb_table.this.server_side_encryption[0].enabled
    error_message = "The only record of what may be rolled back to could be lost."
  }
}

run "functions_may_be_behind_no_api" {
  command = plan
  variables {
    stack = { account = "123456789012", region = "us-east-1", functions = { f = { name = "f", alias = "live", architecture = "arm64" } }, alarms = [] }
  }

  assert {
    condition     = !contains(keys(jsondecode(output.contract)), "api") && jsondecode(output.contract).schema.N == "2"
    error_message = "The deployer would read a null."
  }
}

run "refuses_wrong_values" {
  command = plan
  variables {
    # a kind of api that is not known
    stack = { account = "123456789012", region = "us-east-1", functions = { f = { name = "f", alias = "live", architecture = "arm64" } }, api = { kind = "websocket", id = "a", stage = "dev", url = "u" }, alarms = [] }
    # an app in capitals
    app = "App"
    # an environment with a hyphen
    environment = "dev-2"
  }
  expect_failures = [var.stack, var.app, var.environment]
}

run "an_http_api_and_function_urls_are_triggers_too" {
  command = plan
  variables {
    stack = {
      account = "123456789012"
      region  = "us-east-1"

      functions = {
        a = { name = "a", alias = "live" }
        b = { name = "b", alias = "live", url = "https://b.lambda-url.us-east-1.on.aws/" }
      }
      api = { kind = "http", id = "h1", url = "https://h1.execute-api.us-east-1.amazonaws.com" }
    }
  }

  assert {
    condition     = jsondecode(output.contract).functions.M.b.M.url.S == "https://b.lambda-url.us-east-1.on.aws/" && !contains(keys(jsondecode(output.contract).functions.M.a.M), "url")
    error_message = "The deployer would not find the function's URL."
  }

  assert {
    condition     = !contains(keys(jsondecode(output.contract).api.M), "stage") && jsondecode(output.contract).alarms.L == []
    error_message = "The deployer would read a null."
  }
}

run "refuses_a_rest_api_without_a_stage" {
  command = plan
  variables {
    stack = { account = "123456789012", region = "us-east-1", functions = { f = { name = "f", alias = "live" } }, api = { kind = "rest", id = "a", url = "u" } }
  }
  expect_failures = [var.stack]
}

run "refuses_a_stack_without_functions" {
  command = plan
  variables {
    stack = { account = "123456789012", region = "us-east-1", functions = {}, api = { kind = "rest", id = "a", stage = "dev", url = "u", initial_deployment = "d" }, alarms = [] }
  }
  expect_failures = [var.stack]
}

run "refuses_an_alias_that_is_latest" {
  command = plan
  variables {
    stack = { account = "123456789012", region = "us-east-1", functions = { f = { name = "f", alias = "$LATEST", architecture = "arm64" } }, api = { kind = "rest", id = "a", stage = "dev", url = "u", initial_deployment = "d" }, alarms = [] }
  }
  expect_failures = [var.stack]
}

run "refuses_an_account_of_eleven_digits" {
  command = plan
  variables {
    stack = { account = "12345678901", region = "us-east-1", functions = { f = { name = "f", alias = "live", architecture = "arm64" } }, api = { kind = "rest", id = "a", stage = "dev", url = "u", initial_deployment = "d" }, alarms = [] }
  }
  expect_failures = [var.stack]
}
