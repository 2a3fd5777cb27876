//! What is between clients and an API: names, certificates, firewalls, CloudFront.

use super::Part::{Aid, Grant, InPath};
use super::When::{Appears, Changes, Created, Loses, Lowered, TurnsOff, TurnsOn};
use super::{PEAK, Row, UNUSED, cut, loss, of, warning};

const ELSEWHERE: &str = "clients of the name go elsewhere as their DNS caches expire";
const NAME_WAY: &str = "add a second name, or a weighted record beside this one, and move clients first";
const WALL: &str = "what it protected gets all requests, unfiltered";
const REFUSES: &str = "it may block clients: run its rules in count mode for some days first";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_route53_record",
        InPath,
        "the name does not resolve",
        &[
            cut("allow_overwrite", Created, "takes the place of a record that exists", {
                "import the record, so that the plan shows what changes"
            }),
            cut("records", Loses, ELSEWHERE, NAME_WAY),
            cut("alias", Changes, ELSEWHERE, NAME_WAY),
            cut("weighted_routing_policy", Changes, ELSEWHERE, NAME_WAY),
            warning("health_check_id", Changes, "the name resolves to another record while the check fails"),
        ],
    ),
    of(
        "aws_route53_zone",
        InPath,
        "none of its names resolves, and a new one has other name servers",
        &[loss("vpc", Loses, "functions in the VPC cannot resolve its names", UNUSED)],
    ),
    of("aws_route53_zone_association", Grant, "functions in the VPC cannot resolve the zone's names", &[]),
    of(
        "aws_route53_records_exclusive",
        Aid,
        "nothing: the records stay",
        &[
            loss("resource_record_set", Loses, "the name does not resolve", UNUSED),
            warning("resource_record_set", Created, "removes the zone's records that it does not name"),
        ],
    ),
    of(
        "aws_route53_health_check",
        Grant,
        "records that name it count as healthy",
        &[
            warning("disabled", TurnsOn, "records that name it count as healthy"),
            warning("invert_healthcheck", Changes, "records that name it switch between healthy and unhealthy at once"),
        ],
    ),
    of("aws_route53_delegation_set", InPath, "its zones get other name servers", &[]),
    of("aws_route53_key_signing_key", InPath, "resolvers that check signatures refuse the zone", &[]),
    of(
        "aws_route53_hosted_zone_dnssec",
        InPath,
        "resolvers that check signatures refuse the zone",
        &[cut("signing_status", Changes, "resolvers that check signatures refuse the zone", {
            "remove the delegation signer at the parent zone first, and wait until it has expired everywhere"
        })],
    ),
    of("aws_acm_certificate", Grant, "what uses it has no certificate", &[]),
    of("aws_acm_certificate_validation", Aid, "nothing: the certificate stays valid", &[]),
    of(
        "aws_wafv2_web_acl",
        InPath,
        WALL,
        &[
            warning("default_action", Changes, REFUSES),
            warning("rule", Changes, REFUSES),
            warning("rule_json", Changes, REFUSES),
        ],
    ),
    of("aws_wafv2_web_acl_association", Grant, WALL, &[warning("resource_arn", Created, REFUSES)]),
    of("aws_wafv2_ip_set", InPath, "rules that name it fail", &[warning("addresses", Changes, REFUSES)]),
    of(
        "aws_wafv2_regex_pattern_set",
        InPath,
        "rules that name it fail",
        &[warning("regular_expression", Changes, REFUSES)],
    ),
    of("aws_wafv2_rule_group", InPath, "web ACLs that name it fail", &[warning("rule", Changes, REFUSES)]),
    of("aws_wafv2_web_acl_logging_configuration", Aid, "what it refuses is not logged", &[]),
    of(
        "aws_wafregional_web_acl",
        InPath,
        WALL,
        &[warning("default_action", Changes, REFUSES), warning("rule", Changes, REFUSES)],
    ),
    of("aws_wafregional_web_acl_association", Grant, WALL, &[warning("resource_arn", Created, REFUSES)]),
    of("aws_shield_protection", Grant, "it is no longer protected from DDoS attacks", &[]),
    of(
        "aws_cloudfront_distribution",
        InPath,
        "its address no longer responds, and a new one takes minutes",
        &[
            cut(
                "enabled",
                TurnsOff,
                "clients are refused",
                "move clients to another distribution first, then remove this one",
            ),
            cut("aliases", Loses, "clients of the name are refused", NAME_WAY),
            warning("origin", Changes, "clients reach another origin within minutes"),
            warning("default_cache_behavior", Changes, "clients get other responses within minutes"),
            warning("ordered_cache_behavior", Changes, "clients get other responses within minutes"),
            warning("custom_error_response", Changes, "error pages change within minutes"),
            warning("viewer_certificate", Changes, "clients get it within minutes: it must cover the names"),
            loss("restrictions", Changes, "clients of some countries are refused", UNUSED),
            warning("web_acl_id", Changes, REFUSES),
        ],
    ),
    of(
        "aws_cloudfront_function",
        InPath,
        "distributions that name it fail",
        &[
            warning("code", Changes, "it is live within seconds, without any check"),
            loss("publish", TurnsOff, "later changes are not live", UNUSED),
        ],
    ),
    of(
        "aws_cloudfront_origin_access_control",
        InPath,
        "origins refuse the distribution",
        &[cut("signing_behavior", Changes, "origins that require signatures refuse the distribution", {
            "add a second one, and move the origin to it"
        })],
    ),
    of("aws_cloudfront_origin_access_identity", InPath, "origins refuse the distribution", &[]),
    of(
        "aws_cloudfront_cache_policy",
        InPath,
        "distributions that name it cannot be changed",
        &[
            warning("parameters_in_cache_key_and_forwarded_to_origin", Changes, "functions get other requests"),
            warning("default_ttl", Lowered, "more requests reach the functions"),
        ],
    ),
    of(
        "aws_cloudfront_origin_request_policy",
        InPath,
        "distributions that name it cannot be changed",
        &[
            warning("headers_config", Changes, "functions get other headers"),
            warning("query_strings_config", Changes, "functions get other queries"),
            warning("cookies_config", Changes, "functions get other cookies"),
        ],
    ),
    of(
        "aws_cloudfront_response_headers_policy",
        InPath,
        "distributions that name it cannot be changed",
        &[loss("cors_config", Changes, "browsers may refuse responses to pages of other origins", UNUSED)],
    ),
    of(
        "aws_cloudfront_key_group",
        InPath,
        "signed addresses are refused",
        &[loss("items", Loses, "addresses signed with the key are refused", UNUSED)],
    ),
    of("aws_cloudfront_public_key", InPath, "addresses signed with it are refused", &[]),
    of("aws_cloudfront_key_value_store", InPath, "functions that read it fail", &[]),
    of("aws_cloudfront_vpc_origin", InPath, "distributions no longer reach the origin", &[]),
    of(
        "aws_budgets_budget",
        Aid,
        "alerts about the stack's costs stop",
        &[warning("limit_amount", Lowered, "actions of the budget may stop the stack")],
    ),
    of("aws_budgets_budget_action", Aid, "the budget no longer stops anything", &[]),
    of(
        "aws_servicequotas_service_quota",
        Aid,
        "nothing: the quota stays",
        &[loss("value", Lowered, "requests above it are throttled", PEAK)],
    ),
    of(
        "aws_appconfig_deployment",
        InPath,
        "nothing: the configuration stays",
        &[warning("configuration_version", Created, "functions read another configuration, without any check")],
    ),
    of("aws_appconfig_hosted_configuration_version", Grant, "deployments of it fail", &[]),
    of("aws_appconfig_environment", InPath, "functions read no configuration", &[]),
    of("aws_appconfig_configuration_profile", InPath, "functions read no configuration", &[]),
    of(
        "aws_appconfig_application",
        InPath,
        "functions read no configuration",
        &[warning("name", Changes, "functions that read it by its name find nothing")],
    ),
    of(
        "aws_shield_application_layer_automatic_response",
        Aid,
        "DDoS attacks are no longer mitigated automatically",
        &[warning("action", Appears, REFUSES)],
    ),
];
