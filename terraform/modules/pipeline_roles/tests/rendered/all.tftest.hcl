# Every policy in every combination that matters, for `.ci/policies`: it reads what these runs plan. Offline.

mock_provider "aws" {}

variables {
  github = {
    oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
    repository        = "owner/name"
    owner_id          = "1"
    repository_id     = "2"
    workflows_from    = { repository = "OWNER/deployer", refs = ["v0.2.0"] }
  }
}

run "the_visitor_counters_dev" {
  command = plan
  variables {
    contract = file("tests/counter.json")
    promotes = { to = { environment = "prod" } }
  }
}

run "an_http_api_over_two_accounts_with_terraform" {
  command = plan
  variables {
    contract = file("tests/notes.json")
    promotes = { from = { environment = "dev", account = "222222222222" }, to = { environment = "prod", account = "222222222222" } }
    state    = { bucket = "notes-tfstate", key = "notes/dev/terraform.tfstate" }
  }
}

run "a_url_alone_by_a_commit" {
  command = plan
  variables {
    contract = jsonencode({
      pk          = { S = "greet" }
      environment = { S = "dev" }
      schema      = { N = "2" }
      account     = { S = "111111111111" }
      region      = { S = "us-gov-west-1" }
      functions   = { M = { hello = { M = { name = { S = "greet-hello-dev" }, alias = { S = "live" }, url = { S = "https://abc.lambda-url.us-gov-west-1.on.aws/" } } } } }
    })
    github = {
      oidc_provider_arn = "arn:aws-us-gov:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository        = "owner/name"
      workflows_from    = { repository = "OWNER/deployer", refs = ["0123456789abcdef0123456789abcdef01234567"] }
    }
  }
}
