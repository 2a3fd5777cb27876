# The budget, and that `prod` may have the web ACL that it gets by default. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
      arn        = "arn:aws:iam::123456789012:user/admin"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/name"
    }
  }

  mock_resource "aws_iam_policy" {
    defaults = {
      arn = "arn:aws:iam::123456789012:policy/name"
    }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::name"
    }
  }
}

variables {
  region       = "us-east-1"
  environments = { prod = {} }
  budget       = { monthly_usd = 30, email = "ops@example.com" }
}

run "a_mail_comes_before_the_account_costs_more" {
  command = plan

  assert {
    condition     = aws_budgets_budget.this[0].limit_amount == "30" && aws_budgets_budget.this[0].budget_type == "COST" && aws_budgets_budget.this[0].time_unit == "MONTHLY"
    error_message = "The budget is not 30 USD a month."
  }

  assert {
    condition = { for mail in aws_budgets_budget.this[0].notification : mail.notification_type => "${mail.comparison_operator} ${mail.threshold} ${mail.threshold_type} ${join(" ", mail.subscriber_email_addresses)}" } == {
      ACTUAL     = "GREATER_THAN 80 PERCENTAGE ops@example.com"
      FORECASTED = "GREATER_THAN 100 PERCENTAGE ops@example.com"
    }
    error_message = "No address gets a mail, or gets it late."
  }
}

run "no_budget_is_made_unasked" {
  command = plan

  variables {
    budget = null
  }

  assert {
    condition     = length(aws_budgets_budget.this) == 0
    error_message = "There is a budget although none is configured."
  }
}

run "refuses_a_budget_that_nobody_hears_of" {
  command = plan
  variables {
    budget = { monthly_usd = 30, email = "ops" }
  }
  expect_failures = [var.budget]
}

run "refuses_a_budget_of_nothing" {
  command = plan
  variables {
    budget = { monthly_usd = 0, email = "ops@example.com" }
  }
  expect_failures = [var.budget]
}
