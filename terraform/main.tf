# The base stack of one environment: what seldom changes. What changes with every push (code, versions, the target of an
# alias, API Gateway deployments) is the deployer's; `ignore_changes` marks the border, each time with its reason.

locals {
  app = "resume-visitor-counter"

  protected = var.environment == "prod"

  allowed_origins = coalesce(var.allowed_origins, ["https://${var.website_domain}"])

  # The local AWS has no DNS: its stages answer at a path.
  api_url = (
    var.local_endpoint == null
    ? module.backend.api.url
    : "${var.local_endpoint}/restapis/${module.backend.api.rest_api_id}/${module.backend.api.stage}/_user_request_"
  )
}

data "aws_caller_identity" "current" {}

module "backend" {
  source = "./modules/backend"

  app                 = local.app
  environment         = var.environment
  allowed_origins     = local.allowed_origins
  architecture        = var.architecture
  memory_size         = var.memory_size
  deletion_protection = local.protected
  alarms              = var.alarms
}

module "domain" {
  source = "./modules/domain"
  count  = var.domain_name == null ? 0 : 1

  domain_name     = var.domain_name
  hosted_zone_id  = var.hosted_zone_id
  certificate_arn = var.certificate_arn
  rest_api_id     = module.backend.api.rest_api_id
  stage           = module.backend.api.stage
}

module "ledger" {
  source = "./modules/ledger"

  app                 = local.app
  environment         = var.environment
  deletion_protection = local.protected

  stack = {
    account   = data.aws_caller_identity.current.account_id
    region    = var.region
    functions = module.backend.functions
    alarms    = module.backend.alarms

    api = merge(module.backend.api, {
      url        = local.api_url
      custom_url = one(module.domain[*].url)
    })
  }
}
