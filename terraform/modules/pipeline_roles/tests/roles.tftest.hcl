# Who may take the roles, what they may do, what they must not, and every variable with a value that must be refused. Offline: no
# provider runs.

mock_provider "aws" {}

variables {
  contract = file("tests/notes.json")
  promotes = { to = { environment = "prod" } }

  github = {
    oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
    repository        = "you/notes"
    owner_id          = "1"
    repository_id     = "2"
    workflows_from    = { repository = "OWNER/deployer", refs = ["v0.2.0"] }
  }
}

run "only_the_called_workflows_of_that_ref_may_take_a_role" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement : statement.Condition] == [
      { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:ref" = "refs/heads/main"
        "token.actions.githubusercontent.com:sub" = ["repo:you/notes:environment:dev", "repo:you@1/notes@2:environment:dev"]
        "token.actions.githubusercontent.com:job_workflow_ref" = [
          "OWNER/deployer/.github/workflows/reusable-deploy.yml@refs/tags/v0.2.0",
          "OWNER/deployer/.github/workflows/reusable-promote.yml@refs/tags/v0.2.0",
        ]
      } },
      { StringEquals = {
        "token.actions.githubusercontent.com:aud"              = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:ref"              = "refs/heads/main"
        "token.actions.githubusercontent.com:sub"              = ["repo:you/notes:environment:dev-rollback", "repo:you@1/notes@2:environment:dev-rollback"]
        "token.actions.githubusercontent.com:job_workflow_ref" = ["OWNER/deployer/.github/workflows/reusable-rollback.yml@refs/tags/v0.2.0"]
      } },
    ]
    error_message = "Another repository, branch, workflow or environment may deploy."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role.github["plan"].assume_role_policy).Statement : statement.Condition.StringEquals] == [{
      "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
      "token.actions.githubusercontent.com:ref" = "refs/heads/main"
      "token.actions.githubusercontent.com:sub" = ["repo:you/notes:environment:dev-plan", "repo:you@1/notes@2:environment:dev-plan"]
      "token.actions.githubusercontent.com:job_workflow_ref" = [
        "OWNER/deployer/.github/workflows/reusable-deploy.yml@refs/tags/v0.2.0",
        "OWNER/deployer/.github/workflows/reusable-drift.yml@refs/tags/v0.2.0",
        "OWNER/deployer/.github/workflows/reusable-promote.yml@refs/tags/v0.2.0",
      ]
    }]
    error_message = "Another branch or workflow plans, or not in an environment of its own."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role.reader["read"].assume_role_policy).Statement : [statement.Principal, statement.Condition]] == [[
      { AWS = "arn:aws:iam::111111111111:root" }, { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/notes-prod-deploy" } },
    ]]
    error_message = "Others than the next environment's deploy role may read releases."
  }

  # the permissions page shows exactly these documents
  # In the page's order; its first block is the trust policy.
  assert {
    condition = [for block in regexall("(?s)```json\n(.*?)```", file("../../../docs/permissions.md")) : jsondecode(block[0])] == [
      jsondecode(aws_iam_role.github["deploy"].assume_role_policy),
      jsondecode(aws_iam_role_policy.github["deploy"].policy),
      jsondecode(aws_iam_role_policy.github["plan"].policy),
      jsondecode(aws_iam_role_policy.reader["read"].policy),
    ]
    error_message = "docs/permissions.md shows other documents than the module makes: ${join("\n", [
      aws_iam_role.github["deploy"].assume_role_policy, aws_iam_role_policy.github["deploy"].policy, aws_iam_role_policy.github["plan"].policy, aws_iam_role_policy.reader["read"].policy,
    ])}"
  }

  # the deploy role deletes versions only
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.github["deploy"].policy).Statement : statement.Resource if contains(statement.Action, "lambda:DeleteFunction")] == [
      ["arn:aws:lambda:us-east-1:111111111111:function:notes-api-dev:*"],
    ]
    error_message = "A whole function may be deleted."
  }

  assert {
    condition = alltrue([
      for action in flatten([for name in ["plan", "read"] : [for statement in output.statements[name] : statement.actions]]) :
      can(regex(":(Get|Describe|List|Query|GET|Simulate)", action))
    ])
    error_message = "A role that only reads may change something."
  }
}

run "a_commit_and_a_branch_are_trusted_as_they_are_written" {
  command = plan
  variables {
    github = {
      oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository        = "you/notes"
      branch            = "release/2"
      workflows_from    = { repository = "OWNER/deployer", refs = ["0123456789abcdef0123456789abcdef01234567"] }
    }
  }

  assert {
    condition = jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[1].Condition.StringEquals == {
      "token.actions.githubusercontent.com:aud"              = "sts.amazonaws.com"
      "token.actions.githubusercontent.com:ref"              = "refs/heads/release/2"
      "token.actions.githubusercontent.com:sub"              = ["repo:you/notes:environment:dev-rollback"]
      "token.actions.githubusercontent.com:job_workflow_ref" = ["OWNER/deployer/.github/workflows/reusable-rollback.yml@0123456789abcdef0123456789abcdef01234567"]
    }
    error_message = "The commit, or the branch, is not the one that was named."
  }
}

