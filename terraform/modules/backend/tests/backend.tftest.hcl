# The shell that the deployer fills, and every variable with a value that must be refused. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_dynamodb_table" {
    defaults = {
      arn = "arn:aws:dynamodb:us-east-1:123456789012:table/name"
    }
  }

  mock_resource "aws_api_gateway_rest_api" {
    defaults = {
      id            = "abc123"
      execution_arn = "arn:aws:execute-api:us-east-1:123456789012:abc123"
    }
  }

  # Terraform checks these against the form of an ARN.
  mock_resource "aws_cloudwatch_log_group" {
    defaults = {
      arn = "arn:aws:logs:us-east-1:123456789012:log-group:name"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/name"
    }
  }

  mock_resource "aws_sns_topic" {
    defaults = {
      arn = "arn:aws:sns:us-east-1:123456789012:name"
    }
  }
}

variables {
  app                  = "app"
  environment          = "dev"
  allowed_origins      = ["https://www.example.com"]
  address_key_arn      = "arn:aws:ssm:us-east-1:123456789012:parameter/app/dev/address-key"
  permissions_boundary = "arn:aws:iam::123456789012:policy/app-dev-functions"
  deletion_protection  = true
  function             = { architecture = "arm64", memory_size = 128, reserved_concurrency = 20 }
  alarms               = { enabled = true, email = "ops@example.com" }
}

