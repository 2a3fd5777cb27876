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

  # guards the stage
  assert {
    condition     = aws_wafv2_web_acl.this.scope == "REGIONAL" && aws_wafv2_web_acl_association.this.resource_arn == var.stage_arn
    error_message = "The stage is not guarded."
  }

  # keeps no address of a visitor
  assert {
    condition = alltrue(concat(
      [for rule in aws_wafv2_web_acl.this.rule : !rule.visibility_config[0].sampled_requests_enabled],
      [!aws_wafv2_web_acl.this.visibility_config[0].sampled_requests_enabled],
    ))
    error_message = "Sampled requests contain addresses."
  }
}

run "refuses_wrong_values" {
  command = plan
  variables {
    # an app in capitals
    app = "App"
    # an environment with a hyphen
    environment = "prod-2"
    # an api without its stage
    stage_arn = "arn:aws:apigateway:us-east-1::/restapis/abc123"
    # a limit that the deployers checks would reach
    rate_limit = 50
  }
  expect_failures = [var.app, var.environment, var.stage_arn, var.rate_limit]
}
