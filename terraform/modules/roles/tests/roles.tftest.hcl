# Who may take the roles, what they may do, and what they must not. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_iam_policy" {
    defaults = {
      arn = "arn:aws:iam::111111111111:policy/app-dev-functions"
    }
  }
}

variables {
  app          = "app"
  environment  = "dev"
  state_bucket = "app-tfstate-111111111111"
  scope        = { partition = "aws", region = "us-east-1", account = "111111111111" }
  promotes     = { to = { environment = "prod", account = "222222222222" } }

  github = {
    oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
    repository        = "owner/name"
    owner_id          = "1"
    repository_id     = "2"
  }
}

run "only_this_repositorys_environment_may_deploy" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = ["repo:owner/name:environment:dev", "repo:owner@1/name@2:environment:dev"]
      }
    }
    error_message = "Another repository, branch or environment may deploy."
  }

  assert {
    condition     = jsondecode(aws_iam_role.github["plan"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:owner/name:environment:dev-plan", "repo:owner@1/name@2:environment:dev-plan"]
    error_message = "A pull request does not plan in an environment of its own."
  }
}

run "a_repository_without_numbers_is_trusted_by_its_name" {
  command = plan

  variables {
    github = {
      oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository        = "owner/name"
    }
  }

  assert {
    condition     = jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:owner/name:environment:dev"]
    error_message = "The subject is not whole."
  }
}

run "the_next_environments_deploy_role_and_nobody_else_reads_releases" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.reader["read"].assume_role_policy).Statement[0].Condition.ArnEquals["aws:PrincipalArn"] == "arn:aws:iam::222222222222:role/app-prod-deploy"
    error_message = "Somebody else may read."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.reader["read"].policy).Statement == [
      { Effect = "Allow", Action = ["dynamodb:GetItem", "dynamodb:Query"], Resource = "arn:aws:dynamodb:us-east-1:111111111111:table/app-ledger-dev" },
      { Effect = "Allow", Action = ["lambda:GetFunction"], Resource = ["arn:aws:lambda:us-east-1:111111111111:function:app-dev:*", "arn:aws:lambda:us-east-1:111111111111:function:app-options-dev:*"] },
    ]
    error_message = "The reader may do more than read releases and their zips."
  }
}

run "the_deploy_role_reads_where_releases_come_from" {
  command = plan

  variables {
    environment = "prod"
    promotes    = { from = { environment = "dev", account = "111111111111" } }
  }

  assert {
    condition     = strcontains(aws_iam_policy.github["deploy-release"].policy, "arn:aws:iam::111111111111:role/app-dev-read")
    error_message = "Nothing could be promoted."
  }

  assert {
    condition     = length(aws_iam_role.reader) == 0
    error_message = "Nothing is promoted from here, and yet somebody may read."
  }
}

run "nothing_that_serves_can_be_deleted" {
  command = plan

  variables {
    extras = ["domain", "postgres", "waf"]
  }

  assert {
    condition = length(setintersection(
      flatten([for policy in aws_iam_policy.github : [for statement in jsondecode(policy.policy).Statement : statement.Action]]),
      ["lambda:DeleteAlias", "dynamodb:DeleteTable", "dynamodb:DeleteItem", "rds:DeleteDBInstance", "s3:DeleteBucket", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:CreatePolicyVersion"],
    )) == 0
    error_message = "A role may delete what serves, or free itself."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["deploy-release"].policy).Statement : statement.Resource if contains(statement.Action, "lambda:DeleteFunction")
    ] == [["arn:aws:lambda:us-east-1:111111111111:function:app-dev:*", "arn:aws:lambda:us-east-1:111111111111:function:app-options-dev:*"]]
    error_message = "A whole function may be deleted, not only a version."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.github["deploy-change"].policy).Statement :
      !anytrue([for resource in statement.Resource : endswith(resource, "/restapis/*") || endswith(resource, "/restapis")])
      if contains(statement.Action, "apigateway:DELETE")
    ])
    error_message = "The API may be deleted."
  }
}

run "no_action_has_a_star" {
  command = plan

  variables {
    extras = ["domain", "postgres", "waf"]
  }

  assert {
    condition     = !anytrue([for action in flatten([for policy in concat(values(aws_iam_policy.github), [aws_iam_policy.functions]) : [for statement in jsondecode(policy.policy).Statement : statement.Action]]) : strcontains(action, "*")])
    error_message = "A policy names actions that nobody looked at."
  }
}

