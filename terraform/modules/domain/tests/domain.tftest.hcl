# The domain in front of the API, and every variable with a value that must be refused. Offline: no provider runs.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_lambda_function" {
    defaults = {
      version     = "7"
      code_sha256 = "9f2Kd0nYq1v0Zc8Z1o1mJm0rS0y7n3yq0d8b0uH2m3A="
    }
  }
}

variables {
  domain_name     = "example.com"
  hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
  certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  rest_api_id     = "abc123"
  stage           = "prod"

  placeholder_sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

  aliases = {
    counter   = "arn:aws:lambda:us-east-1:123456789012:function:app-prod:live"
    preflight = "arn:aws:lambda:us-east-1:123456789012:function:app-options-prod:live"
  }
}

run "speaks_tls_1_2_or_newer_at_api_and_the_domain" {
  command = plan

  assert {
    condition     = aws_api_gateway_domain_name.this.domain_name == "api.example.com" && aws_api_gateway_domain_name.this.security_policy == "TLS_1_2"
    error_message = "The name or its TLS is another."
  }

  assert {
    condition     = aws_route53_record.this.type == "A" && aws_route53_record.this.name == "api.example.com" && aws_api_gateway_base_path_mapping.this.stage_name == "prod"
    error_message = "The name does not lead to the stage."
  }

  # asks for what the alias runs
  assert {
    condition     = { for key, function in data.aws_lambda_function.live : key => "${function.function_name}:${function.qualifier}" } == { counter = "app-prod:live", preflight = "app-options-prod:live" }
    error_message = "It looks at something else than what visitors would meet."
  }
}

run "is_put_in_front_of_no_placeholder" {
  command = plan

  override_data {
    target          = data.aws_lambda_function.live["counter"]
    override_during = plan
    values          = { version = "1", code_sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  }

  expect_failures = [aws_api_gateway_domain_name.this]
}

# A function that is made again after a destroy goes on counting: its placeholder may be version 8.
run "is_put_in_front_of_no_placeholder_of_an_environment_made_again" {
  command = plan

  override_data {
    target          = data.aws_lambda_function.live["preflight"]
    override_during = plan
    values          = { version = "8", code_sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  }

  expect_failures = [aws_api_gateway_domain_name.this]
}

run "stays_after_a_release_was_reverted_to_version_1_of_the_deployers" {
  command = plan

  override_data {
    target          = data.aws_lambda_function.live["counter"]
    override_during = plan
    values          = { version = "1", code_sha256 = "9f2Kd0nYq1v0Zc8Z1o1mJm0rS0y7n3yq0d8b0uH2m3A=" }
  }
}

run "refuses_wrong_values" {
  command = plan
  variables {
    # a hash in hexadecimal
    placeholder_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    # a domain with a scheme
    domain_name = "https://example.com"
    # a zone by its name
    hosted_zone_id = "example.com"
    # a certificate of iam
    certificate_arn = "arn:aws:iam::123456789012:server-certificate/name"
    # an api by its url
    rest_api_id = "https://abc123"
    # a stage with a slash
    stage = "prod/"
    # a function without its alias
    aliases = { counter = "arn:aws:lambda:us-east-1:123456789012:function:app-prod" }
  }
  expect_failures = [var.placeholder_sha256, var.domain_name, var.hosted_zone_id, var.certificate_arn, var.rest_api_id, var.stage, var.aliases]
}
