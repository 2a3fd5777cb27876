# The API under a name of one's own: `api.<domain_name>`. As a whole optional, and Terraform's alone: the mapping names the
# stage, not a deployment, so a release never touches it.

locals {
  name = "api.${var.domain_name}"
}

data "aws_lambda_function" "live" {
  for_each = var.aliases

  # `arn:partition:lambda:region:account:function:name:alias`
  function_name = split(":", each.value)[6]
  qualifier     = split(":", each.value)[7]
}

resource "aws_api_gateway_domain_name" "this" {
  domain_name              = local.name
  regional_certificate_arn = var.certificate_arn
  security_policy          = "TLS_1_2"

  lifecycle {
    # Visitors come by this name: what they meet must not be the placeholder and its 503.
    precondition {
      # By its bytes, not by its number: Lambda goes on counting when a function of the same name is made again.
      condition     = alltrue([for function in data.aws_lambda_function.live : function.code_sha256 != var.placeholder_sha256])
      error_message = "Nothing was released to this environment yet: its functions are the placeholder, which returns 503. Everything but `${local.name}` was applied; release (`deployer deploy` or `deployer promote`), then apply again. Where a workflow applies before it releases, leave `domain_name` out until then."
    }
  }

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  tags = {
    Name = local.name
  }
}

# No base path: the API sits at the root of the name.
resource "aws_api_gateway_base_path_mapping" "this" {
  api_id      = var.rest_api_id
  stage_name  = var.stage
  domain_name = aws_api_gateway_domain_name.this.domain_name
}

resource "aws_route53_record" "this" {
  zone_id = var.hosted_zone_id
  name    = local.name
  type    = "A"

  alias {
    name                   = aws_api_gateway_domain_name.this.regional_domain_name
    zone_id                = aws_api_gateway_domain_name.this.regional_zone_id
    evaluate_target_health = false
  }
}
