# The ARNs of what the stack's modules make, and the conditions used instead of a name.

locals {
  p = var.scope.partition
  r = var.scope.region
  a = var.scope.account

  function_names = [local.name, "${var.app}-options-${var.environment}"]
  functions      = [for name in local.function_names : "arn:${local.p}:lambda:${local.r}:${local.a}:function:${name}"]
  versions       = [for function in local.functions : "${function}:*"]
  roles          = [for name in local.function_names : "arn:${local.p}:iam::${local.a}:role/${name}"]
  visits         = "arn:${local.p}:dynamodb:${local.r}:${local.a}:table/${replace(title(replace(var.app, "-", " ")), " ", "")}-${var.environment}"
  ledger         = "arn:${local.p}:dynamodb:${local.r}:${local.a}:table/${var.app}-ledger-${var.environment}"
  key            = "arn:${local.p}:ssm:${local.r}:${local.a}:parameter/${var.app}/${var.environment}/*"
  topic          = "arn:${local.p}:sns:${local.r}:${local.a}:${local.name}-alarms"
  dashboard      = "arn:${local.p}:cloudwatch::${local.a}:dashboard/${local.name}"
  artifacts      = "arn:${local.p}:s3:::${var.app}-artifacts-${var.environment}-${local.a}"
  state          = "arn:${local.p}:s3:::${var.state_bucket}"
  state_key      = "${var.app}/${var.environment}/terraform.tfstate"
  kms_keys       = "arn:${local.p}:kms:${local.r}:${local.a}:key/*"
  boundary       = "arn:${local.p}:iam::${local.a}:policy/${local.name}-functions"
  linked_roles   = "arn:${local.p}:iam::${local.a}:role/aws-service-role"

  # API Gateway chooses the id of an API. IAM's `*` spans `/`, so `/restapis/*` alone would be every stage of every API of
  # the account: each statement on it has the condition `tagged`, which what is below an API inherits.
  apis = "arn:${local.p}:apigateway:${local.r}::/restapis"
  api  = "${local.apis}/${coalesce(var.rest_api_id, "*")}"

  # To tag a resource, IAM checks `/tags/` with its ARN, encoded.
  tags       = "arn:${local.p}:apigateway:${local.r}::/tags"
  apis_tags  = "${local.tags}/${replace(replace(local.apis, ":", "%3A"), "/", "%2F")}"
  stage_tags = "${local.apis_tags}%2F${coalesce(var.rest_api_id, "*")}%2Fstages%2F"

  alarms = [
    for name in ["${local.name}-errors", "${var.app}-options-${var.environment}-errors", "${local.name}-api-5xx"] :
    "arn:${local.p}:cloudwatch:${local.r}:${local.a}:alarm:${name}"
  ]

  # With `:*` and without: IAM takes both forms, by action.
  log_groups = flatten([
    for name in concat(
      [for name in local.function_names : "/aws/lambda/${name}"],
      ["/aws/apigateway/${local.name}", "API-Gateway-Execution-Logs_${coalesce(var.rest_api_id, "*")}/${var.environment}"],
    ) : [for end in ["", ":*"] : "arn:${local.p}:logs:${local.r}:${local.a}:log-group:${name}${end}"]
  ])

  # This environment's of this app by its tags, which Terraform gives to everything: an account may have the stack twice.
  tagged = { StringEquals = { "aws:ResourceTag/Environment" = var.environment, "aws:ResourceTag/Project" = var.app } }

  # Made with these tags.
  tagging = { StringEquals = { "aws:RequestTag/Environment" = var.environment, "aws:RequestTag/Project" = var.app } }

  # Tagged again, if at all, with the same.
  retagging = { StringEqualsIfExists = local.tagging.StringEquals }

  # Left with them.
  untagging = { "ForAllValues:StringNotEquals" = { "aws:TagKeys" = ["Environment", "Project"] } }

  # Reasons for a `*`: each statement that has one needs a reason. `.ci/policies` fails without.
  because = {
    no_resource = "IAM has no resource for these actions"
    api_id      = "API Gateway chooses the id; the tag names the owner"
    log_group   = "`:*` is a part of a log group's ARN; API Gateway names its group after the API's id"
    version     = "versions are numbered, and aliases move"
    key_names   = "the address key has a name for each generation, below this environment's path"
  }
}
