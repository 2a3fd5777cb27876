# An environment on one page: how much, how well, how fast, and which release responded. Terraform's alone; it shows releases
# without the deployer's help: by the version that Lambda reports, and by the deployment in the access log.

locals {
  # A metric's place in a widget: namespace, name, dimensions.
  api_dimensions = ["ApiName", aws_api_gateway_rest_api.this.name, "Stage", aws_api_gateway_stage.this.stage_name]

  function_dimensions = {
    for key, function in local.functions : key =>
    ["FunctionName", function.name, "Resource", "${function.name}:${aws_lambda_alias.live[key].name}"]
  }

  graphs = [
    {
      title = "API requests"
      metrics = [
        concat(["AWS/ApiGateway", "Count"], local.api_dimensions, [{ stat = "Sum", label = "requests" }]),
      ]
    },
    {
      title = "API errors"
      metrics = [
        for name in ["4XXError", "5XXError"] :
        concat(["AWS/ApiGateway", name], local.api_dimensions, [{ stat = "Sum", label = name }])
      ]
    },
    {
      title = "API latency, ms"
      metrics = [
        for stat in ["p50", "p99"] :
        concat(["AWS/ApiGateway", "Latency"], local.api_dimensions, [{ stat = stat, label = stat }])
      ]
    },
    {
      title = "Lambda invocations and errors"
      metrics = concat([
        for key, dimensions in local.function_dimensions : [
          for name in ["Invocations", "Errors", "Throttles"] :
          concat(["AWS/Lambda", name], dimensions, [{ stat = "Sum", label = "${key} ${name}" }])
        ]
      ]...)
    },
    {
      title = "Lambda duration, ms"
      metrics = concat([
        for key, dimensions in local.function_dimensions : [
          for stat in ["p50", "p99"] :
          concat(["AWS/Lambda", "Duration"], dimensions, [{ stat = stat, label = "${key} ${stat}" }])
        ]
      ]...)
    },
    {
      # Where one line gives way to another, a release took the traffic; during a canary both are there.
      title = "Releases: invocations by version"
      metrics = [
        for key, function in local.functions : [{
          expression = "SEARCH('{AWS/Lambda,FunctionName,Resource,ExecutedVersion} FunctionName=\"${function.name}\" MetricName=\"Invocations\"', 'Sum')"
          label      = "${key} $${PROP('Dim.ExecutedVersion')}"
        }]
      ]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${var.app}-${var.environment}"

  dashboard_body = jsonencode({
    widgets = concat(
      [
        for index, graph in local.graphs : {
          type   = "metric"
          x      = index % 3 * 8
          y      = floor(index / 3) * 6
          width  = 8
          height = 6

          properties = {
            title   = graph.title
            metrics = graph.metrics
            region  = local.arn[3]
            period  = 60
            view    = "timeSeries"
          }
        }
      ],
      [{
        type   = "log"
        x      = 0
        y      = 12
        width  = 24
        height = 6

        properties = {
          title  = "Releases: API deployments, by when they responded"
          query  = "SOURCE '${aws_cloudwatch_log_group.access.name}' | stats min(@timestamp) as since, max(@timestamp) as until, count(*) as requests, sum(status >= 500) as failed by deploymentId | sort since desc"
          region = local.arn[3]
          view   = "table"
        }
      }],
    )
  })
}