run "a_rest_api_can_be_deployed_and_not_changed" {
  command = plan
  variables {
    contract = file("tests/counter.json")
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.github["deploy"].policy).Statement : join(" ", statement.Action) => statement.Resource if strcontains(statement.Action[0], "apigateway")
      } == {
      "apigateway:GET"    = ["arn:aws:apigateway:us-east-1::/restapis/abcdefghij", "arn:aws:apigateway:us-east-1::/restapis/abcdefghij/*"]
      "apigateway:POST"   = ["arn:aws:apigateway:us-east-1::/restapis/abcdefghij/deployments"]
      "apigateway:DELETE" = ["arn:aws:apigateway:us-east-1::/restapis/abcdefghij/deployments/*"]
      "apigateway:PATCH"  = ["arn:aws:apigateway:us-east-1::/restapis/abcdefghij/stages/dev"]
    }
    error_message = "More of the API than its deployments and its stage can be changed."
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.github["deploy"].policy, "resume-visitor-counter-artifacts-dev-111111111111/*") && strcontains(aws_iam_role_policy.github["plan"].policy, "cloudwatch:DescribeAlarms")
    error_message = "A big package cannot be uploaded, or the alarms cannot be read."
  }
}

run "the_state_of_this_environment_and_no_other_is_in_reach" {
  command = plan
  variables {
    state    = { bucket = "notes-tfstate", key = "notes/dev/terraform.tfstate" }
    promotes = { from = { environment = "test", account = "222222222222" } }
  }

  assert {
    condition = { for key, role in aws_iam_role_policy.state : key => [for statement in jsondecode(role.policy).Statement : [join(" ", statement.Action), statement.Resource]] } == {
      plan = [
        ["s3:ListBucket", ["arn:aws:s3:::notes-tfstate"]],
        ["s3:GetObject", ["arn:aws:s3:::notes-tfstate/notes/dev/terraform.tfstate"]],
      ]
      deploy = [
        ["s3:ListBucket", ["arn:aws:s3:::notes-tfstate"]],
        ["s3:GetObject", ["arn:aws:s3:::notes-tfstate/notes/dev/terraform.tfstate"]],
        ["s3:PutObject", ["arn:aws:s3:::notes-tfstate/notes/dev/terraform.tfstate"]],
        ["s3:DeleteObject s3:GetObject s3:PutObject", ["arn:aws:s3:::notes-tfstate/notes/dev/terraform.tfstate.tflock"]],
      ]
    }
    error_message = "Terraform cannot use its state, or can use another one."
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.github["deploy"].policy, "arn:aws:iam::222222222222:role/notes-test-read") && length(aws_iam_role.reader) == 0
    error_message = "Nothing could be promoted from `test`, or others may read this environment."
  }
}

run "refuses_a_policy_that_iam_would_not_take" {
  command = plan
  variables {
    contract = jsonencode(merge(jsondecode(file("tests/notes.json")), {
      functions = { M = { for number in range(60) : "f${number}" => { M = { name = { S = "a-function-with-a-long-name-${number}" }, alias = { S = "live" } } } } }
    }))
  }
  expect_failures = [aws_iam_role_policy.github]
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # a contract of nothing
    contract = "{}"
    # a ledger by its arn
    ledger = "arn:aws:dynamodb:us-east-1:111111111111:table/notes-ledger-dev"
    # another provider than githubs
    github = {
      oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/example.com"
      repository        = "you/notes"
      workflows_from    = { repository = "OWNER/deployer", refs = ["v0.2.0"] }
    }
    # an account of eleven digits to promote to
    promotes = { to = { environment = "prod", account = "12345678901" } }
    # a state key with a wildcard
    state = { bucket = "notes-tfstate", key = "notes/*" }
  }
  expect_failures = [var.contract, var.ledger, var.github, var.promotes, var.state]
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # a contract of an older schema
    contract = jsonencode(merge(jsondecode(file("tests/notes.json")), { schema = { N = "1" } }))
    # a repository without its owner
    github = {
      oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository        = "you/notes"
      workflows_from    = { repository = "deployer", refs = ["v0.2.0"] }
    }
  }
  expect_failures = [var.contract, var.github]
}

run "refuses_any_version_of_the_workflows" {
  command = plan
  variables {
    github = {
      oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository        = "you/notes"
      workflows_from    = { repository = "OWNER/deployer", refs = ["v0.*"] }
    }
  }
  expect_failures = [var.github]
}

run "refuses_one_number_without_the_other" {
  command = plan
  variables {
    github = {
      oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository        = "you/notes"
      owner_id          = "1"
      workflows_from    = { repository = "OWNER/deployer", refs = ["v0.2.0"] }
    }
  }
  expect_failures = [var.github]
}

run "refuses_a_branch_with_a_wildcard" {
  command = plan
  variables {
    github = {
      oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository        = "you/notes"
      branch            = "release/*"
      workflows_from    = { repository = "OWNER/deployer", refs = ["v0.2.0"] }
    }
  }
  expect_failures = [var.github]
}
