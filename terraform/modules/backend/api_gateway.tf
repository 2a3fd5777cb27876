# Terraform owns the API's definition and the stage with its settings. The deployer owns deployments (snapshots of the
# definition), and on the stage `deployment_id` and the variable `deployment`: nothing defined here is served on AWS before
# the next release.

locals {
  # Method and path -> function. To rename a route, add the new one beside it, release, then take the old one away.
  routes = {
    "GET /count"     = { method = "GET", path = "count", function = "counter" }
    "OPTIONS /count" = { method = "OPTIONS", path = "count", function = "preflight" }
    "GET /health"    = { method = "GET", path = "health", function = "counter" }
  }

  # A request past these limits gets a 429 that costs nothing; one for which Lambda has no concurrency left gets a 5XX. So
  # the burst stays within the concurrency: what is reserved, else the quota of a new account, 10 for all its functions.
  throttle = (
    var.function.reserved_concurrency == null
    ? { rate = 20, burst = 10 }
    : { rate = min(100, 2 * var.function.reserved_concurrency), burst = min(50, var.function.reserved_concurrency) }
  )
}

resource "aws_api_gateway_rest_api" "this" {
  #checkov:skip=CKV_AWS_237:it is never replaced, in whatever order: its address would change; `deployer guard` stops such a plan
  name        = "${var.app}-${var.environment}"
  description = "Visitor counter"

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  tags = {
    Name = "${var.app}-${var.environment}"
  }
}

resource "aws_api_gateway_resource" "this" {
  for_each = toset([for route in local.routes : route.path])

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = each.key
}

resource "aws_api_gateway_method" "this" {
  #checkov:skip=CKV_AWS_59:a public counter: every visitor of the website may count
  #checkov:skip=CKV2_AWS_53:the functions read no body and no parameter; what they read they check
  for_each = local.routes

  rest_api_id   = aws_api_gateway_rest_api.this.id
  resource_id   = aws_api_gateway_resource.this[each.value.path].id
  http_method   = each.value.method
  authorization = "NONE" # a public counter
}

resource "aws_api_gateway_integration" "this" {
  for_each = local.routes

  rest_api_id = aws_api_gateway_rest_api.this.id
  resource_id = aws_api_gateway_resource.this[each.value.path].id
  http_method = aws_api_gateway_method.this[each.key].http_method

  type                    = "AWS_PROXY"
  integration_http_method = "POST" # Lambda's Invoke is a POST, whatever the caller's method
  uri                     = aws_lambda_alias.live[each.value.function].invoke_arn
}

# Errors that API Gateway returns by itself (throttled, no such route, function unreachable). Without these headers a
# browser hides the status from the website. A gateway response has no conditions, so it can name one origin only.
resource "aws_api_gateway_gateway_response" "this" {
  for_each = toset(["DEFAULT_4XX", "DEFAULT_5XX"])

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key

  response_parameters = {
    "gatewayresponse.header.Access-Control-Allow-Origin"  = "'${var.allowed_origins[0]}'"
    "gatewayresponse.header.Access-Control-Allow-Methods" = "'GET, OPTIONS'"
    "gatewayresponse.header.Access-Control-Allow-Headers" = "'Content-Type'"
    "gatewayresponse.header.Vary"                         = "'Origin'"
  }

  # API Gateway's own default, stated: it reports it back as if it had been set.
  response_templates = {
    "application/json" = "{\"message\":$context.error.messageString}"
  }
}

# A stage cannot be made without a deployment. This is the only one that Terraform makes: without triggers it is never
# replaced, and the deployer, which reads its id in the contract, never prunes it.
resource "aws_api_gateway_deployment" "initial" {
  #checkov:skip=CKV_AWS_217:it has no triggers and is never replaced
  rest_api_id = aws_api_gateway_rest_api.this.id
  description = "Made by Terraform with the stage"

  # A snapshot: what comes later is not in it.
  depends_on = [aws_api_gateway_integration.this, aws_api_gateway_gateway_response.this]
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts it; a key of one's own has a monthly price
  #checkov:skip=CKV_AWS_338:30 days are what the backend keeps of every log: what is not there cannot leak
  name              = "/aws/apigateway/${var.app}-${var.environment}"
  retention_in_days = 30

  tags = {
    Name = "/aws/apigateway/${var.app}-${var.environment}"
  }
}

# The name is API Gateway's. Made before the stage, which would otherwise make it and keep the logs for ever.
resource "aws_cloudwatch_log_group" "execution" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts it; a key of one's own has a monthly price
  #checkov:skip=CKV_AWS_338:30 days are what the backend keeps of every log: what is not there cannot leak
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.this.id}/${var.environment}"
  retention_in_days = 30

  tags = {
    Name = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.this.id}/${var.environment}"
  }
}

# Logging needs the account-wide role of terraform/bootstrap: AWS refuses this stage without it.
resource "aws_api_gateway_stage" "this" {
  #checkov:skip=CKV_AWS_120:a cached response would count no visit
  #checkov:skip=CKV2_AWS_51:browsers have no client certificates
  #checkov:skip=CKV2_AWS_29:the module `waf` does it, by default for prod
  #checkov:skip=CKV_AWS_73:API Gateway's segments contain the visitor's address and the whole URL; the functions trace by themselves
  rest_api_id   = aws_api_gateway_rest_api.this.id
  stage_name    = var.environment
  deployment_id = aws_api_gateway_deployment.initial.id

  # X-Ray would keep `http.request.client_ip` and the URL of each request for 30 days. Lambda's segments have neither.
  xray_tracing_enabled = false

  # A format of our own: no address, no user agent, and of the path only the route. Every value is API Gateway's: also not
  # `requestId`, which a client sets by a header. The response names the extended id in `x-amz-apigw-id`.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      extendedRequestId  = "$context.extendedRequestId"
      requestTimeEpoch   = "$context.requestTimeEpoch"
      httpMethod         = "$context.httpMethod"
      resourcePath       = "$context.resourcePath"
      status             = "$context.status"
      errorType          = "$context.error.responseType"
      responseLatency    = "$context.responseLatency"
      integrationLatency = "$context.integration.latency"
      integrationStatus  = "$context.integration.integrationStatus"
      deploymentId       = "$context.deploymentId"
    })
  }

  tags = {
    Name = "${var.app}-${var.environment}"
  }

  lifecycle {
    ignore_changes = [
      deployment_id,           # moved by every release that changes the definition
      variables["deployment"], # that release's mark, which the functions echo; other variables stay Terraform's
    ]
  }

  depends_on = [aws_cloudwatch_log_group.execution]
}

resource "aws_api_gateway_method_settings" "this" {
  #checkov:skip=CKV_AWS_225:a cached response would count no visit
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = true
    logging_level          = "INFO"
    data_trace_enabled     = false # it would log whole requests, addresses included; INFO alone has no headers
    throttling_rate_limit  = local.throttle.rate
    throttling_burst_limit = local.throttle.burst
  }
}

# On the alias, since that is what is called, and for one method and path of this stage each.
resource "aws_lambda_permission" "api" {
  for_each = local.routes

  # A prefix, so that a replacement can exist beside the old one: with neither there are 500s in between.
  statement_id_prefix = "api-gateway-"
  action              = "lambda:InvokeFunction"
  principal           = "apigateway.amazonaws.com"
  function_name       = aws_lambda_function.this[each.value.function].function_name
  qualifier           = aws_lambda_alias.live[each.value.function].name
  source_arn          = "${aws_api_gateway_rest_api.this.execution_arn}/${var.environment}/${each.value.method}/${each.value.path}"

  lifecycle {
    create_before_destroy = true
  }
}
