# The secret, made on the local AWS (an ephemeral value has no mock), which is found by AWS_ENDPOINT_URL: `deployer/tests/it`
# starts one and runs `terraform test -test-directory=tests/local`.

provider "aws" {
  region = "us-east-1"
}

variables {
  app         = "app"
  environment = "dev"
  generation  = 1
}

run "makes_a_secret_that_terraform_does_not_know" {
  assert {
    condition     = aws_ssm_parameter.this.name == "/app/dev/address-key" && aws_ssm_parameter.this.type == "SecureString"
    error_message = "The counter does not find its key, or it lies open."
  }

  assert {
    condition     = aws_ssm_parameter.this.value_wo == null
    error_message = "The state has the secret."
  }

  assert {
    condition     = endswith(output.arn, ":parameter/app/dev/address-key")
    error_message = "The role may read another parameter."
  }
}

run "keeps_the_secret_at_the_next_apply" {
  assert {
    condition     = aws_ssm_parameter.this.version == 1
    error_message = "Every apply makes another secret: no visitor would be known again."
  }
}

run "makes_another_in_place" {
  variables {
    generation = 2
  }

  assert {
    condition     = aws_ssm_parameter.this.version > 1 && output.arn == run.makes_a_secret_that_terraform_does_not_know.arn
    error_message = "It is the old secret, or it was gone for a moment."
  }
}

run "refuses_half_a_generation" {
  command = plan
  variables {
    generation = 1.5
  }
  expect_failures = [var.generation]
}

run "refuses_an_app_in_capitals" {
  command = plan
  variables {
    app = "App"
  }
  expect_failures = [var.app]
}

run "refuses_an_environment_with_a_hyphen" {
  command = plan
  variables {
    environment = "dev-2"
  }
  expect_failures = [var.environment]
}