run "the_table_of_visits_forgets_can_be_restored_and_stays" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.name == "App-dev" && aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.this.hash_key == "visit_id"
    error_message = "The table is another."
  }

  assert {
    condition = alltrue([
      aws_dynamodb_table.this.ttl[0].attribute_name == "expiration_time", aws_dynamodb_table.this.ttl[0].enabled,
      aws_dynamodb_table.this.point_in_time_recovery[0].enabled, aws_dynamodb_table.this.server_side_encryption[0].enabled,
      aws_dynamodb_table.this.deletion_protection_enabled,
    ])
    error_message = "Visits stay for ever, or could be lost."
  }

  assert {
    condition = [for index in aws_dynamodb_table.this.global_secondary_index : "${index.name} ${index.hash_key} ${index.range_key} ${join(" ", index.non_key_attributes)}"] == [
      "by-day day timestamp path user_agent",
    ]
    error_message = "The visits of a day cannot be found, or whose they were is in the index."
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.total.item) == { visit_id = { S = "total" }, count = { N = "0" } }
    error_message = "The first reader finds no zero."
  }

  # the functions are what users know
  assert {
    condition = { for key, function in aws_lambda_function.this : key => "${function.function_name} ${function.runtime} ${function.memory_size} ${function.timeout} ${function.tracing_config[0].mode} ${function.reserved_concurrent_executions}" } == {
      counter   = "app-dev provided.al2023 128 10 Active 20"
      preflight = "app-options-dev provided.al2023 128 10 Active 20"
    }
    error_message = "Names, runtime, memory, timeout, tracing or concurrency are others."
  }

  assert {
    condition     = aws_lambda_function.this["counter"].environment[0].variables == tomap({ DYNAMODB_TABLE = "App-dev", ALLOWED_ORIGIN = "https://www.example.com", ADDRESS_KEY_PARAMETER = "/app/dev/address-key" })
    error_message = "The counter gets other settings."
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.function : role.permissions_boundary == "arn:aws:iam::123456789012:policy/app-dev-functions"])
    error_message = "A role has no bounds."
  }

  # An environment made before a change of the placeholder would count as released: `placeholder/README.md`.
  # the placeholder is the one that environments were made with
  assert {
    condition     = output.placeholder_sha256 == "f6DSMgZIJ3yjBiP5mi5qy7NKDolG3GXH9y49CfZUCGY="
    error_message = "The placeholder's bytes are others: the domain would be put in front of the old one."
  }

  # every log ends after 30 days
  assert {
    condition = sort([for group in concat(values(aws_cloudwatch_log_group.function), [aws_cloudwatch_log_group.access, aws_cloudwatch_log_group.execution]) : group.name if group.retention_in_days == 30]) == tolist([
      "/aws/apigateway/app-dev", "/aws/lambda/app-dev", "/aws/lambda/app-options-dev", "API-Gateway-Execution-Logs_abc123/dev",
    ])
    error_message = "A log is missing, or kept for ever."
  }

  # routes call the alias and may do so at their method and path only
  assert {
    condition = { for key, permission in aws_lambda_permission.api : key => "${permission.function_name}:${permission.qualifier} ${permission.source_arn}" } == {
      "GET /count"     = "app-dev:live arn:aws:execute-api:us-east-1:123456789012:abc123/dev/GET/count"
      "GET /health"    = "app-dev:live arn:aws:execute-api:us-east-1:123456789012:abc123/dev/GET/health"
      "OPTIONS /count" = "app-options-dev:live arn:aws:execute-api:us-east-1:123456789012:abc123/dev/OPTIONS/count"
    }
    error_message = "A route may call more than its own, or nothing."
  }

  assert {
    condition     = alltrue([for integration in aws_api_gateway_integration.this : integration.type == "AWS_PROXY" && integration.integration_http_method == "POST"])
    error_message = "An integration is not a proxy."
  }

  # nothing that aws keeps of a request holds an address
  assert {
    condition     = !aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "X-Ray keeps the address of each visitor and the requested URL."
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.this : function.tracing_config[0].mode == "Active"])
    error_message = "A function traces only where something before it does, which nothing is."
  }

  assert {
    condition = aws_api_gateway_method_settings.this.method_path == "*/*" && alltrue([
      for settings in aws_api_gateway_method_settings.this.settings :
      settings.metrics_enabled && settings.logging_level == "INFO" && !settings.data_trace_enabled
    ])
    error_message = "Metrics or level are others, or whole requests are logged."
  }

  # What a client chooses could be anything: its address, another's, a line break.
  assert {
    condition = sort(values(jsondecode(aws_api_gateway_stage.this.access_log_settings[0].format))) == tolist([
      "$context.deploymentId", "$context.error.responseType", "$context.extendedRequestId", "$context.httpMethod", "$context.integration.integrationStatus",
      "$context.integration.latency", "$context.requestTimeEpoch", "$context.resourcePath", "$context.responseLatency", "$context.status",
    ])
    error_message = "The access log has fields that may contain addresses, agents and clients' own texts."
  }

  # A column of a table on the dashboard would copy the log.
  assert {
    condition     = !can(regex("@message|identity|sourceIp|client_ip", aws_cloudwatch_dashboard.this.dashboard_body))
    error_message = "The dashboard shows whole lines of a log."
  }

  # requests past the concurrency get a 429 and no 5xx
  assert {
    condition     = one([for settings in aws_api_gateway_method_settings.this.settings : "${settings.throttling_rate_limit} ${settings.throttling_burst_limit}"]) == "40 20"
    error_message = "More requests come at once than a function may run at once: 20."
  }

  # an alarm sends to the topic and the topic mails
  assert {
    condition     = output.alarms == tolist(["app-dev-api-5xx", "app-dev-errors", "app-options-dev-errors"])
    error_message = "The deployer does not read all alarms."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.function_errors), aws_cloudwatch_metric_alarm.api_5xx) :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.evaluation_periods == 1 && alarm.treat_missing_data == "notBreaching" && alarm.comparison_operator == "GreaterThanThreshold"
    ])
    error_message = "An alarm sends nothing, or late, or without a reason."
  }

  assert {
    condition     = [for mail in aws_sns_topic_subscription.email : "${mail.protocol} ${mail.endpoint}"] == ["email ops@example.com"]
    error_message = "No address gets a mail."
  }

  # Invokes of a version that has no traffic yet do not count: the deployer checks versions that may fail.
  # an error counts if it came through the alias
  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.function_errors : key =>
      "${alarm.namespace} ${alarm.metric_name} ${alarm.dimensions.FunctionName} ${alarm.dimensions.Resource} ${alarm.statistic} ${alarm.period} ${alarm.threshold}"
      } == {
      counter   = "AWS/Lambda Errors app-dev app-dev:live Sum 60 0"
      preflight = "AWS/Lambda Errors app-options-dev app-options-dev:live Sum 60 0"
    }
    error_message = "An alarm looks at something else than an alias's errors of a minute."
  }

  # Or any visitor could revert a release: by more requests at once than the account has concurrency for.
  # a 5xx for want of concurrency does not raise an alarm
  assert {
    condition     = aws_cloudwatch_metric_alarm.api_5xx[0].threshold == 1 && one([for query in aws_cloudwatch_metric_alarm.api_5xx[0].metric_query : query.expression if query.return_data == true]) == "100 * (errors - FILL(counter, 0) - FILL(preflight, 0)) / requests"
    error_message = "The alarm compares something else than the share of 5XX that Lambda's throttles do not explain."
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.api_5xx[0].metric_query : query.id =>
      "${query.metric[0].namespace} ${query.metric[0].metric_name} ${query.metric[0].stat} ${query.metric[0].period} ${join(" ", values(query.metric[0].dimensions))}"
      if query.id != "rate"
      } == {
      errors    = "AWS/ApiGateway 5XXError Sum 60 app-dev dev"
      requests  = "AWS/ApiGateway Count Sum 60 app-dev dev"
      counter   = "AWS/Lambda Throttles Sum 60 app-dev"
      preflight = "AWS/Lambda Throttles Sum 60 app-options-dev"
    }
    error_message = "The alarm's metrics are others."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.function_errors) + length(aws_cloudwatch_metric_alarm.api_5xx[0].metric_query) - 1 == jsondecode(file("${path.module}/../../costs.json")).assumptions.alarmed_metrics
    error_message = "The costs in README.md are computed with another number of metrics with an alarm."
  }

  # the dashboard shows what row t16 names in the stacks region
  assert {
    condition = alltrue([
      for word in ["4XXError", "5XXError", "Invocations", "Errors", "Duration", "p50", "p99", "ExecutedVersion", "deploymentId"] :
      strcontains(aws_cloudwatch_dashboard.this.dashboard_body, word)
    ])
    error_message = "Something is missing."
  }

  assert {
    condition     = distinct([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.region]) == tolist(["us-east-1"])
    error_message = "A widget looks at another region."
  }
}

