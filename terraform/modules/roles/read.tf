# What the roles may read, by who needs it: every action is one that a run makes, on resources by their names. A statement
# with a `*` has its `reason`.

locals {
  # Terraform, looking: its state, and everything that it made.
  read = {
    name = "read"
    statements = [
      { actions = ["s3:ListBucket"], resources = [local.state], condition = { StringLikeIfExists = { "s3:prefix" = ["${local.state_key}*"] } } }, # a read of one key has no prefix
      { actions = ["s3:GetObject"], resources = ["${local.state}/${local.state_key}"] },
      {
        # ListTags: without it GetFunction leaves the tags out, and every plan would add them again.
        actions   = ["lambda:GetAlias", "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunction", "lambda:GetPolicy", "lambda:ListTags", "lambda:ListVersionsByFunction"]
        resources = concat(local.functions, local.versions)
        reason    = local.because.version
      },
      { actions = ["apigateway:GET"], resources = [local.api, "${local.api}/*"], condition = local.tagged, reason = local.because.api_id },
      {
        actions   = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
        resources = local.roles
      },
      {
        actions   = ["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource"]
        resources = [local.visits, local.ledger]
      },
      {
        # Of the visits the one item that Terraform made, and no visitor.
        actions   = ["dynamodb:GetItem"]
        resources = [local.visits]
        condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["total"] } }
      },
      { actions = ["dynamodb:GetItem"], resources = [local.ledger] },
      { actions = ["kms:DescribeKey"], resources = [local.kms_keys], reason = "metadata of AWS's own keys, whose ids AWS chooses: whether a table is encrypted with one" },
      { actions = ["logs:ListTagsForResource"], resources = local.log_groups, reason = local.because.log_group },
      { actions = ["sns:GetTopicAttributes", "sns:ListTagsForResource"], resources = [local.topic] },
      # The provider reads the parameter back. Its secret opens nothing without the visits, which the roles may not read.
      { actions = ["ssm:GetParameter", "ssm:ListTagsForResource"], resources = [local.key], reason = local.because.key_names },
      { actions = ["cloudwatch:GetDashboard"], resources = [local.dashboard] },
      { actions = ["cloudwatch:ListTagsForResource"], resources = local.alarms },
      {
        actions = [
          "s3:GetAccelerateConfiguration", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLogging", "s3:GetBucketObjectLockConfiguration",
          "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketRequestPayment", "s3:GetBucketTagging", "s3:GetBucketVersioning",
          "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket",
        ]
        resources = [local.artifacts]
      },
      # A new random password is made at every plan, and looked at only when one is needed.
      {
        actions   = ["cloudwatch:DescribeAlarms", "lambda:GetAccountSettings", "lambda:ListEventSourceMappings", "logs:DescribeLogGroups", "secretsmanager:GetRandomPassword", "sns:GetSubscriptionAttributes", "ssm:DescribeParameters"]
        resources = ["*"]
        reason    = "IAM has no resource for some of them; the others list all alarms, mappings, log groups and parameters"
      },
    ]
  }

  # The deployer, looking: `deployer plan` and `doctor`.
  look = {
    name = "look"
    statements = [
      { actions = ["dynamodb:Query"], resources = [local.ledger] },
      { actions = ["lambda:GetFunctionConcurrency"], resources = local.functions },
      { actions = ["lambda:GetProvisionedConcurrencyConfig"], resources = local.versions, reason = local.because.version },
      { actions = ["iam:SimulatePrincipalPolicy"], resources = ["arn:${local.p}:iam::${local.a}:role/${local.name}-plan"] },
    ]
  }

  # The deploy role of the next environment, promoting: the releases and their zips.
  reader = {
    name = "reader"
    statements = [
      { actions = ["dynamodb:GetItem", "dynamodb:Query"], resources = [local.ledger] },
      { actions = ["lambda:GetFunction"], resources = local.versions, reason = local.because.version },
    ]
  }
}
