# What the optional parts need beside the rest. What only reads is separate: the plan role gets that and nothing else.

locals {
  extra = {
    domain = [{ name = "domain", look = local.domain_look, statements = concat(local.domain_look, local.domain_change) }]
    waf    = [{ name = "waf", look = local.waf_look, statements = concat(local.waf_look, local.waf_change) }]
    postgres = [
      { name = "network", look = local.network_look, statements = concat(local.network_look, local.network_change) },
      { name = "postgres", look = local.postgres_look, statements = concat(local.postgres_look, local.postgres_change) },
    ]
  }

  # The one domain and the one record of the API.
  domain_name = "api.${try(var.domain.name, "none")}"
  domain      = "arn:${local.p}:apigateway:${local.r}::/domainnames/${local.domain_name}"
  zone        = "arn:${local.p}:route53:::hostedzone/${try(var.domain.hosted_zone_id, "none")}"
  mapping     = "API Gateway's own name of the root path may come encoded"

  domain_look = [
    { actions = ["apigateway:GET"], resources = [local.domain, "${local.domain}/basepathmappings/*"], reason = local.mapping },
    { actions = ["route53:GetHostedZone", "route53:ListResourceRecordSets"], resources = [local.zone] },
    { actions = ["route53:GetChange"], resources = ["arn:${local.p}:route53:::change/*"], reason = "Route 53 chooses the id of a change" },
  ]

  domain_change = [
    { actions = ["apigateway:POST"], resources = ["arn:${local.p}:apigateway:${local.r}::/domainnames"], condition = local.tagging },
    { actions = ["apigateway:PATCH"], resources = [local.domain, "${local.domain}/basepathmappings/*"], reason = local.mapping },
    { actions = ["apigateway:POST"], resources = ["${local.domain}/basepathmappings"] },
    {
      # As with APIs: to make a domain with tags, IAM checks one whose name is a literal `*`.
      actions   = ["apigateway:PUT"]
      resources = [for name in ["?", local.domain_name] : "${local.tags}/${replace(replace("arn:${local.p}:apigateway:${local.r}::/domainnames", ":", "%3A"), "/", "%2F")}%2F${name}"]
      condition = local.retagging
      reason    = "what is being made has a name of one character; no domain has such a name"
    },
    {
      # Neither another record, nor taking this one away.
      actions   = ["route53:ChangeResourceRecordSets"]
      resources = [local.zone]
      condition = {
        "ForAllValues:StringEquals" = {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames" = [local.domain_name]
          "route53:ChangeResourceRecordSetsRecordTypes"           = ["A"]
          "route53:ChangeResourceRecordSetsActions"               = ["CREATE", "UPSERT"]
        }
      }
    },
  ]

  web_acl     = "arn:${local.p}:wafv2:${local.r}:${local.a}:regional/webacl/${local.name}/*"
  web_acl_id  = "WAF chooses the id behind the name"
  stage       = "${local.api}/stages/${var.environment}"
  stage_by_id = "WAF and API Gateway choose the ids; the stage is this environment's by its name"

  waf_look = [
    { actions = ["wafv2:GetWebACL", "wafv2:ListTagsForResource"], resources = [local.web_acl], reason = local.web_acl_id },
    { actions = ["wafv2:GetWebACLForResource"], resources = [local.web_acl, local.stage], reason = local.stage_by_id },
  ]

  waf_change = [
    { actions = ["wafv2:TagResource", "wafv2:UntagResource"], resources = [local.web_acl], reason = local.web_acl_id },
    {
      actions   = ["wafv2:CreateWebACL", "wafv2:UpdateWebACL"]
      resources = [local.web_acl, "arn:${local.p}:wafv2:${local.r}:${local.a}:regional/managedruleset/*"]
      reason    = "WAF chooses the id behind the name, and AWS names the rule sets that it manages"
    },
    { actions = ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"], resources = [local.web_acl, local.stage], reason = local.stage_by_id },
    { actions = ["apigateway:SetWebACL"], resources = [local.stage], condition = local.tagged, reason = local.because.api_id },
  ]
}
