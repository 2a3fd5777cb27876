//! API Gateway, REST. A stage serves a deployment, which is a copy of the definition: a change of the definition goes live with the
//! next release, through its checks. What is removed from the definition is missing in the next deployment.

use super::Part::{Aid, Grant, InPath, Record};
use super::When::{AllowsLess, Appears, Changes, Created, Loses, Lowered, TurnsOff, TurnsOn};
use super::{PEAK, RELEASES, Row, UNUSED, cut, loss, of, warning};

const MISSING: &str = "the next deployment of the API lacks it, while releases within retention need it";
const MAPPED: &str = "clients of the domain reach another API at once";
const MAP_BESIDE: &str = "map the new one beside the old one, under a path or a domain of its own, then move clients";
const MUTUAL: &str = "clients without a certificate are refused from then on";
const MUTUAL_WAY: &str = "add a second domain that requires certificates, move the clients, remove the old one";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_api_gateway_rest_api",
        InPath,
        "the whole API is deleted, and a new one has another address",
        &[
            loss("disable_execute_api_endpoint", TurnsOn, "the default address returns 403 from then on", {
                "move clients and `custom_url` to a domain first, then apply it with `--retired`"
            }),
            cut(
                "endpoint_configuration",
                Changes,
                "the API becomes reachable from elsewhere only, and for some minutes not at all",
                {
                    "make a second API beside this one, move clients by the domain, then remove the old one with `--retired`"
                },
            ),
            loss("policy", AllowsLess, "requests that it allowed get 403", UNUSED),
        ],
    ),
    of(
        "aws_api_gateway_rest_api_policy",
        Grant,
        "a private API refuses every request, and any other API none",
        &[
            warning("policy", Created, "requests that it does not allow get 403"),
            loss("policy", AllowsLess, "requests that it allowed get 403", UNUSED),
        ],
    ),
    of(
        "aws_api_gateway_rest_api_put",
        Record,
        "nothing: the import is done",
        &[
            warning("body", Created, "replaces or merges the API's whole definition, which `guard` does not compare"),
            warning("body", Changes, "replaces or merges the API's whole definition, which `guard` does not compare"),
        ],
    ),
    of("aws_api_gateway_resource", InPath, MISSING, &[]),
    of("aws_api_gateway_method", InPath, MISSING, &[]),
    of("aws_api_gateway_integration", InPath, MISSING, &[]),
    of("aws_api_gateway_method_response", Aid, MISSING, &[]),
    of("aws_api_gateway_integration_response", Aid, MISSING, &[]),
    of("aws_api_gateway_gateway_response", Aid, "errors of the gateway lose their headers, CORS ones too", &[]),
    of("aws_api_gateway_authorizer", Grant, "methods that use it return 500", &[]),
    of("aws_api_gateway_model", Aid, MISSING, &[]),
    of("aws_api_gateway_request_validator", Grant, MISSING, &[]),
    of(
        "aws_api_gateway_deployment",
        Grant,
        "a stage or a rollback that needs it fails",
        &[
            cut("stage_name", Created, "moves the stage to it at once, without any check", {
                "leave `stage_name` out: releases move the stage"
            }),
            cut("stage_name", Changes, "moves a stage to it at once, without any check", {
                "leave `stage_name` out: releases move the stage"
            }),
        ],
    ),
    of(
        "aws_api_gateway_stage",
        InPath,
        "the API's address returns 403",
        &[
            cut(
                "deployment_id",
                Changes,
                "moves all clients to another definition at once, without any check",
                RELEASES,
            ),
            cut(
                "canary_settings",
                Changes,
                "sends a share of the requests to another definition, without any check",
                "leave it out: releases shift traffic with the aliases",
            ),
            cut("variables", Loses, "integrations that name an alias or an address by it fail at once", {
                "add a variable under a new name, release a definition that uses it, then remove the old one"
            }),
            warning("client_certificate_id", Changes, "backends that expect the old certificate refuse the API"),
            warning("cache_cluster_enabled", TurnsOff, "every request reaches the functions"),
            warning("cache_cluster_enabled", TurnsOn, "responses may be older than the release"),
        ],
    ),
    of(
        "aws_api_gateway_method_settings",
        Record,
        "the account's limits apply instead",
        &[
            loss("settings/throttling_rate_limit", Lowered, "requests above it get 429", PEAK),
            loss("settings/throttling_burst_limit", Lowered, "requests above it get 429", PEAK),
            warning("settings/caching_enabled", TurnsOn, "responses may be older than the release"),
        ],
    ),
    of(
        "aws_api_gateway_usage_plan",
        Grant,
        "requests with its keys get 403",
        &[
            loss("api_stages", Loses, "requests with its keys get 403 there", UNUSED),
            loss("throttle_settings/rate_limit", Lowered, "requests above it get 429", PEAK),
            loss("throttle_settings/burst_limit", Lowered, "requests above it get 429", PEAK),
            loss("quota_settings/limit", Lowered, "requests above it get 429 for the rest of the period", PEAK),
        ],
    ),
    of("aws_api_gateway_usage_plan_key", Grant, "requests with the key get 403", &[]),
    of(
        "aws_api_gateway_api_key",
        InPath,
        "requests with it get 403, and a new one has another value",
        &[loss("enabled", TurnsOff, "requests with it get 403", UNUSED)],
    ),
    of("aws_api_gateway_client_certificate", Grant, "backends that require it refuse the API", &[]),
    of("aws_api_gateway_vpc_link", InPath, "integrations through it return 500", &[]),
    of(
        "aws_api_gateway_domain_name",
        InPath,
        "clients of the domain reach nothing, and a new one takes minutes",
        &[
            cut(
                "endpoint_configuration",
                Changes,
                "clients fail until DNS points the name at the new endpoint",
                MAP_BESIDE,
            ),
            cut("mutual_tls_authentication", Appears, MUTUAL, MUTUAL_WAY),
            warning("security_policy", Changes, "old clients may fail to connect"),
            warning("certificate_arn", Changes, "clients get it at once: it must cover the name"),
            warning("regional_certificate_arn", Changes, "clients get it at once: it must cover the name"),
            loss("policy", AllowsLess, "requests that it allowed get 403", UNUSED),
        ],
    ),
    of(
        "aws_api_gateway_base_path_mapping",
        InPath,
        "clients of the domain get 403",
        &[
            cut("api_id", Changes, MAPPED, MAP_BESIDE),
            cut("stage_name", Changes, MAPPED, MAP_BESIDE),
            cut("base_path", Changes, "the old path gets 403 from then on", MAP_BESIDE),
        ],
    ),
    of(
        "aws_api_gateway_domain_name_access_association",
        Grant,
        "its endpoint no longer reaches the private domain",
        &[],
    ),
    of(
        "aws_api_gateway_account",
        Record,
        "no stage of the region can write logs",
        &[warning("cloudwatch_role_arn", Changes, "the region has only one: the logs of all its APIs depend on it")],
    ),
];
