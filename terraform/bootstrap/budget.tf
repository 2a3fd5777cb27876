# Sends a mail when the account costs more than it should: the whole account, since only an administrator's choice separates its
# parts. It is here and not in the environments: no workflow may change what warns of it. It stops nothing.

resource "aws_budgets_budget" "this" {
  count = var.budget == null ? 0 : 1

  name         = "${local.app}-monthly"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_unit   = "USD"
  limit_amount = tostring(var.budget.monthly_usd)

  # Costs arrive hours late: a forecast is earlier.
  dynamic "notification" {
    for_each = { FORECASTED = 100, ACTUAL = 80 }

    content {
      notification_type          = notification.key
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = [var.budget.email]
    }
  }

  tags = {
    Name = "${local.app}-monthly"
  }
}