run "the_plan_role_changes_nothing" {
  command = plan

  variables {
    extras = ["domain", "postgres", "waf"]
  }

  assert {
    condition = alltrue([
      for action in flatten([for name, policy in aws_iam_policy.github : [for statement in jsondecode(policy.policy).Statement : statement.Action] if startswith(name, "plan-")]) :
      can(regex(":(Get|Describe|List|Query|GET|Simulate)", action))
    ])
    error_message = "The role of pull requests may change something."
  }
}

run "every_policy_fits_into_what_iam_takes_whatever_the_names" {
  command = plan

  variables {
    app         = "a-name-of-23-characters"
    environment = "sixteenletterlng"
    rest_api_id = "abcdefghij"
    scope       = { partition = "aws-us-gov", region = "us-gov-west-1", account = "111111111111" }
    extras      = ["domain", "postgres", "waf"]
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.github), [aws_iam_policy.functions]) : length(policy.policy) <= 6144])
    error_message = "IAM takes 6144 characters."
  }
}

run "roles_are_only_made_with_the_boundary" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["deploy-change"].policy).Statement : statement.Condition if contains(statement.Action, "iam:PutRolePolicy")
    ] == [{ StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::111111111111:policy/app-dev-functions" } }]
    error_message = "A function could be given more than functions may have."
  }
}

run "the_boundary_is_no_wider_than_what_functions_do" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_policy.functions.policy).Statement : join(" ", flatten([statement.Action])) => statement.Resource } == {
      "dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem" = [
        "arn:aws:dynamodb:us-east-1:111111111111:table/App-dev",
      ]
      "ssm:GetParameter" = "arn:aws:ssm:us-east-1:111111111111:parameter/app/dev/*"
      "kms:Decrypt"      = "*"
      "logs:CreateLogStream logs:PutLogEvents" = [
        "arn:aws:logs:us-east-1:111111111111:log-group:/aws/lambda/app-dev:*", "arn:aws:logs:us-east-1:111111111111:log-group:/aws/lambda/app-options-dev:*",
      ]
      "xray:PutTelemetryRecords xray:PutTraceSegments" = "*"
    }
    error_message = "A function could do more than count."
  }
}

run "one_api_is_enough_once_it_is_known" {
  command = plan

  variables {
    rest_api_id = "abc123"
  }

  assert {
    condition     = !strcontains(join("", values(aws_iam_policy.github)[*].policy), "/restapis/*")
    error_message = "Other APIs of the account are in reach."
  }
}

run "without_a_repository_no_workflow_may_do_anything" {
  command = plan

  variables {
    github = null
  }

  assert {
    condition     = length(aws_iam_role.github) == 0 && length(aws_iam_policy.github) == 0
    error_message = "There are roles for nobody."
  }
}

run "refuses_an_app_too_long_for_a_bucket" {
  command = plan
  variables {
    app = "a-name-that-no-bucket-can-hold"
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

run "refuses_an_account_of_eleven_digits" {
  command = plan
  variables {
    scope = { partition = "aws", region = "us-east-1", account = "11111111111" }
  }
  expect_failures = [var.scope]
}

run "refuses_a_repository_without_its_owner" {
  command = plan
  variables {
    github = { oidc_provider_arn = "arn", repository = "name" }
  }
  expect_failures = [var.github]
}

run "refuses_a_bucket_in_capitals" {
  command = plan
  variables {
    state_bucket = "My-State"
  }
  expect_failures = [var.state_bucket]
}

run "refuses_an_api_by_its_url" {
  command = plan
  variables {
    rest_api_id = "https://abc123"
  }
  expect_failures = [var.rest_api_id]
}

run "refuses_an_account_of_eleven_digits_to_promote_to" {
  command = plan
  variables {
    promotes = { to = { environment = "prod", account = "22222222222" } }
  }
  expect_failures = [var.promotes]
}

run "refuses_an_extra_that_nobody_knows" {
  command = plan
  variables {
    extras = ["redis"]
  }
  expect_failures = [var.extras]
}

run "refuses_one_number_without_the_other" {
  command = plan
  variables {
    github = { oidc_provider_arn = "arn", repository = "owner/name", owner_id = "1" }
  }
  expect_failures = [var.github]
}

run "refuses_a_name_where_a_number_belongs" {
  command = plan
  variables {
    github = { oidc_provider_arn = "arn", repository = "owner/name", owner_id = "owner", repository_id = "2" }
  }
  expect_failures = [var.github]
}
