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

run "only_this_repositorys_environment_branch_and_workflows_may_deploy" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement : statement.Condition.StringEquals] == [
      {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:ref" = ["refs/heads/main"]
        "token.actions.githubusercontent.com:sub" = ["repo:owner/name:environment:dev", "repo:owner@1/name@2:environment:dev"]
        "token.actions.githubusercontent.com:job_workflow_ref" = [
          "owner/name/.github/workflows/reusable-deploy.yml@refs/heads/main",
          "owner/name/.github/workflows/reusable-promote.yml@refs/heads/main",
        ]
      },
      {
        "token.actions.githubusercontent.com:aud"              = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:ref"              = ["refs/heads/main"]
        "token.actions.githubusercontent.com:sub"              = ["repo:owner/name:environment:dev-rollback", "repo:owner@1/name@2:environment:dev-rollback"]
        "token.actions.githubusercontent.com:job_workflow_ref" = ["owner/name/.github/workflows/reusable-rollback.yml@refs/heads/main"]
      },
    ]
    error_message = "Another repository, branch, workflow or environment may deploy."
  }

  assert {
    condition = jsondecode(aws_iam_role.github["plan"].assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:ref" = ["refs/heads/main"]
        "token.actions.githubusercontent.com:sub" = ["repo:owner/name:environment:dev-plan", "repo:owner@1/name@2:environment:dev-plan"]
      }
    }
    error_message = "Another branch plans, or not in an environment of its own."
  }

  # the next environments deploy role and nobody else reads releases
  assert {
    condition     = jsondecode(aws_iam_role.reader["read"].assume_role_policy).Statement[0].Condition.ArnEquals["aws:PrincipalArn"] == "arn:aws:iam::222222222222:role/app-prod-deploy"
    error_message = "Others may read."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.reader["read"].policy).Statement == [
      { Effect = "Allow", Action = ["dynamodb:GetItem", "dynamodb:Query"], Resource = ["arn:aws:dynamodb:us-east-1:111111111111:table/app-ledger-dev"] },
      { Effect = "Allow", Action = ["lambda:GetFunction"], Resource = ["arn:aws:lambda:us-east-1:111111111111:function:app-dev:*", "arn:aws:lambda:us-east-1:111111111111:function:app-options-dev:*"] },
    ]
    error_message = "The reader may do more than read releases and their zips."
  }

  # roles are only made with the boundary
  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["deploy-change"].policy).Statement : statement.Condition if contains(statement.Action, "iam:PutRolePolicy")
    ] == [{ StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::111111111111:policy/app-dev-functions" } }]
    error_message = "A function could be given more than functions may have."
  }

  # the boundary allows only what functions do
  assert {
    condition = { for statement in jsondecode(aws_iam_policy.functions.policy).Statement : join(" ", statement.Action) => statement.Resource } == {
      "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem" = ["arn:aws:dynamodb:us-east-1:111111111111:table/App-dev"]
      "ssm:GetParameter"                                      = ["arn:aws:ssm:us-east-1:111111111111:parameter/app/dev/*"]
      "kms:Decrypt"                                           = ["arn:aws:kms:us-east-1:111111111111:key/*"]
      "logs:CreateLogStream logs:PutLogEvents" = [
        "arn:aws:logs:us-east-1:111111111111:log-group:/aws/lambda/app-dev:*", "arn:aws:logs:us-east-1:111111111111:log-group:/aws/lambda/app-options-dev:*",
      ]
      "xray:PutTelemetryRecords xray:PutTraceSegments" = ["*"]
    }
    error_message = "A function could do more than count."
  }

  # no environment reaches the api of another
  # With the tag and before the id is known: the first apply of bootstrap is safe.
  assert {
    condition = alltrue([
      for statement in flatten([for policy in aws_iam_policy.github : jsondecode(policy.policy).Statement]) :
      try([statement.Condition.StringEquals["aws:ResourceTag/Environment"], statement.Condition.StringEquals["aws:ResourceTag/Project"]], []) == ["dev", "app"]
      if anytrue([for resource in statement.Resource : strcontains(resource, "apigateway") && strcontains(resource, "::/restapis/")])
    ])
    error_message = "An API that is not this environment's is in reach."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["deploy-change"].policy).Statement : statement.Condition
      if contains(statement.Resource, "arn:aws:apigateway:us-east-1::/restapis")
    ] == [{ StringEquals = { "aws:RequestTag/Environment" = "dev", "aws:RequestTag/Project" = "app" } }]
    error_message = "An API can be made that looks like another environment's."
  }

  # `?`: no API has an id of one character.
  assert {
    condition = toset(flatten([
      for statement in flatten([for policy in aws_iam_policy.github : jsondecode(policy.policy).Statement]) :
      [for resource in statement.Resource : trimprefix(resource, "arn:aws:apigateway:us-east-1::/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis") if strcontains(resource, "::/tags/")]
    ])) == toset(["%2F?", "%2F*%2Fstages%2F?", "%2F*%2Fstages%2Fdev"])
    error_message = "The API of another environment could be tagged as this one's."
  }

  # only the api is let in to a function
  assert {
    condition = [
      for statement in flatten([for policy in aws_iam_policy.github : jsondecode(policy.policy).Statement]) : statement.Condition if contains(statement.Action, "lambda:AddPermission")
    ] == [{ StringEquals = { "lambda:Principal" = "apigateway.amazonaws.com" } }]
    error_message = "Another account could be let in to a function."
  }

  # until the environment is made its backups can be turned on and its protection never off
  assert {
    condition = setintersection(
      flatten([for policy in aws_iam_policy.github : [for statement in jsondecode(policy.policy).Statement : statement.Action]]),
      ["dynamodb:UpdateTable", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive"],
    ) == toset(["dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive"])
    error_message = "The first apply would fail, or more than it needs is allowed."
  }
}

