//! API Gateway, HTTP and WebSocket. With auto-deploy every change is live at once.

use super::Part::{Aid, Grant, InPath};
use super::When::{Appears, Changes, Created, Loses, Lowered, TurnsOff, TurnsOn};
use super::{PEAK, RELEASES, Row, UNUSED, cut, loss, of, warning};

const BESIDE: &str = "add the new one beside the old one, under its own key; apply, then move the route to it";
const MAPPED: &str = "clients of the domain reach another API at once";
const MAP_BESIDE: &str = "map the new one beside the old one, under a path or a domain of its own, then move clients";
const CALLS: &str = "with auto-deploy its routes call something else at once, without any check";
const REFUSES: &str = "with auto-deploy it refuses other requests at once";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_apigatewayv2_api",
        InPath,
        "the whole API is deleted, and a new one has another address",
        &[
            loss("disable_execute_api_endpoint", TurnsOn, "the default address returns 404 from then on", {
                "move clients and `custom_url` to a domain first, then apply it with `--retired`"
            }),
            loss("cors_configuration/allow_origins", Loses, "browsers refuse responses to pages of the origin", UNUSED),
            loss("cors_configuration/allow_methods", Loses, "browsers refuse requests with the method", UNUSED),
            loss("cors_configuration/allow_headers", Loses, "browsers refuse requests with the header", UNUSED),
            loss("cors_configuration/allow_credentials", TurnsOff, "browsers refuse requests with credentials", UNUSED),
            cut("route_key", Changes, "the old route gets 404 from then on", BESIDE),
            cut("target", Changes, CALLS, BESIDE),
            cut("route_selection_expression", Changes, "messages take other routes at once", BESIDE),
            warning("body", Created, "the whole definition is one document, which `guard` does not compare"),
            warning("body", Changes, "the whole definition is one document, which `guard` does not compare"),
        ],
    ),
    of(
        "aws_apigatewayv2_route",
        InPath,
        "its requests get 404 at once",
        &[
            cut("route_key", Changes, "the old route gets 404 from then on", {
                "add the new route beside the old one, under its own key; apply, then remove the old one with `--retired`"
            }),
            cut(
                "authorization_type",
                Changes,
                REFUSES,
                "add a route with the authorization beside the old one, move the callers",
            ),
            cut(
                "authorization_scopes",
                Changes,
                REFUSES,
                "add a route with the scopes beside the old one, move the callers",
            ),
            cut(
                "authorizer_id",
                Changes,
                REFUSES,
                "add a route with the authorizer beside the old one, move the callers",
            ),
            cut(
                "api_key_required",
                TurnsOn,
                REFUSES,
                "add a route that requires the key beside the old one, move the callers",
            ),
            warning("target", Changes, "its requests go to another integration at once"),
        ],
    ),
    of(
        "aws_apigatewayv2_integration",
        Grant,
        "its routes get 500 at once",
        &[
            cut("integration_uri", Changes, CALLS, BESIDE),
            cut("integration_type", Changes, CALLS, BESIDE),
            cut("integration_method", Changes, CALLS, BESIDE),
            cut("connection_id", Changes, CALLS, BESIDE),
            cut("credentials_arn", Changes, "the new role may lack permissions of the old one", BESIDE),
            cut("payload_format_version", Changes, "the live version gets events in another format", BESIDE),
            warning("request_parameters", Changes, "requests reach it with other changes"),
            warning("timeout_milliseconds", Lowered, "slow requests get 503"),
        ],
    ),
    of(
        "aws_apigatewayv2_authorizer",
        Grant,
        "its routes get 500 at once",
        &[
            cut("authorizer_uri", Changes, "another function decides at once who may call", BESIDE),
            cut("authorizer_payload_format_version", Changes, "its function gets events in another format", BESIDE),
            cut("identity_sources", Changes, REFUSES, BESIDE),
            cut("jwt_configuration", Changes, REFUSES, BESIDE),
        ],
    ),
    of(
        "aws_apigatewayv2_stage",
        InPath,
        "the API's address gets 404",
        &[
            cut(
                "deployment_id",
                Changes,
                "moves all clients to another definition at once, without any check",
                RELEASES,
            ),
            cut("stage_variables", Loses, "integrations that name an alias or an address by it fail at once", {
                "add a variable under a new name, move the integrations to it, then remove the old one"
            }),
            warning("auto_deploy", TurnsOff, "later changes of the API go live only when it is deployed"),
            warning("auto_deploy", TurnsOn, "every later change of the API goes live at once"),
            loss("default_route_settings/throttling_rate_limit", Lowered, "requests above it get 429", PEAK),
            loss("default_route_settings/throttling_burst_limit", Lowered, "requests above it get 429", PEAK),
            loss("route_settings", Changes, "other limits apply to its routes at once", PEAK),
        ],
    ),
    of("aws_apigatewayv2_deployment", Grant, "a stage that needs it fails", &[]),
    of(
        "aws_apigatewayv2_api_mapping",
        InPath,
        "clients of the domain get 403",
        &[
            cut("api_id", Changes, MAPPED, MAP_BESIDE),
            cut("stage", Changes, MAPPED, MAP_BESIDE),
            cut("api_mapping_key", Changes, "the old path gets 403 from then on", MAP_BESIDE),
        ],
    ),
    of(
        "aws_apigatewayv2_domain_name",
        InPath,
        "clients of the domain reach nothing, and a new one takes minutes",
        &[
            cut("mutual_tls_authentication", Appears, "clients without a certificate are refused from then on", {
                "add a second domain that requires certificates, move the clients, remove the old one"
            }),
            warning(
                "domain_name_configuration",
                Changes,
                "clients get the certificate at once: it must cover the name",
            ),
        ],
    ),
    of("aws_apigatewayv2_vpc_link", InPath, "integrations through it get 503", &[]),
    of("aws_apigatewayv2_model", Aid, "routes that name it fail", &[]),
    of("aws_apigatewayv2_integration_response", Aid, "callers of its routes get no response", &[]),
    of("aws_apigatewayv2_route_response", Aid, "callers of its routes get no response", &[]),
];
