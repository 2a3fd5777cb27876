# API Gateway writes the logs of all its APIs in an account and region with one role. It is set here, not in the environments:
# two states that own one setting would overwrite each other. For the same reason it can be left out: the account may have such
# a role already, which this one would replace for every API.

resource "aws_iam_role" "api_gateway_logs" {
  count = var.api_gateway_logs ? 1 : 0

  name        = "${local.app}-api-gateway-logs-${var.region}" # roles are global, the setting is regional
  description = "Lets API Gateway write the logs of all APIs of ${var.region}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "apigateway.amazonaws.com" }
    }]
  })
}

# AWS's own policy, with `*`: API Gateway tests the role for exactly these rights and refuses one that names log groups.
resource "aws_iam_role_policy_attachment" "api_gateway_logs" {
  count = var.api_gateway_logs ? 1 : 0

  role       = aws_iam_role.api_gateway_logs[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count = var.api_gateway_logs ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.api_gateway_logs[0].arn
  depends_on          = [aws_iam_role_policy_attachment.api_gateway_logs]
}
