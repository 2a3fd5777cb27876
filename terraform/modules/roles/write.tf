# What the deploy role may change: in policies of a size that IAM takes. Nothing that takes traffic can be deleted with them: to take
# an environment down is an administrator's. DELETE below an API is for its parts; the API itself is not below itself.

locals {
  # Terraform, making and changing what responds.
  change = {
    name = "change"
    statements = [
      { actions = ["s3:PutObject"], resources = ["${local.state}/${local.state_key}"] },
      { actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], resources = ["${local.state}/${local.state_key}.tflock"] },
      {
        # GetFunctionConfiguration: the provider waits for the version that it publishes with it, and with nothing else.
        # UpdateAlias: AWS's reference names the function; whether IAM also checks the alias's ARN, it leaves open. The
        # function's own ARN is in `release`.
        actions = [
          "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteFunctionConcurrency", "lambda:GetFunctionConfiguration",
          "lambda:PutFunctionConcurrency", "lambda:RemovePermission", "lambda:TagResource", "lambda:UntagResource",
          "lambda:UpdateAlias", "lambda:UpdateFunctionConfiguration",
        ]
        resources = concat(local.functions, local.versions)
        reason    = local.because.version
      },
      {
        # Only the API may be allowed to invoke a function: no URL, no other account.
        actions   = ["lambda:AddPermission"]
        resources = concat(local.functions, local.versions)
        condition = { StringEquals = { "lambda:Principal" = "apigateway.amazonaws.com" } }
        reason    = local.because.version
      },
      { actions = ["apigateway:POST"], resources = [local.apis], condition = local.tagging },
      { actions = ["apigateway:PATCH"], resources = [local.api, "${local.api}/stages/${var.environment}"], condition = local.tagged, reason = local.because.api_id },
      {
        actions   = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"]
        resources = [for part in ["gatewayresponses", "resources"] : "${local.api}/${part}/*"]
        condition = local.tagged
        reason    = local.because.api_id
      },
      { actions = ["apigateway:POST"], resources = ["${local.api}/stages", "${local.api}/deployments"], condition = local.tagged, reason = local.because.api_id },
      {
        # `?`: to make an API or a stage with tags, IAM checks one whose name is a literal `*`
        # (mattclay/aws-terminator#284). No API has an id of one character: nothing that exists can be tagged by it.
        actions   = ["apigateway:PUT"]
        resources = concat(["${local.apis_tags}%2F?", "${local.stage_tags}?", "${local.stage_tags}${var.environment}"], local.api_tags)
        condition = local.retagging
        reason    = "what is being made has no id yet; a stage is this environment's by its name"
      },
      {
        actions   = ["apigateway:DELETE"]
        resources = concat(["${local.stage_tags}${var.environment}"], local.api_tags)
        condition = local.untagging
        reason    = "API Gateway chooses the id; the stage is this environment's by its name"
      },
      # API Gateway makes its own role with the first API or domain of an account, in the caller's name.
      {
        actions   = ["iam:CreateServiceLinkedRole"]
        resources = ["${local.linked_roles}/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway"]
        condition = { StringEquals = { "iam:AWSServiceName" = "ops.apigateway.amazonaws.com" } }
      },
      {
        # A role without the boundary could be given anything.
        actions   = ["iam:CreateRole", "iam:PutRolePolicy"]
        resources = local.roles
        condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary } }
      },
      { actions = ["iam:TagRole", "iam:UntagRole", "iam:UpdateRole", "iam:UpdateRoleDescription"], resources = local.roles },
      { actions = ["iam:PassRole"], resources = local.roles, condition = { StringEquals = { "iam:PassedToService" = "lambda.amazonaws.com" } } },
    ]
  }

  # The API's own tags: only once its id is known. Before, the role of one environment could tag the API of another as its own.
  api_tags = var.rest_api_id == null ? [] : ["${local.apis_tags}%2F${var.rest_api_id}"]

  # Terraform, making and changing what is kept.
  #
  # No UpdateTable: IAM has no condition on what it changes, and it turns the protection from deletion off. Nor, once the
  # environment is made, UpdateContinuousBackups and UpdateTimeToLive, which turn point-in-time recovery off and let rows
  # expire. Such a change is an administrator's.
  keep = {
    name = "keep"
    statements = concat(
      [
        { actions = ["dynamodb:CreateTable", "dynamodb:TagResource", "dynamodb:UntagResource"], resources = [local.visits, local.ledger] },
        {
          actions   = ["dynamodb:PutItem"]
          resources = [local.visits]
          condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["total"] } }
        },
        { actions = ["logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"], resources = local.log_groups, reason = local.because.log_group },
        { actions = ["sns:CreateTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:UntagResource"], resources = [local.topic] },
        # Both forms: AWS's reference names the topic, a subscription's own ARN goes on behind it.
        { actions = ["sns:Unsubscribe"], resources = [local.topic, "${local.topic}:*"], reason = "SNS chooses the id of a subscription" },
        { actions = ["ssm:AddTagsToResource", "ssm:PutParameter", "ssm:RemoveTagsFromResource"], resources = [local.key], reason = local.because.key_names },
        { actions = ["cloudwatch:PutDashboard"], resources = [local.dashboard] },
        { actions = ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"], resources = local.alarms },
        {
          actions = [
            "s3:CreateBucket", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
          ]
          resources = [local.artifacts]
        },
        # Lambda fetches a big zip with the caller's permissions, and AWS's reference leaves open whether a named version is
        # enough (`release` has GetObjectVersion).
        { actions = ["s3:GetObject"], resources = ["${local.artifacts}/*"], reason = "zips are named by their digest" },
      ],
      [
        for statement in [
          { actions = ["dynamodb:UpdateContinuousBackups"], resources = [local.visits, local.ledger] },
          { actions = ["dynamodb:UpdateTimeToLive"], resources = [local.visits] },
        ] : statement if var.rest_api_id == null
      ],
    )
  }

  # The deployer, releasing.
  release = {
    name = "release"
    statements = concat(
      [
        { actions = ["lambda:GetFunctionConcurrency", "lambda:ListAliases", "lambda:PublishVersion", "lambda:UpdateAlias", "lambda:UpdateFunctionCode"], resources = local.functions },
        # On versions only: without one, DeleteFunction deletes all of them.
        { actions = ["lambda:DeleteFunction", "lambda:GetProvisionedConcurrencyConfig", "lambda:InvokeFunction"], resources = local.versions, reason = local.because.version },
        { actions = ["apigateway:DELETE"], resources = ["${local.api}/deployments/*"], condition = local.tagged, reason = local.because.api_id },
        { actions = ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"], resources = [local.ledger] },
        # Lambda fetches the object with the caller's permissions.
        { actions = ["s3:GetObjectVersion", "s3:PutObject"], resources = ["${local.artifacts}/*"], reason = "zips are named by their digest" },
        # Optional: a release that fails after traffic has moved shows the last errors of its version.
        {
          actions   = ["logs:FilterLogEvents"]
          resources = [for group in local.log_groups : group if can(regex(":/aws/lambda/.*:\\*$", group))]
          reason    = "a part of a log group's ARN"
        },
        { actions = ["iam:SimulatePrincipalPolicy"], resources = ["arn:${local.p}:iam::${local.a}:role/${local.name}-deploy"] },
      ],
      [
        for from in var.promotes.from[*] :
        { actions = ["sts:AssumeRole"], resources = ["arn:${local.p}:iam::${from.account}:role/${var.app}-${from.environment}-read"] }
      ],
    )
  }
}