run "a_young_account_has_ten_of_everything" {
  command = plan

  variables {
    function = { architecture = "arm64", memory_size = 128 }
  }

  assert {
    condition     = one([for settings in aws_api_gateway_method_settings.this.settings : "${settings.throttling_rate_limit} ${settings.throttling_burst_limit}"]) == "20 10"
    error_message = "More requests come at once than a new account's quota, 10, has concurrency for."
  }

  assert {
    condition     = { rate = local.throttle.rate, burst = local.throttle.burst } == { for name in ["rate", "burst"] : name => jsondecode(file("${path.module}/../../costs.json")).limits["young_${name}"] }
    error_message = "The costs in README.md are computed with other limits."
  }
}

run "never_more_than_100_a_second_and_50_at_once" {
  command = plan

  variables {
    function = { architecture = "arm64", memory_size = 128, reserved_concurrency = 500 }
  }

  assert {
    condition     = one([for settings in aws_api_gateway_method_settings.this.settings : "${settings.throttling_rate_limit} ${settings.throttling_burst_limit}"]) == "100 50"
    error_message = "The limits of row T11 are others."
  }

  assert {
    condition     = { rate = local.throttle.rate, burst = local.throttle.burst } == { for name in ["rate", "burst"] : name => jsondecode(file("${path.module}/../../costs.json")).limits[name] }
    error_message = "The costs in README.md are computed with other limits."
  }
}

run "without_alarms_there_are_none_and_the_contract_names_none" {
  command = plan

  variables {
    alarms = { enabled = false }
  }

  assert {
    condition     = length(output.alarms) == 0 && length(aws_sns_topic_subscription.email) == 0
    error_message = "There are alarms although none are configured."
  }
}

# Each variable that could change a right, changed: a version published before runs on, under the same role.
run "the_rights_of_today" {
  command = plan
}

