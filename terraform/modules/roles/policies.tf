# What the roles may do, by who needs it: every action is one that a run makes, on resources by their names. A star stands
# where IAM knows no resource for the action, or where AWS chooses the name.

locals {
  p = var.scope.partition
  r = var.scope.region
  a = var.scope.account

  # The names that the stack's modules give.
  functions = [for name in [local.name, "${var.app}-options-${var.environment}"] : "arn:${local.p}:lambda:${local.r}:${local.a}:function:${name}"]
  versions  = [for function in local.functions : "${function}:*"]
  roles     = [for name in [local.name, "${var.app}-options-${var.environment}"] : "arn:${local.p}:iam::${local.a}:role/${name}"]
  visits    = "arn:${local.p}:dynamodb:${local.r}:${local.a}:table/${replace(title(replace(var.app, "-", " ")), " ", "")}-${var.environment}"
  ledger    = "arn:${local.p}:dynamodb:${local.r}:${local.a}:table/${var.app}-ledger-${var.environment}"
  key       = "arn:${local.p}:ssm:${local.r}:${local.a}:parameter/${var.app}/${var.environment}/*"
  topic     = "arn:${local.p}:sns:${local.r}:${local.a}:${local.name}-alarms"
  dashboard = "arn:${local.p}:cloudwatch::${local.a}:dashboard/${local.name}"
  artifacts = "arn:${local.p}:s3:::${var.app}-artifacts-${var.environment}-${local.a}"
  state     = "arn:${local.p}:s3:::${var.state_bucket}"
  state_key = "${var.app}/${var.environment}/terraform.tfstate"
  apis      = "arn:${local.p}:apigateway:${local.r}::/restapis"
  api       = "${local.apis}/${coalesce(var.rest_api_id, "*")}"
  tags      = "arn:${local.p}:apigateway:${local.r}::/tags/*"

  alarms = [
    for name in ["${local.name}-errors", "${var.app}-options-${var.environment}-errors", "${local.name}-api-5xx"] :
    "arn:${local.p}:cloudwatch:${local.r}:${local.a}:alarm:${name}"
  ]

  # With `:*` and without: IAM takes both forms, by action.
  log_groups = flatten([
    for name in concat(
      ["/aws/lambda/${local.name}", "/aws/lambda/${var.app}-options-${var.environment}", "/aws/apigateway/${local.name}"],
      ["API-Gateway-Execution-Logs_${coalesce(var.rest_api_id, "*")}/${var.environment}"],
    ) : [for end in ["", ":*"] : "arn:${local.p}:logs:${local.r}:${local.a}:log-group:${name}${end}"]
  ])

  # Terraform, looking: its state, and everything that it made.
  read = {
    name = "read"
    statements = [
      { actions = ["s3:ListBucket"], resources = [local.state], condition = { StringLikeIfExists = { "s3:prefix" = ["${local.state_key}*"] } } }, # a read of one key says no prefix
      { actions = ["s3:GetObject"], resources = ["${local.state}/${local.state_key}"] },
      {
        # ListTags: without it GetFunction leaves the tags out, and every plan would want them back.
        actions   = ["lambda:GetAlias", "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunction", "lambda:GetPolicy", "lambda:ListTags", "lambda:ListVersionsByFunction"]
        resources = concat(local.functions, local.versions)
      },
      { actions = ["apigateway:GET"], resources = [local.api, "${local.api}/*", local.tags] },
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
      # Metadata of AWS's own keys: whether a table is encrypted with one.
      { actions = ["kms:DescribeKey"], resources = ["arn:${local.p}:kms:${local.r}:${local.a}:key/*"] },
      { actions = ["logs:ListTagsForResource"], resources = local.log_groups },
      { actions = ["sns:GetTopicAttributes", "sns:ListTagsForResource"], resources = [local.topic] },
      # The provider reads the parameter back. Its secret opens nothing without the visits, which the roles may not read.
      { actions = ["ssm:GetParameter", "ssm:ListTagsForResource"], resources = [local.key] },
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
      {
        # None of these knows a resource. A new random password is made at every plan, and looked at only when one is needed.
        actions   = ["cloudwatch:DescribeAlarms", "logs:DescribeLogGroups", "secretsmanager:GetRandomPassword", "sns:GetSubscriptionAttributes", "ssm:DescribeParameters"]
        resources = ["*"]
      },
    ]
  }

  # The deployer, looking: `deployer plan` and `doctor`.
  look = {
    name = "look"
    statements = [
      { actions = ["dynamodb:Query"], resources = [local.ledger] },
      { actions = ["lambda:GetFunctionConcurrency"], resources = local.functions },
      { actions = ["lambda:GetProvisionedConcurrencyConfig"], resources = local.versions },
      { actions = ["iam:SimulatePrincipalPolicy"], resources = ["arn:${local.p}:iam::${local.a}:role/${local.name}-plan"] },
    ]
  }

  # Terraform, making and changing, in two policies of a size that IAM takes: what answers, and what is kept of it. Nothing that serves can be deleted with it: to take an environment down is an
  # administrator's. DELETE below an API is for its parts; the API itself is not below itself.
  change = {
    name = "change"
    statements = [
      { actions = ["s3:PutObject"], resources = ["${local.state}/${local.state_key}"] },
      { actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], resources = ["${local.state}/${local.state_key}.tflock"] },
      {
        # GetFunctionConfiguration: the provider waits for the version that it publishes with it, and with nothing else.
        actions = [
          "lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteFunctionConcurrency", "lambda:GetFunctionConfiguration",
          "lambda:PutFunctionConcurrency", "lambda:RemovePermission", "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateFunctionConfiguration",
        ]
        resources = concat(local.functions, local.versions)
      },
      { actions = ["apigateway:POST"], resources = [local.apis] },
      { actions = ["apigateway:PATCH"], resources = [local.api] },
      { actions = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"], resources = [for part in ["gatewayresponses", "resources"] : "${local.api}/${part}/*"] },
      { actions = ["apigateway:POST"], resources = ["${local.api}/stages", "${local.api}/deployments"] },
      { actions = ["apigateway:PATCH"], resources = ["${local.api}/stages/${var.environment}"] },
      { actions = ["apigateway:DELETE", "apigateway:PUT"], resources = [local.tags] },
      {
        # A role without the boundary could be given anything.
        actions   = ["iam:CreateRole", "iam:PutRolePolicy"]
        resources = local.roles
        condition = { StringEquals = { "iam:PermissionsBoundary" = aws_iam_policy.functions.arn } }
      },
      { actions = ["iam:TagRole", "iam:UntagRole", "iam:UpdateRole", "iam:UpdateRoleDescription"], resources = local.roles },
      { actions = ["iam:PassRole"], resources = local.roles, condition = { StringEquals = { "iam:PassedToService" = "lambda.amazonaws.com" } } },
    ]
  }

  keep = {
    name = "keep"
    statements = [
      {
        actions   = ["dynamodb:CreateTable", "dynamodb:TagResource", "dynamodb:UntagResource", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"]
        resources = [local.visits, local.ledger]
      },
      {
        actions   = ["dynamodb:PutItem"]
        resources = [local.visits]
        condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["total"] } }
      },
      { actions = ["logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"], resources = local.log_groups },
      { actions = ["sns:CreateTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:UntagResource"], resources = [local.topic] },
      { actions = ["sns:Unsubscribe"], resources = ["*"] }, # IAM knows no resource for it
      { actions = ["ssm:AddTagsToResource", "ssm:PutParameter", "ssm:RemoveTagsFromResource"], resources = [local.key] },
      { actions = ["cloudwatch:PutDashboard"], resources = [local.dashboard] },
      { actions = ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"], resources = local.alarms },
      {
        actions = [
          "s3:CreateBucket", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning",
          "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
        ]
        resources = [local.artifacts]
      },
    ]
  }

  # The deployer, releasing.
  release = {
    name = "release"
    statements = concat(
      [
        { actions = ["lambda:GetFunctionConcurrency", "lambda:ListAliases", "lambda:PublishVersion", "lambda:UpdateAlias", "lambda:UpdateFunctionCode"], resources = local.functions },
        # On versions only: without one, DeleteFunction deletes all of them.
        { actions = ["lambda:DeleteFunction", "lambda:GetProvisionedConcurrencyConfig", "lambda:InvokeFunction"], resources = local.versions },
        { actions = ["apigateway:DELETE"], resources = ["${local.api}/deployments/*"] },
        { actions = ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"], resources = [local.ledger] },
        # Lambda fetches the object with the caller's permissions.
        { actions = ["s3:GetObjectVersion", "s3:PutObject"], resources = ["${local.artifacts}/*"] },
        { actions = ["iam:SimulatePrincipalPolicy"], resources = ["arn:${local.p}:iam::${local.a}:role/${local.name}-deploy"] },
      ],
      [
        for from in var.promotes.from[*] :
        { actions = ["sts:AssumeRole"], resources = ["arn:${local.p}:iam::${from.account}:role/${var.app}-${from.environment}-read"] }
      ],
    )
  }

  # What the optional parts need beside that.
  extra = {
    domain = {
      name = "domain"
      statements = [
        { actions = ["apigateway:GET", "apigateway:PATCH", "apigateway:POST"], resources = ["arn:${local.p}:apigateway:${local.r}::/domainnames", "arn:${local.p}:apigateway:${local.r}::/domainnames/api.*"] },
        { actions = ["route53:GetHostedZone", "route53:ListResourceRecordSets"], resources = ["arn:${local.p}:route53:::hostedzone/*"] },
        {
          # The one record of the API, in whichever zone.
          actions   = ["route53:ChangeResourceRecordSets"]
          resources = ["arn:${local.p}:route53:::hostedzone/*"]
          condition = {
            "ForAllValues:StringEquals" = { "route53:ChangeResourceRecordSetsRecordTypes" = ["A"] }
            "ForAllValues:StringLike"   = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["api.*"] }
          }
        },
        # API Gateway makes its own role with the first domain of an account, in the caller's name.
        {
          actions   = ["iam:CreateServiceLinkedRole"]
          resources = ["arn:${local.p}:iam::${local.a}:role/aws-service-role/ops.apigateway.amazonaws.com/*"]
          condition = { StringEquals = { "iam:AWSServiceName" = "ops.apigateway.amazonaws.com" } }
        },
        { actions = ["route53:GetChange"], resources = ["arn:${local.p}:route53:::change/*"] },
      ]
    }
    waf = {
      name = "waf"
      statements = [
        {
          actions   = ["wafv2:CreateWebACL", "wafv2:GetWebACL", "wafv2:ListTagsForResource", "wafv2:TagResource", "wafv2:UntagResource", "wafv2:UpdateWebACL"]
          resources = ["arn:${local.p}:wafv2:${local.r}:${local.a}:regional/webacl/${local.name}/*", "arn:${local.p}:wafv2:${local.r}:${local.a}:regional/managedruleset/*"]
        },
        {
          actions   = ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "wafv2:GetWebACLForResource"]
          resources = ["arn:${local.p}:wafv2:${local.r}:${local.a}:regional/webacl/${local.name}/*", "${local.api}/stages/${var.environment}"]
        },
        { actions = ["apigateway:SetWebACL"], resources = ["${local.api}/stages/${var.environment}"] },
      ]
    }
    postgres = {
      name = "postgres"
      statements = concat(local.made_with_tag, [
        {
          # None of these knows a resource.
          actions = [
            "ec2:DescribeAvailabilityZones", "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "ec2:DescribePrefixLists", "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
          ]
          resources = ["*"]
        },
        # EC2 names what it makes: what is this environment's is told by its tag, and nothing changes hands by a new tag.
        {
          actions = [
            "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpcEndpoint",
            "ec2:ModifySecurityGroupRules", "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint", "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
          ]
          resources = ["*"]
          condition = { StringEquals = { "aws:ResourceTag/Environment" = var.environment } }
        },
        {
          actions   = ["ec2:CreateTags"]
          resources = ["*"]
          condition = {
            StringEquals         = { "aws:RequestTag/Environment" = var.environment }
            StringEqualsIfExists = { "aws:ResourceTag/Environment" = var.environment }
          }
        },
        { actions = ["route53:AssociateVPCWithHostedZone"], resources = ["*"] }, # for the endpoints' private names, in zones of AWS's own
        {
          actions = [
            "rds:AddTagsToResource", "rds:CreateDBInstance", "rds:CreateDBParameterGroup", "rds:CreateDBSubnetGroup", "rds:DescribeDBParameterGroups", "rds:DescribeDBParameters",
            "rds:DescribeDBSubnetGroups", "rds:ListTagsForResource", "rds:ModifyDBInstance", "rds:ModifyDBParameterGroup", "rds:ModifyDBSubnetGroup", "rds:RemoveTagsFromResource",
          ]
          resources = [
            "arn:${local.p}:rds:${local.r}:${local.a}:db:${local.name}",
            "arn:${local.p}:rds:${local.r}:${local.a}:og:default*",
            "arn:${local.p}:rds:${local.r}:${local.a}:pg:${local.name}-*",
            "arn:${local.p}:rds:${local.r}:${local.a}:subgrp:${local.name}",
          ]
        },
        # The provider looks for an instance by its inner id, among all of them.
        { actions = ["rds:DescribeDBInstances"], resources = ["arn:${local.p}:rds:${local.r}:${local.a}:db:*"] },
        # RDS makes its own role with the first instance of an account, in the caller's name.
        {
          actions   = ["iam:CreateServiceLinkedRole"]
          resources = ["arn:${local.p}:iam::${local.a}:role/aws-service-role/rds.amazonaws.com/*"]
          condition = { StringEquals = { "iam:AWSServiceName" = "rds.amazonaws.com" } }
        },
        # RDS makes the managed password in the caller's name.
        { actions = ["secretsmanager:CreateSecret", "secretsmanager:RotateSecret", "secretsmanager:TagResource"], resources = ["arn:${local.p}:secretsmanager:${local.r}:${local.a}:secret:rds!db-*"] },
        { actions = ["kms:CreateGrant", "kms:DescribeKey"], resources = ["arn:${local.p}:kms:${local.r}:${local.a}:key/*"], condition = { StringLike = { "kms:ViaService" = ["rds.*", "secretsmanager.*"] } } },
        { actions = ["logs:CreateLogGroup", "logs:ListTagsForResource", "logs:PutRetentionPolicy", "logs:TagResource"], resources = [for end in ["", ":*"] : "arn:${local.p}:logs:${local.r}:${local.a}:log-group:/aws/rds/instance/${local.name}/postgresql${end}"] },
      ])
    }
  }

  # Each action makes a kind of its own, which has to get this environment's tag.
  made_with_tag = [
    for action, kind in {
      AuthorizeSecurityGroupEgress  = "security-group-rule"
      AuthorizeSecurityGroupIngress = "security-group-rule"
      CreateSecurityGroup           = "security-group"
      CreateSubnet                  = "subnet"
      CreateVpc                     = "vpc"
      CreateVpcEndpoint             = "vpc-endpoint"
    } :
    {
      actions   = ["ec2:${action}"]
      resources = ["arn:${local.p}:ec2:${local.r}:${local.a}:${kind}/*"]
      condition = { StringEquals = { "aws:RequestTag/Environment" = var.environment } }
    }
  ]
}
