//! What clients meet before an API: names, certificates, firewalls, CloudFront.

use super::Part::{Aid, Grant, InPath};
use super::When::{Appears, Changes, Created, Loses, Lowered, TurnsOff, TurnsOn};
use super::{PEAK, Row, UNUSED, cut, loss, of, warning};

const ELSEWHERE: &str = "clients of the name go elsewhere, each as soon as what it remembers expires";
const NAME_WAY: &str = "add a second name, or a weighted record beside this one, and move clients first";
const WALL: &str = "the firewall lets everything through to what it protected";
const REFUSES: &str = "it may refuse clients: let its rules count for some days first";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_route53_record",
        InPath,
        "clients do not find the name",
        &[
            cut("allow_overwrite", Created, "takes the place of a record that exists", {
                "import the record, so that the plan shows what changes"
            }),
            cut("records", Loses, ELSEWHERE, NAME_WAY),
            cut("alias", Changes, ELSEWHERE, NAME_WAY),
            cut("weighted_routing_policy", Changes, ELSEWHERE, NAME_WAY),
            warning("health_check_id", Changes, "the name is answered by another record while the check fails"),
        ],
    ),
    of(
        "aws_route53_zone",
        InPath,
        "nobody finds any name of it, and a new one has other name servers",
        &[loss("vpc", Loses, "functions of the VPC do not find its names", UNUSED)],
    ),
    of("aws_route53_zone_association", Grant, "functions of the VPC do not find the zone's names", &[]),
    of(
        "aws_route53_records_exclusive",
        Aid,
        "nothing: the records stay",
        &[
            loss("resource_record_set", Loses, "clients do not find the name", UNUSED),
            warning("resource_record_set", Created, "removes the zone's records that it does not name"),
        ],
    ),
    of(
        "aws_route53_health_check",
        Grant,
        "records that name it count as healthy",
        &[
            warning("disabled", TurnsOn, "records that name it count as healthy"),
            warning("invert_healthcheck", Changes, "records that name it change sides at once"),
        ],
    ),
    of("aws_route53_delegation_set", InPath, "its zones are found by other name servers", &[]),
    of("aws_route53_key_signing_key", InPath, "resolvers that check signatures refuse the zone", &[]),
    of(
        "aws_route53_hosted_zone_dnssec",
        InPath,
        "resolvers that check signatures refuse the zone",
        &[cut("signing_status", Changes, "resolvers that check signatures refuse the zone", {
            "remove the delegation signer at the parent zone first, and wait until it has expired everywhere"
        })],
    ),
    of("aws_acm_certificate", Grant, "what uses it cannot show who it is", &[]),
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
    of("aws_shield_protection", Grant, "it is not protected from floods", &[]),
    of(
        "aws_cloudfront_distribution",
        InPath,
        "its address answers no more, and a new one takes minutes",
        &[
            cut(
                "enabled",
                TurnsOff,
                "clients are refused",
                "move clients to another distribution first, then remove this one",
            ),
            cut("aliases", Loses, "clients of the name are refused", NAME_WAY),
            warning("origin", Changes, "clients reach something else within minutes"),
            warning("default_cache_behavior", Changes, "clients are served otherwise within minutes"),
            warning("ordered_cache_behavior", Changes, "clients are served otherwise within minutes"),
            warning("custom_error_response", Changes, "errors are shown otherwise within minutes"),
            warning("viewer_certificate", Changes, "clients see it within minutes: it has to cover the names"),
            loss("restrictions", Changes, "clients of some countries are refused", UNUSED),
            warning("web_acl_id", Changes, REFUSES),
        ],
    ),
    of(
        "aws_cloudfront_function",
        InPath,
        "distributions that name it fail",
        &[
            warning("code", Changes, "it is live within seconds, past every check"),
            loss("publish", TurnsOff, "later changes are not live", UNUSED),
        ],
    ),
    of(
        "aws_cloudfront_origin_access_control",
        InPath,
        "origins refuse the distribution",
        &[cut("signing_behavior", Changes, "origins that ask for signatures refuse the distribution", {
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
    of("aws_cloudfront_vpc_origin", InPath, "distributions reach the origin no more", &[]),
    of(
        "aws_budgets_budget",
        Aid,
        "nobody hears what the stack costs",
        &[warning("limit_amount", Lowered, "actions of the budget may stop the stack")],
    ),
    of("aws_budgets_budget_action", Aid, "the budget stops nothing any more", &[]),
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
        &[warning("configuration_version", Created, "functions read another configuration, past every check")],
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
        "floods are not stopped by themselves",
        &[warning("action", Appears, REFUSES)],
    ),
];
