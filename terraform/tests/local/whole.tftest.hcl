# The whole, made, changed and destroyed on the local AWS, which is found by AWS_ENDPOINT_URL: `deployer/tests/it` starts
# one and runs `terraform test -test-directory=tests/local`. What stays behind fails the test.

variables {
  environment    = "dev"
  region         = "us-east-1"
  website_domain = "www.example.com"
  alarm_email    = "ops@example.com"

  reserved_concurrency = 100
  waf_rate_limit       = 100
  local_endpoint       = "http://127.0.0.1:4566"
}

run "makes_the_whole" {
  assert {
    condition     = output.dynamodb_table_name == "ResumeVisitorCounter-dev" && output.ledger_table_name == "resume-visitor-counter-ledger-dev"
    error_message = "The tables are called otherwise."
  }

  assert {
    condition     = output.api_endpoint == "http://127.0.0.1:4566/restapis/${module.backend.api.id}/dev/_user_request_"
    error_message = "The API is not reachable there."
  }

  assert {
    condition     = jsondecode(module.ledger.contract).api.M.initial_deployment.S == module.backend.api.initial_deployment
    error_message = "The deployer would prune the first deployment."
  }
}

run "is_as_declared" {
  module {
    source = "./tests/local/observed"
  }

  variables {
    functions   = { counter = "resume-visitor-counter-dev", preflight = "resume-visitor-counter-options-dev" }
    table       = run.makes_the_whole.dynamodb_table_name
    rest_api_id = split("/", run.makes_the_whole.api_endpoint)[4]
    topic       = "resume-visitor-counter-dev-alarms"
  }

  assert {
    condition     = alltrue([for version in values(output.versions) : can(regex("^[0-9]+$", version))])
    error_message = "An alias names no published version."
  }

  assert {
    condition = output.functions["counter"] == {
      runtime    = "provided.al2023"
      memory     = 128
      timeout    = 10
      tracing    = "Active"
      reserved   = 100
      retention  = 30
      log_format = "JSON"
      variables  = "ADDRESS_KEY_PARAMETER ALLOWED_ORIGIN DYNAMODB_TABLE"
    }
    error_message = "The counter is not the one of the rows T3 and T6."
  }

  assert {
    condition     = output.functions["preflight"].variables == "ALLOWED_ORIGIN" && output.functions["preflight"].retention == 30
    error_message = "The preflight function has more settings than its origin, or keeps its logs for ever."
  }

  assert {
    condition     = output.table == { billing = "PAY_PER_REQUEST", key = "visit_id", forgotten = "expiration_time", recovered = true, total = "0" }
    error_message = "The table is not the one of the rows T1 and T2."
  }

  assert {
    condition     = output.routes == "/count /health"
    error_message = "The API has other routes."
  }
}

run "changes_the_memory" {
  variables {
    memory_size = 256
  }

  assert {
    condition     = output.api_endpoint == run.makes_the_whole.api_endpoint
    error_message = "The API was made anew."
  }
}

run "leaves_the_aliases_where_they_are" {
  module {
    source = "./tests/local/observed"
  }

  variables {
    functions   = { counter = "resume-visitor-counter-dev", preflight = "resume-visitor-counter-options-dev" }
    table       = run.makes_the_whole.dynamodb_table_name
    rest_api_id = split("/", run.makes_the_whole.api_endpoint)[4]
    topic       = "resume-visitor-counter-dev-alarms"
  }

  assert {
    condition     = output.functions["counter"].memory == 256 && output.versions == run.is_as_declared.versions
    error_message = "The memory is the old one, or an alias has moved, which is the deployer's."
  }
}
