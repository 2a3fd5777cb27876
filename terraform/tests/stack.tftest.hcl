# What the root promises to the deployer and to the users of the backend, checked against a plan. Offline: no call is made.
# What AWS would compute is given here, so that the contract is known at plan (`override_during`: Terraform 1.11).

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

override_resource {
  target          = module.backend.aws_api_gateway_rest_api.this
  override_during = plan
  values          = { id = "abc123", execution_arn = "arn:aws:execute-api:us-east-1:123456789012:abc123" }
}

override_resource {
  target          = module.backend.aws_api_gateway_deployment.initial
  override_during = plan
  values          = { id = "first1" }
}

override_resource {
  target          = module.backend.aws_api_gateway_stage.this
  override_during = plan
  values          = { arn = "arn:aws:apigateway:us-east-1::/restapis/abc123/stages/prod", invoke_url = "https://abc123.execute-api.us-east-1.amazonaws.com/prod" }
}

override_resource {
  target          = module.backend.aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/name" }
}

override_resource {
  target          = module.backend.aws_cloudwatch_log_group.function
  override_during = plan
  values          = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:name" }
}

variables {
  environment    = "prod"
  region         = "us-east-1"
  website_domain = "www.example.com"

  # If it is left out, the provider gets a random secret from AWS at every plan.
  address_key_parameter = "/resume-visitor-counter/prod/address-key"
}

run "writes_the_contract" {
  command = plan

  assert {
    condition = jsondecode(module.ledger.contract) == {
      pk          = { S = "resume-visitor-counter" }
      sk          = { S = "stack" }
      schema      = { N = "2" }
      environment = { S = "prod" }
      account     = { S = "123456789012" }
      region      = { S = "us-east-1" }
      functions = { M = {
        counter = { M = {
          name         = { S = "resume-visitor-counter-prod" }
          alias        = { S = "live" }
          architecture = { S = "x86_64" }
        } }
        preflight = { M = {
          name         = { S = "resume-visitor-counter-options-prod" }
          alias        = { S = "live" }
          architecture = { S = "x86_64" }
        } }
      } }
      api = { M = {
        kind               = { S = "rest" }
        id                 = { S = "abc123" }
        stage              = { S = "prod" }
        url                = { S = "https://abc123.execute-api.us-east-1.amazonaws.com/prod" }
        initial_deployment = { S = "first1" }
      } }
      alarms = { L = [
        { S = "resume-visitor-counter-options-prod-errors" },
        { S = "resume-visitor-counter-prod-api-5xx" },
        { S = "resume-visitor-counter-prod-errors" },
      ] }
      artifact_bucket = { S = "resume-visitor-counter-artifacts-prod-123456789012" }
    }
    error_message = "The contract is not the one that the deployer reads."
  }

  # keeps the names that users know
  assert {
    condition     = output.dynamodb_table_name == "ResumeVisitorCounter-prod"
    error_message = "The table is called otherwise."
  }

  assert {
    condition     = output.ledger_table_name == "resume-visitor-counter-ledger-prod"
    error_message = "The ledger is called otherwise."
  }

  assert {
    condition     = output.api_endpoint == "https://abc123.execute-api.us-east-1.amazonaws.com/prod"
    error_message = "The API's URL is not its stage's."
  }

  assert {
    condition     = output.api_custom_domain == null
    error_message = "There is a domain although none is configured."
  }

  # gives each function no more than it needs
  assert {
    condition     = sort(distinct(flatten([for statement in jsondecode(module.backend.role_policies["preflight"]).Statement : statement.Action]))) == tolist(["logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"])
    error_message = "The preflight may do more than log and trace."
  }

  assert {
    condition = { for statement in jsondecode(module.backend.role_policies["counter"]).Statement : statement.Sid => statement.Action if !contains(["WriteLogs", "WriteTraces"], statement.Sid) } == {
      CountVisits    = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      ReadAddressKey = ["ssm:GetParameter"]
    }
    error_message = "The counter may do something else than count and read its key."
  }

  # prod limits each client without being asked
  assert {
    condition     = length(module.waf) == 1 && local.waf_rate_limit == jsondecode(file("${path.module}/costs.json")).limits.waf_per_5_minutes
    error_message = "One client spends what the stage lets through, or another limit than the costs in README.md are computed with."
  }
}

run "puts_the_api_under_its_own_domain" {
  command = plan

  variables {
    domain_name     = "example.com"
    hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }

  override_data {
    target = module.domain[0].data.aws_lambda_function.live
    values = { version = "7", code_sha256 = "9f2Kd0nYq1v0Zc8Z1o1mJm0rS0y7n3yq0d8b0uH2m3A=" }
  }

  assert {
    condition     = output.api_custom_domain == "https://api.example.com"
    error_message = "The domain is not `api.<domain_name>`."
  }

  assert {
    condition     = jsondecode(module.ledger.contract).api.M.custom_url.S == "https://api.example.com"
    error_message = "The contract does not name the domain."
  }
}

run "names_the_path_of_a_stage_in_the_local_aws" {
  command = plan

  variables {
    local_endpoint = "http://127.0.0.1:4566"
  }

  assert {
    condition     = output.api_endpoint == "http://127.0.0.1:4566/restapis/abc123/prod/_user_request_"
    error_message = "The local AWS is not reachable there."
  }

  assert {
    condition     = length(jsondecode(module.ledger.contract).alarms.L) == 0
    error_message = "The contract names alarms that were not made."
  }
}

run "counts_in_postgres_instead_of_dynamodb" {
  command = plan

  variables {
    postgres             = {}
    reserved_concurrency = 35
  }

  override_module {
    target = module.postgres[0]
    outputs = {
      network     = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
      environment = { VISIT_STORE = "postgres" }
      secret_arn  = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1"
    }
  }

  assert {
    condition     = [for statement in jsondecode(module.backend.role_policies["counter"]).Statement : statement.Sid if contains(["CountVisits", "ReadDatabasePassword", "NotFromTheCode"], statement.Sid)] == ["CountVisits", "ReadDatabasePassword", "NotFromTheCode"]
    error_message = "The counter may not read the password, or what still counts in the table may not any more."
  }
}

run "keeps_the_rights_on_a_database_that_only_older_versions_use" {
  command = plan

  variables {
    postgres             = { used = false }
    reserved_concurrency = 35
  }

  override_module {
    target = module.postgres[0]
    outputs = {
      network     = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
      environment = { VISIT_STORE = "postgres" }
      secret_arn  = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1"
    }
  }

  assert {
    condition     = [for statement in jsondecode(module.backend.role_policies["counter"]).Statement : statement.Sid if contains(["CountVisits", "ReadDatabasePassword", "NotFromTheCode"], statement.Sid)] == ["CountVisits", "ReadDatabasePassword", "NotFromTheCode"]
    error_message = "The counter may not read the password, or what still counts in the table may not any more."
  }
}

run "prod_has_no_web_acl_where_it_is_switched_off" {
  command = plan

  variables {
    waf_rate_limit = 0
  }

  assert {
    condition     = length(module.waf) == 0
    error_message = "There is a web ACL that was switched off."
  }
}

run "another_environment_has_no_web_acl_by_default" {
  command = plan

  variables {
    environment           = "dev"
    address_key_parameter = "/resume-visitor-counter/dev/address-key"
  }

  assert {
    condition     = length(module.waf) == 0
    error_message = "There is a web ACL, which costs money, although none is configured."
  }
}
