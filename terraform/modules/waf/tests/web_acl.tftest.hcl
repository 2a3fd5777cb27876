# What the web ACL promises, and every variable with a value that must be refused. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_wafv2_web_acl" {
    defaults = {
      arn = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/app-prod/1"
    }
  }
}

variables {
  app         = "app"
  environment = "prod"
  stage_arn   = "arn:aws:apigateway:us-east-1::/restapis/abc123/stages/prod"
  rate_limit  = 100
}

run "blocks_an_address_past_the_limit_and_what_aws_knows_as_bad" {
  command = plan

  assert {
    condition = one([
      for rule in aws_wafv2_web_acl.this.rule : rule.statement[0].rate_based_statement[0].limit
      if rule.name == "rate" && try(length(rule.action[0].block), 0) == 1
    ]) == 100
    error_message = "An address past the limit is not blocked."
  }

  assert {
    condition = one([
      for rule in aws_wafv2_web_acl.this.rule : rule.statement[0].managed_rule_group_statement[0].name
      if rule.name == "common" && try(length(rule.override_action[0].none), 0) == 1
    ]) == "AWSManagedRulesCommonRuleSet"
    error_message = "AWS's common rules do not block."
  }
}

run "guards_the_stage" {
  command = plan

  assert {
    condition     = aws_wafv2_web_acl.this.scope == "REGIONAL" && aws_wafv2_web_acl_association.this.resource_arn == var.stage_arn
    error_message = "The stage is not guarded."
  }
}

run "keeps_no_address_of_a_visitor" {
  command = plan

  assert {
    condition = alltrue(concat(
      [for rule in aws_wafv2_web_acl.this.rule : !rule.visibility_config[0].sampled_requests_enabled],
      [!aws_wafv2_web_acl.this.visibility_config[0].sampled_requests_enabled],
    ))
    error_message = "Sampled requests contain addresses."
  }
}

run "refuses_an_app_in_capitals" {
  command = plan
  variables {
    app = "App"
  }
  expect_failures = [var.app]
}

run "refuses_an_environment_with_a_hyphen" {
  command = plan
  variables {
    environment = "prod-2"
  }
  expect_failures = [var.environment]
}

run "refuses_an_api_without_its_stage" {
  command = plan
  variables {
    stage_arn = "arn:aws:apigateway:us-east-1::/restapis/abc123"
  }
  expect_failures = [var.stage_arn]
}

run "refuses_a_limit_that_the_deployers_checks_would_reach" {
  command = plan
  variables {
    rate_limit = 50
  }
  expect_failures = [var.rate_limit]
}