run "rights_outlive_another_key_and_other_origins" {
  command = plan

  variables {
    address_key_arn = "arn:aws:ssm:us-east-1:123456789012:parameter/app/dev/another"
    allowed_origins = ["https://a.example", "https://b.example"]
    function        = { architecture = "x86_64", memory_size = 512, reserved_concurrency = null }
  }

  assert {
    condition     = output.role_policies == run.the_rights_of_today.role_policies
    error_message = "With a variable, rights change: those of the versions that were published before."
  }
}

run "rights_outlive_the_move_to_a_database" {
  command = plan

  variables {
    database = { network = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }, environment = { VISIT_STORE = "postgres" }, secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1" }
  }

  assert {
    condition = length(setsubtract(
      [for statement in jsondecode(run.the_rights_of_today.role_policies["counter"]).Statement : jsonencode(statement)],
      [for statement in jsondecode(output.role_policies["counter"]).Statement : jsonencode(statement)],
    )) == 0
    error_message = "The version that still counts in DynamoDB loses a right."
  }

  assert {
    condition     = aws_lambda_function.this["counter"].environment[0].variables["VISIT_STORE"] == "postgres" && length(aws_lambda_function.this["counter"].vpc_config) == 1
    error_message = "The next version does not count in the database."
  }
}

run "rights_outlive_the_move_back_from_a_database" {
  command = plan

  variables {
    database = { used = false, network = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }, environment = { VISIT_STORE = "postgres" }, secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1" }
  }

  assert {
    condition     = output.role_policies == run.rights_outlive_the_move_to_a_database.role_policies
    error_message = "The version that still counts in the database loses a right."
  }

  assert {
    condition     = !contains(keys(aws_lambda_function.this["counter"].environment[0].variables), "VISIT_STORE") && length(aws_lambda_function.this["counter"].vpc_config) == 0
    error_message = "The next version does not count in DynamoDB."
  }
}

run "refuses_wrong_values_1" {
  command = plan
  variables {
    # an app in capitals
    app = "App"
    # an environment with a hyphen
    environment = "dev-2"
    # an origin with its default port
    allowed_origins = ["https://www.example.com", "https://a.example:443"]
    # rusts name of an architecture
    function = { architecture = "aarch64", memory_size = 128 }
    # a parameter by its name
    address_key_arn = "/app/dev/address-key"
    # a boundary by its name
    permissions_boundary = "app-dev-functions"
    # a mail address without an at
    alarms = { enabled = true, email = "ops" }
    # a database that renames the table
    database = { network = { subnet_ids = [], security_group_ids = [] }, environment = { DYNAMODB_TABLE = "t" }, secret_arn = "arn" }
  }
  expect_failures = [var.app, var.environment, var.allowed_origins, var.function, var.address_key_arn, var.permissions_boundary, var.alarms, var.database]
}

run "takes_the_origins_that_the_functions_take" {
  command = plan

  module {
    source = "./tests/origins"
  }

  assert {
    condition     = length(output.accepted) >= 20 && length(output.not_taken) == 0
    error_message = "A good origin is refused: ${join(" ", output.not_taken)}"
  }

  assert {
    condition     = output.refused >= 50 && length(output.not_refused) == 0
    error_message = "A function would not start with: ${join(" ", output.not_refused)}"
  }
}

run "passes_good_origins_to_the_functions_as_one_list" {
  command = plan

  variables {
    allowed_origins = run.takes_the_origins_that_the_functions_take.accepted
  }

  assert {
    condition     = aws_lambda_function.this["preflight"].environment[0].variables["ALLOWED_ORIGIN"] == join(",", run.takes_the_origins_that_the_functions_take.accepted)
    error_message = "The functions get other origins."
  }
}

run "refuses_wrong_values_2" {
  command = plan
  variables {
    # an origin with a path
    allowed_origins = ["https://www.example.com/"]
    # less memory than lambda gives
    function = { architecture = "arm64", memory_size = 64 }
  }
  expect_failures = [var.allowed_origins, var.function]
}

run "refuses_to_reserve_nothing_by_a_zero" {
  command = plan
  variables {
    function = { architecture = "arm64", memory_size = 128, reserved_concurrency = 0 }
  }
  expect_failures = [var.function]
}
