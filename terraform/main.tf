# The base stack of one environment: what seldom changes. What changes with every push (code, versions, the target of an
# alias, API Gateway deployments) is the deployer's; `ignore_changes` marks the border, each time with its reason.

locals {
  app = var.app

  protected = coalesce(var.deletion_protection, var.environment == "prod")

  # Without a limit for each client, one client spends what the stage's throttle lets through.
  waf_rate_limit = coalesce(var.waf_rate_limit, var.environment == "prod" ? 100 : 0)

  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id

  address_key_arn = one(concat(
    module.address_key[*].arn,
    [for name in var.address_key_parameter[*] : "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter${name}"],
  ))

  allowed_origins = coalesce(var.allowed_origins, ["https://${var.website_domain}"])

  # The local AWS has no DNS: its stages are reached by a path.
  api_url = (
    var.local_endpoint == null
    ? module.backend.api.url
    : "${var.local_endpoint}/restapis/${module.backend.api.id}/${module.backend.api.stage}/_user_request_"
  )
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# A state is of one environment, for ever: another one's values would replace every table, function and API in it.
resource "terraform_data" "environment" {
  input = var.environment

  lifecycle {
    ignore_changes = [input] # remembers what the state was made for

    postcondition {
      condition     = self.output == var.environment
      error_message = "This is the state of `${self.output}`, and the values are those of `${var.environment}`: nothing was changed. Run `terraform init -reconfigure -backend-config=environments/${var.environment}.s3.tfbackend …`, then plan again."
    }
  }
}

# Refuses `terraform destroy` as a whole and at once. The protection of a single table would refuse only when all that
# takes traffic is gone already. To take it off: `terraform state rm 'terraform_data.deletion_protection[0]'`, then apply, then
# destroy, both with `-var deletion_protection=false`.
resource "terraform_data" "deletion_protection" {
  count = local.protected ? 1 : 0

  lifecycle {
    prevent_destroy = true
  }
}

module "backend" {
  source = "./modules/backend"

  app                 = local.app
  environment         = var.environment
  allowed_origins     = local.allowed_origins
  deletion_protection = local.protected
  database            = one([for database in module.postgres : merge(database, { used = var.postgres.used })])
  address_key_arn     = local.address_key_arn

  # By the name that bootstrap gives it. Without bootstrap AWS refuses the roles.
  permissions_boundary = "arn:${local.partition}:iam::${local.account}:policy/${local.app}-${var.environment}-functions"

  function = {
    architecture         = var.architecture
    memory_size          = var.memory_size
    reserved_concurrency = var.reserved_concurrency
  }

  alarms = {
    # The local AWS gives Terraform alarms back without most of their attributes: no plan would ever be empty.
    enabled = var.local_endpoint == null
    email   = var.alarm_email
  }
}

module "address_key" {
  source = "./modules/address_key"
  count  = var.address_key_parameter == null ? 1 : 0

  app         = local.app
  environment = var.environment
  generation  = var.address_key_generation
}

module "artifacts" {
  source = "./modules/artifacts"

  app         = local.app
  environment = var.environment
  account     = local.account
  removable   = !local.protected
}

module "postgres" {
  source = "./modules/postgres"
  count  = var.postgres == null ? 0 : 1

  app               = local.app
  environment       = var.environment
  region            = var.region
  protected         = local.protected
  instance_class    = var.postgres.instance_class
  allocated_storage = var.postgres.allocated_storage
  engine_version    = var.postgres.engine_version
  vpc_cidr          = var.postgres.vpc_cidr
  max_connections   = var.postgres.max_connections
}

module "waf" {
  source = "./modules/waf"
  count  = local.waf_rate_limit == 0 ? 0 : 1

  app         = local.app
  environment = var.environment
  stage_arn   = module.backend.stage_arn
  rate_limit  = local.waf_rate_limit
}

module "domain" {
  source = "./modules/domain"
  count  = var.domain_name == null ? 0 : 1

  domain_name     = var.domain_name
  hosted_zone_id  = var.hosted_zone_id
  certificate_arn = var.certificate_arn
  rest_api_id     = module.backend.api.id
  stage           = module.backend.api.stage
  aliases         = module.backend.aliases

  placeholder_sha256 = module.backend.placeholder_sha256
}

module "ledger" {
  source = "./modules/ledger"

  app                 = local.app
  environment         = var.environment
  deletion_protection = local.protected

  stack = {
    account   = local.account
    region    = var.region
    functions = module.backend.functions
    alarms    = module.backend.alarms

    artifact_bucket = module.artifacts.bucket

    api = merge(module.backend.api, {
      url        = local.api_url
      custom_url = var.domain_name == null ? null : "https://api.${var.domain_name}" # not the module's: a release comes first
    })
  }
}
