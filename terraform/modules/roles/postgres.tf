# What the module `postgres` needs. EC2 chooses the names of what it makes: what belongs to this environment is recognised by its tag,
# and nothing changes hands by a new tag.

locals {
  ec2       = { for kind in ["security-group", "security-group-rule", "subnet", "vpc", "vpc-endpoint"] : kind => "arn:${local.p}:ec2:${local.r}:${local.a}:${kind}/*" }
  ec2_kinds = values(local.ec2)
  ec2_id    = "EC2 chooses the id; the tag names the owner"

  # What each action makes, which has to get this environment's tag.
  ec2_made = {
    AuthorizeSecurityGroupEgress  = "security-group-rule"
    AuthorizeSecurityGroupIngress = "security-group-rule"
    CreateSecurityGroup           = "security-group"
    CreateSubnet                  = "subnet"
    CreateVpc                     = "vpc"
    CreateVpcEndpoint             = "vpc-endpoint"
  }

  # What each action changes, or makes something in, which has to have it.
  ec2_changed = [
    { kinds = ["vpc"], actions = ["ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:ModifyVpcAttribute"] },
    { kinds = ["security-group", "subnet", "vpc"], actions = ["ec2:CreateVpcEndpoint"] },
    { kinds = ["subnet"], actions = ["ec2:ModifySubnetAttribute"] },
    { kinds = ["security-group", "subnet", "vpc-endpoint"], actions = ["ec2:ModifyVpcEndpoint"] },
    { kinds = ["security-group"], actions = ["ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"] },
    { kinds = ["security-group", "security-group-rule"], actions = ["ec2:ModifySecurityGroupRules"] },
  ]

  rds_names = [
    "arn:${local.p}:rds:${local.r}:${local.a}:db:${local.name}",
    "arn:${local.p}:rds:${local.r}:${local.a}:pg:${local.name}-*",
    "arn:${local.p}:rds:${local.r}:${local.a}:subgrp:${local.name}",
  ]
  rds_generation = "a parameter group has a name for each major version"
  rds_logs       = [for end in ["", ":*"] : "arn:${local.p}:logs:${local.r}:${local.a}:log-group:/aws/rds/instance/${local.name}/postgresql${end}"]

  network_look = [
    {
      actions = [
        "ec2:DescribeAvailabilityZones", "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "ec2:DescribePrefixLists", "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
      ]
      resources = ["*"]
      reason    = local.because.no_resource
    },
    { actions = ["ec2:DescribeVpcAttribute"], resources = [local.ec2["vpc"]], reason = local.ec2_id },
  ]

  postgres_look = [
    {
      actions   = ["rds:DescribeDBParameterGroups", "rds:DescribeDBParameters"]
      resources = [local.rds_names[1]]
      reason    = local.rds_generation
    },
    { actions = ["rds:DescribeDBSubnetGroups"], resources = [local.rds_names[2]] },
    { actions = ["rds:ListTagsForResource"], resources = local.rds_names, reason = local.rds_generation },
    { actions = ["rds:DescribeDBInstances"], resources = ["arn:${local.p}:rds:${local.r}:${local.a}:db:*"], reason = "the provider looks for an instance by its inner id, among all of them" },
    { actions = ["logs:ListTagsForResource"], resources = local.rds_logs, reason = local.because.log_group },
  ]

  network_change = concat(
    [
      for action, kind in local.ec2_made :
      { actions = ["ec2:${action}"], resources = [local.ec2[kind]], condition = local.tagging, reason = local.ec2_id }
    ],
    [
      for changed in local.ec2_changed :
      { actions = changed.actions, resources = [for kind in changed.kinds : local.ec2[kind]], condition = local.tagged, reason = local.ec2_id }
    ],
    [
      # Tags of what is being made, by the call that makes it.
      {
        actions   = ["ec2:CreateTags"]
        resources = local.ec2_kinds
        condition = { StringEquals = merge(local.tagging.StringEquals, { "ec2:CreateAction" = keys(local.ec2_made) }) }
        reason    = local.ec2_id
      },
      # Tags of what is there: only of this environment's, which stays this environment's.
      {
        actions   = ["ec2:CreateTags"]
        resources = local.ec2_kinds
        condition = merge(local.tagged, local.retagging)
        reason    = local.ec2_id
      },
      {
        actions   = ["ec2:DeleteTags"]
        resources = local.ec2_kinds
        condition = merge(local.tagged, local.untagging)
        reason    = local.ec2_id
      },
      { actions = ["route53:AssociateVPCWithHostedZone"], resources = ["arn:${local.p}:route53:::hostedzone/*"], reason = "for the endpoints' private names, in zones of AWS's own" },
    ],
  )

  postgres_change = [
    { actions = ["rds:AddTagsToResource", "rds:RemoveTagsFromResource"], resources = local.rds_names, reason = local.rds_generation },
    {
      actions   = ["rds:CreateDBInstance", "rds:ModifyDBInstance"]
      resources = concat(local.rds_names, ["arn:${local.p}:rds:${local.r}:${local.a}:og:default*"])
      reason    = "AWS names its own option groups; ${local.rds_generation}"
    },
    { actions = ["rds:CreateDBParameterGroup", "rds:ModifyDBParameterGroup"], resources = [local.rds_names[1]], reason = local.rds_generation },
    { actions = ["rds:CreateDBSubnetGroup", "rds:ModifyDBSubnetGroup"], resources = [local.rds_names[2]] },
    # RDS makes its own role with the first instance of an account, in the caller's name.
    {
      actions   = ["iam:CreateServiceLinkedRole"]
      resources = ["${local.linked_roles}/rds.amazonaws.com/AWSServiceRoleForRDS"]
      condition = { StringEquals = { "iam:AWSServiceName" = "rds.amazonaws.com" } }
    },
    # RDS makes the managed password in the caller's name.
    { actions = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"], resources = ["arn:${local.p}:secretsmanager:${local.r}:${local.a}:secret:rds!db-*"], reason = "RDS chooses the name" },
    {
      actions   = ["kms:CreateGrant", "kms:DescribeKey"]
      resources = [local.kms_keys]
      condition = { StringLike = { "kms:ViaService" = ["rds.${local.r}.*", "secretsmanager.${local.r}.*"] } }
      reason    = "AWS's own keys, whose ids it chooses"
    },
    { actions = ["logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"], resources = local.rds_logs, reason = local.because.log_group },
  ]
}
