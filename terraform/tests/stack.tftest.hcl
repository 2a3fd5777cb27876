# What the root promises to the deployer and to the users of the backend, held against a plan. Offline: no provider runs.
# What AWS would compute is given here, so that the contract is known at plan (`override_during`: Terraform 1.11).

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
    }
  }

  mock_resource "aws_api_gateway_rest_api" {
    defaults = {
      id            = "abc123"
      execution_arn = "arn:aws:execute-api:us-east-1:123456789012:abc123"
    }
  }

  mock_resource "aws_api_gateway_deployment" {
    defaults = {
      id = "first1"
    }
  }

  mock_resource "aws_api_gateway_stage" {
    defaults = {
      invoke_url = "https://abc123.execute-api.us-east-1.amazonaws.com/prod"
    }
  }

  # Terraform holds these against the form of an ARN.
  mock_resource "aws_cloudwatch_log_group" {
    defaults = {
      arn = "arn:aws:logs:us-east-1:123456789012:log-group:name"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/name"
    }
  }

  mock_resource "aws_sns_topic" {
    defaults = {
      arn = "arn:aws:sns:us-east-1:123456789012:name"
    }
  }
}

variables {
  environment    = "prod"
  region         = "us-east-1"
  website_domain = "www.example.com"
}

run "writes_the_contract" {
  command = plan

  assert {
    condition = jsondecode(module.ledger.contract) == {
      pk          = { S = "resume-visitor-counter" }
      sk          = { S = "stack" }
      schema      = { N = "1" }
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
        rest_api_id        = { S = "abc123" }
        stage              = { S = "prod" }
        url                = { S = "https://abc123.execute-api.us-east-1.amazonaws.com/prod" }
        initial_deployment = { S = "first1" }
      } }
      alarms = { L = [
        { S = "resume-visitor-counter-options-prod-errors" },
        { S = "resume-visitor-counter-prod-api-5xx" },
        { S = "resume-visitor-counter-prod-errors" },
      ] }
    }
    error_message = "The contract is not the one that the deployer reads."
  }
}

run "keeps_the_names_that_users_know" {
  command = plan

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
    error_message = "There is a domain that nobody asked for."
  }
}

run "puts_the_api_under_its_own_domain" {
  command = plan

  variables {
    domain_name     = "example.com"
    hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
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

run "names_the_path_at_which_the_local_aws_serves_a_stage" {
  command = plan

  variables {
    local_endpoint = "http://127.0.0.1:4566"
    alarms         = false
  }

  assert {
    condition     = output.api_endpoint == "http://127.0.0.1:4566/restapis/abc123/prod/_user_request_"
    error_message = "The local AWS does not answer there."
  }

  assert {
    condition     = length(jsondecode(module.ledger.contract).alarms.L) == 0
    error_message = "The contract names alarms that were not made."
  }
}
