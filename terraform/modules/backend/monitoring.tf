# What shows that a release went wrong. The deployer reads these alarms before, during and after one; people hear of them
# through the topic. Terraform's alone.

# Not encrypted: with AWS's own key CloudWatch could not publish to it, and a key of one's own has a monthly price. An alarm's
# text contains nothing personal.
resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:see above
  name = "${var.app}-${var.environment}-alarms"

  tags = {
    Name = "${var.app}-${var.environment}-alarms"
  }
}

# AWS sends a mail to confirm it, and no alarm before that is done.
resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alarms.email[*])

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "function_errors" {
  for_each = { for key, function in local.functions : key => function if var.alarms.enabled }

  alarm_name        = "${each.value.name}-errors"
  alarm_description = "The live version of ${each.value.name} failed at least once within a minute"

  namespace   = "AWS/Lambda"
  metric_name = "Errors"

  # `Resource` restricts it to calls through the alias: a check that the deployer sends to a version before any traffic
  # may fail without an alarm.
  dimensions = {
    FunctionName = each.value.name
    Resource     = "${each.value.name}:${aws_lambda_alias.live[each.key].name}"
  }

  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # no calls

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]

  tags = {
    Name = "${each.value.name}-errors"
  }
}

# A request for which Lambda has no concurrency left is a 5XX too, and shows nothing about a release: anyone could cause
# it, and a release would be reverted. So Lambda's throttles are taken off, and what remains is compared as a percentage, since the
# two services may count one request in different minutes.
resource "aws_cloudwatch_metric_alarm" "api_5xx" {
  count = var.alarms.enabled ? 1 : 0

  alarm_name        = "${var.app}-${var.environment}-api-5xx"
  alarm_description = "More than 1 % of a minute's requests got a 5XX for another reason than Lambda's concurrency"

  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "rate"
    label       = "unexplained 5XX, %"
    expression  = "100 * (errors - FILL(counter, 0) - FILL(preflight, 0)) / requests"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { errors = "5XXError", requests = "Count" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApiGateway"
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 60

        dimensions = {
          ApiName = aws_api_gateway_rest_api.this.name
          Stage   = aws_api_gateway_stage.this.stage_name
        }
      }
    }
  }

  dynamic "metric_query" {
    for_each = local.functions

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Lambda"
        metric_name = "Throttles"
        stat        = "Sum"
        period      = 60

        dimensions = {
          FunctionName = metric_query.value.name
        }
      }
    }
  }

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]

  tags = {
    Name = "${var.app}-${var.environment}-api-5xx"
  }
}
