# What is turned away before it costs anything: AWS's common rules, and too many requests of one address. Terraform's alone. What
# it blocks gets the API's own 403, with its CORS headers; the deployer takes a 403 of the web ACL for no failure of a release.

locals {
  name = "${var.app}-${var.environment}"
}

resource "aws_wafv2_web_acl" "this" {
  #checkov:skip=CKV_AWS_192:Log4j is Java's; the functions are not, and the rule group has a monthly price
  #checkov:skip=CKV2_AWS_31:its log contains addresses; the metrics show how much is blocked
  name        = local.name
  description = "Guards the API ${local.name}"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  # First: what a rule before it had blocked would not be counted here.
  rule {
    name     = "rate"
    priority = 0

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit                 = var.rate_limit
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${local.name}-rate"
      sampled_requests_enabled   = false # a sample contains the visitor's address
    }
  }

  rule {
    name     = "common"
    priority = 1

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesCommonRuleSet"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${local.name}-common"
      sampled_requests_enabled   = false # as above
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.name
    sampled_requests_enabled   = false # as above
  }

  tags = {
    Name = local.name
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  resource_arn = var.stage_arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}
