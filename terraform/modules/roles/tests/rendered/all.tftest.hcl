# Every policy in every combination that matters, for `.ci/policies`: it reads what these runs plan. Offline.

mock_provider "aws" {}

variables {
  app          = "resume-visitor-counter"
  environment  = "dev"
  state_bucket = "resume-visitor-counter-tfstate-111111111111"
  scope        = { partition = "aws", region = "us-east-1", account = "111111111111" }

  github = {
    oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
    repository        = "owner/name"
    owner_id          = "1"
    repository_id     = "2"
  }
}

run "dev_before_its_first_apply" {
  command = plan
  variables {
    promotes            = { to = { environment = "prod", account = "111111111111" } }
    plans_pull_requests = true
  }
}

run "dev_once_its_api_is_known" {
  command = plan
  variables {
    promotes    = { to = { environment = "prod", account = "111111111111" } }
    rest_api_id = "abcdefghij"
  }
}

run "prod_with_every_part_over_two_accounts" {
  command = plan
  variables {
    environment = "prod"
    promotes    = { from = { environment = "dev", account = "222222222222" } }
    extras      = ["domain", "postgres", "waf"]
    domain      = { name = "example.com", hosted_zone_id = "Z0123456789ABCDEFGHIJ" }
  }
}

run "prod_with_every_part_once_its_api_is_known" {
  command = plan
  variables {
    environment = "prod"
    promotes    = { from = { environment = "dev", account = "111111111111" } }
    rest_api_id = "abcdefghij"
    extras      = ["domain", "postgres", "waf"]
    domain      = { name = "example.com", hosted_zone_id = "Z0123456789ABCDEFGHIJ" }
  }
}

run "the_longest_names" {
  command = plan
  variables {
    app          = "a-name-of-23-characters"
    environment  = "sixteenletterlng"
    state_bucket = "a-bucket-whose-name-is-as-long-as-a-name-can-ever-be-1234567890"
    rest_api_id  = null
    scope        = { partition = "aws-us-gov", region = "us-gov-west-1", account = "111111111111" }
    promotes     = { from = { environment = "fifteenletterln", account = "111111111111" }, to = { environment = "thirteenlette", account = "111111111111" } }
    extras       = ["domain", "postgres", "waf"]
    domain       = { name = "a-domain-with-a-label-that-has-as-many-letters-as-one-may-have0.example.com", hosted_zone_id = "Z0123456789ABCDEFGHIJKLMNOPQRSTU" }
  }
}

run "without_a_repository" {
  command = plan
  variables {
    github = null
  }
}