run "pull_requests_plan_from_any_branch_and_deploy_from_none" {
  command = plan

  variables {
    plans_pull_requests = true
  }

  assert {
    condition = (
      !strcontains(aws_iam_role.github["plan"].assume_role_policy, ":ref") &&
      strcontains(aws_iam_role.github["plan"].assume_role_policy, "repo:owner/name:environment:dev-plan")
    )
    error_message = "A pull request's own branch may not plan."
  }

  assert {
    condition     = jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:ref"] == ["refs/heads/main"]
    error_message = "A pull request's own branch may deploy."
  }
}

run "another_branch_and_other_workflows_can_be_named" {
  command = plan

  variables {
    github = {
      oidc_provider_arn  = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository         = "owner/name"
      branch             = "release/2"
      workflows          = ["ship"]
      rollback_workflows = []
    }
  }

  assert {
    condition = (
      [for statement in jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement : statement.Condition.StringEquals["token.actions.githubusercontent.com:job_workflow_ref"]] ==
      [["owner/name/.github/workflows/ship.yml@refs/heads/release/2"]]
    )
    error_message = "The values are not taken."
  }
}

run "called_workflows_are_trusted_at_their_ref" {
  command = plan

  variables {
    github = {
      oidc_provider_arn  = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository         = "owner/name"
      workflows          = ["reusable-deploy"]
      rollback_workflows = ["reusable-rollback"]
      workflows_from     = { repository = "OWNER/deployer", refs = ["v0.2.0"] }
    }
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement : [
      statement.Condition.StringEquals["token.actions.githubusercontent.com:ref"], statement.Condition.StringEquals["token.actions.githubusercontent.com:job_workflow_ref"],
      ]] == [
      [["refs/heads/main"], ["OWNER/deployer/.github/workflows/reusable-deploy.yml@refs/tags/v0.2.0"]],
      [["refs/heads/main"], ["OWNER/deployer/.github/workflows/reusable-rollback.yml@refs/tags/v0.2.0"]],
    ]
    error_message = "The called workflows cannot take the role, or the caller's own can."
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # any version of called workflows
    github = {
      oidc_provider_arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
      repository        = "owner/name"
      workflows_from    = { repository = "OWNER/deployer", refs = ["*"] }
    }
    # an app too long for a bucket
    app = "a-name-too-long-for-a-bucket-x"
    # an environment with a hyphen
    environment = "dev-2"
    # an account of eleven digits
    scope = { partition = "aws", region = "us-east-1", account = "11111111111" }
    # a bucket in capitals
    state_bucket = "My-State"
    # an api by its url
    rest_api_id = "https://abc123"
    # an account of eleven digits to promote to
    promotes = { to = { environment = "prod", account = "22222222222" } }
    # an extra that nobody knows
    extras = ["redis"]
  }
  expect_failures = [var.github, var.app, var.environment, var.scope, var.state_bucket, var.rest_api_id, var.promotes, var.extras]
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
    error_message = "Nothing is promoted from here, and yet others may read."
  }
}

run "nothing_that_takes_traffic_can_be_deleted" {
  command = plan
  variables {
    extras = ["domain", "postgres", "waf"]
    domain = { name = "example.com", hosted_zone_id = "Z0123456789ABCDEFGHIJ" }
  }

  assert {
    condition = length(setintersection(
      flatten([for policy in aws_iam_policy.github : [for statement in jsondecode(policy.policy).Statement : statement.Action]]),
      ["lambda:DeleteAlias", "dynamodb:DeleteTable", "dynamodb:DeleteItem", "rds:DeleteDBInstance", "s3:DeleteBucket", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:CreatePolicyVersion"],
    )) == 0
    error_message = "A role may delete what takes traffic, or free itself."
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

  # no action has a star
  assert {
    condition     = !anytrue([for action in flatten([for policy in concat(values(aws_iam_policy.github), [aws_iam_policy.functions]) : [for statement in jsondecode(policy.policy).Statement : statement.Action]]) : strcontains(action, "*")])
    error_message = "A policy names actions that are not on the list."
  }

  # the plan role changes nothing
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
    domain      = { name = "example.com", hosted_zone_id = "Z0123456789ABCDEFGHIJ" }
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.github), [aws_iam_policy.functions]) : length(policy.policy) <= 6144])
    error_message = "IAM takes 6144 characters."
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

