# What the deployer needs, by what it is needed on: what only looks, and what a release does besides. docs/permissions.md has the same
# list in words, and the documents that come out for one of the examples.

locals {
  contract    = jsondecode(var.contract)
  app         = local.contract.pk.S
  environment = local.contract.environment.S
  name        = "${local.app}-${local.environment}"

  # What ARNs begin with.
  p = split(":", var.github.oidc_provider_arn)[1]
  r = local.contract.region.S
  a = local.contract.account.S

  functions = [for function in local.contract.functions.M : function.M]
  lambda    = "arn:${local.p}:lambda:${local.r}:${local.a}:function"
  ledger    = "arn:${local.p}:dynamodb:${local.r}:${local.a}:table/${coalesce(var.ledger, "${local.app}-ledger-${local.environment}")}"
  bucket    = try(["arn:${local.p}:s3:::${local.contract.artifact_bucket.S}"], [])

  api  = try(local.contract.api.M, null)
  kind = try(local.api.kind.S, "")
  rest = [for id in local.kind == "rest" ? [local.api.id.S] : [] : "arn:${local.p}:apigateway:${local.r}::/restapis/${id}"]
  http = [for id in local.kind == "http" ? [local.api.id.S] : [] : "arn:${local.p}:apigateway:${local.r}::/apis/${id}"]

  # Each `*` has its reason: `.ci/policies` fails without.
  version = "versions are numbered, and aliases move"

  rights = [for right in [
    {
      on      = [for function in local.functions : "${local.lambda}:${function.name.S}"]
      look    = ["lambda:GetAlias", "lambda:GetFunctionConcurrency", "lambda:ListVersionsByFunction"]
      release = ["lambda:ListAliases", "lambda:PublishVersion", "lambda:UpdateAlias", "lambda:UpdateFunctionCode"]
      reason  = null
    },
    {
      # On versions and aliases only: without one, DeleteFunction deletes the function with all of them.
      on      = [for function in local.functions : "${local.lambda}:${function.name.S}:*"]
      look    = ["lambda:GetFunction", "lambda:GetPolicy", "lambda:GetProvisionedConcurrencyConfig"]
      release = ["lambda:DeleteFunction", "lambda:InvokeFunction"]
      reason  = local.version
    },
    {
      on      = [for function in local.functions : "${local.lambda}:${function.name.S}:*" if can(function.url.S)]
      look    = ["lambda:GetFunctionUrlConfig"]
      release = []
      reason  = local.version
    },
    {
      on      = flatten([for api in local.rest : [api, "${api}/*"]])
      look    = ["apigateway:GET"]
      release = []
      reason  = "the definition: resources, methods, integrations, whose ids API Gateway chooses"
    },
    {
      on      = [for api in local.rest : "${api}/deployments"]
      look    = []
      release = ["apigateway:POST"]
      reason  = null
    },
    {
      on      = [for api in local.rest : "${api}/deployments/*"]
      look    = []
      release = ["apigateway:DELETE"]
      reason  = "API Gateway chooses the ids of deployments"
    },
    {
      on      = [for api in local.rest : "${api}/stages/${local.api.stage.S}"]
      look    = []
      release = ["apigateway:PATCH"]
      reason  = null
    },
    {
      on      = flatten([for api in local.http : ["${api}/integrations", "${api}/routes", "${api}/stages/${try(local.api.stage.S, "$default")}"]])
      look    = ["apigateway:GET"]
      release = []
      reason  = null
    },
    {
      on      = [local.ledger]
      look    = ["dynamodb:GetItem", "dynamodb:Query"]
      release = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
      reason  = null
    },
    {
      # Lambda fetches the object with the caller's permissions.
      on      = [for bucket in local.bucket : "${bucket}/*"]
      look    = []
      release = ["s3:GetObjectVersion", "s3:PutObject"]
      reason  = "zips are named by their digest"
    },
    {
      on      = ["*"]
      look    = ["cloudwatch:DescribeAlarms"]
      release = []
      reason  = "it cannot be limited to composite alarms"
    },
    {
      # Optional: a release that fails after traffic has moved shows the last errors of its version.
      on      = [for function in local.functions : "arn:${local.p}:logs:${local.r}:${local.a}:log-group:/aws/lambda/${function.name.S}:*"]
      look    = []
      release = ["logs:FilterLogEvents"]
      reason  = "a part of a log group's ARN"
    },
    {
      on      = [for from in var.promotes.from[*] : "arn:${local.p}:iam::${coalesce(from.account, local.a)}:role/${local.app}-${from.environment}-read"]
      look    = []
      release = ["sts:AssumeRole"]
      reason  = null
    },
  ] : right if length(right.on) > 0]

  # `deployer doctor` finds out with it what the role lacks.
  simulate = {
    for role in ["deploy", "plan"] : role =>
    { actions = ["iam:SimulatePrincipalPolicy"], resources = ["arn:${local.p}:iam::${local.a}:role/${local.name}-${role}"], reason = null, condition = null }
  }

  # `reusable-drift` runs `doctor` with the plan role: what it compares besides.
  doctor = [
    { actions = ["lambda:GetPolicy"], resources = [for function in local.functions : "${local.lambda}:${function.name.S}"], reason = null, condition = null },
    { actions = ["lambda:GetAccountSettings", "lambda:ListEventSourceMappings"], resources = ["*"], reason = "IAM has no resource for them", condition = null },
  ]

  statements = {
    deploy = concat([
      for right in local.rights : { actions = sort(concat(right.look, right.release)), resources = right.on, reason = right.reason, condition = null }
    ], [local.simulate.deploy])
    plan = concat([
      for right in local.rights : { actions = right.look, resources = right.on, reason = right.reason, condition = null } if length(right.look) > 0
    ], local.doctor, [local.simulate.plan])
    # The deploy role of the next environment, promoting: the releases and their zips.
    read = [
      { actions = ["dynamodb:GetItem", "dynamodb:Query"], resources = [local.ledger], reason = null, condition = null },
      { actions = ["lambda:GetFunction"], resources = [for function in local.functions : "${local.lambda}:${function.name.S}:*"], reason = local.version, condition = null },
    ]
    deploy-state = concat(local.state.look, local.state.change)
    plan-state   = local.state.look
  }

  # Terraform's own state of this environment, and no other.
  state = {
    look = flatten([for state in var.state[*] : [
      # A read of one key has no prefix.
      { actions = ["s3:ListBucket"], resources = ["arn:${local.p}:s3:::${state.bucket}"], reason = null, condition = { StringLikeIfExists = { "s3:prefix" = ["${state.key}*"] } } },
      { actions = ["s3:GetObject"], resources = ["arn:${local.p}:s3:::${state.bucket}/${state.key}"], reason = null, condition = null },
    ]])
    change = flatten([for state in var.state[*] : [
      { actions = ["s3:PutObject"], resources = ["arn:${local.p}:s3:::${state.bucket}/${state.key}"], reason = null, condition = null },
      { actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], resources = ["arn:${local.p}:s3:::${state.bucket}/${state.key}.tflock"], reason = null, condition = null },
    ]])
  }

  documents = {
    for key, statements in local.statements : key => jsonencode({
      Version = "2012-10-17"
      Statement = [
        for statement in statements : merge(
          { Effect = "Allow", Action = statement.actions, Resource = statement.resources },
          { for name, value in { Condition = statement.condition } : name => value if value != null },
        )
      ]
    })
  }
}