run "what_ec2_made_for_others_cannot_be_tagged_and_taken" {
  command = plan

  variables {
    extras = ["postgres"]
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["deploy-network"].policy).Statement : statement.Condition if contains(statement.Action, "ec2:CreateTags")
      ] == [
      { StringEquals = {
        "aws:RequestTag/Environment" = "dev"
        "aws:RequestTag/Project"     = "app"
        "ec2:CreateAction"           = ["AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateSecurityGroup", "CreateSubnet", "CreateVpc", "CreateVpcEndpoint"]
      } },
      {
        StringEquals         = { "aws:ResourceTag/Environment" = "dev", "aws:ResourceTag/Project" = "app" }
        StringEqualsIfExists = { "aws:RequestTag/Environment" = "dev", "aws:RequestTag/Project" = "app" }
      },
    ]
    error_message = "Something without a tag could be tagged, or this environment's given away."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["deploy-network"].policy).Statement : statement.Condition if contains(statement.Action, "ec2:DeleteTags")
      ] == [{
        StringEquals                   = { "aws:ResourceTag/Environment" = "dev", "aws:ResourceTag/Project" = "app" }
        "ForAllValues:StringNotEquals" = { "aws:TagKeys" = ["Environment", "Project"] }
    }]
    error_message = "The tag that names the owner could be removed."
  }

  # Whatever an action of EC2 does is on what has the tag, or gets it.
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.github["deploy-network"].policy).Statement :
      try(statement.Condition.StringEquals["aws:ResourceTag/Environment"], statement.Condition.StringEquals["aws:RequestTag/Environment"], "") == "dev"
      if anytrue([for action in statement.Action : startswith(action, "ec2:") && !startswith(action, "ec2:Describe")])
    ])
    error_message = "Something of another environment could be changed."
  }
}

run "one_domain_and_one_record" {
  command = plan

  variables {
    extras = ["domain"]
    domain = { name = "example.com", hosted_zone_id = "Z0123456789ABCDEFGHIJ" }
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["deploy-domain"].policy).Statement : [statement.Resource, statement.Condition] if contains(statement.Action, "route53:ChangeResourceRecordSets")
      ] == [[["arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ"], { "ForAllValues:StringEquals" = {
        "route53:ChangeResourceRecordSetsActions"               = ["CREATE", "UPSERT"]
        "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["api.example.com"]
        "route53:ChangeResourceRecordSetsRecordTypes"           = ["A"]
    } }]]
    error_message = "Another record could be changed, or this one taken away."
  }

  assert {
    condition = alltrue([
      for resource in flatten([for statement in jsondecode(aws_iam_policy.github["deploy-domain"].policy).Statement : statement.Resource]) :
      contains(["", "api.example.com"], try(regex("::/domainnames/([^/]*)", resource)[0], ""))
    ])
    error_message = "Another domain is in reach."
  }
}

run "nothing_turns_off_what_protects_the_tables" {
  command = plan

  variables {
    rest_api_id = "abc123"
    extras      = ["domain", "postgres", "waf"]
    domain      = { name = "example.com", hosted_zone_id = "Z0123456789ABCDEFGHIJ" }
  }

  assert {
    condition = length(setintersection(
      flatten([for policy in aws_iam_policy.github : [for statement in jsondecode(policy.policy).Statement : statement.Action]]),
      ["dynamodb:UpdateTable", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive"],
    )) == 0
    error_message = "The deploy role could turn off what a mistake is undone with."
  }
}

run "in_one_account_too_the_next_environment_reads_by_the_reader_role" {
  command = plan

  variables {
    promotes = { to = { environment = "prod", account = "111111111111" } }
  }

  assert {
    condition     = jsondecode(aws_iam_role.reader["read"].assume_role_policy).Statement[0].Condition.ArnEquals["aws:PrincipalArn"] == "arn:aws:iam::111111111111:role/app-prod-deploy"
    error_message = "A promotion within one account would end with AccessDenied."
  }
}

run "without_a_repository_no_workflow_may_do_anything" {
  command = plan

  variables {
    github = null
  }

  assert {
    condition     = length(aws_iam_role.github) == 0 && length(aws_iam_policy.github) == 0
    error_message = "There are roles that nothing can assume."
  }
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # a repository without its owner
    github = { oidc_provider_arn = "arn", repository = "name" }
    # the extra domain without the domain
    extras = ["domain"]
  }
  expect_failures = [var.github, var.domain]
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

run "refuses_a_branch_with_a_wildcard" {
  command = plan
  variables {
    github = { oidc_provider_arn = "arn", repository = "owner/name", branch = "*" }
  }
  expect_failures = [var.github]
}

run "refuses_a_workflow_with_its_ending" {
  command = plan
  variables {
    github = { oidc_provider_arn = "arn", repository = "owner/name", workflows = ["deploy.yml"] }
  }
  expect_failures = [var.github]
}
