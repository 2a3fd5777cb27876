//! Lambda. A function's code and settings change `$LATEST` only, which no alias names.

use super::Part::{Aid, Grant, InPath, Record};
use super::When::{Changes, Created, Loses, Lowered, Stops, TurnsOff};
use super::{PEAK, RELEASES, Row, UNUSED, cut, loss, of, warning};

const CODE: &str = "replaces the code of `$LATEST`, which belongs to releases: the next one uploads it again";

const CALLERS: &str = "callers that only the old one allows get an error";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_lambda_function",
        InPath,
        "all its versions and aliases go with it, and every request to it fails",
        &[
            cut("reserved_concurrent_executions", Stops, "0 stops the function: every request is throttled", {
                "move the traffic away first, or remove the resource with `--retired`"
            }),
            loss("reserved_concurrent_executions", Lowered, "requests above the limit are throttled at once", PEAK),
            warning("publish", TurnsOff, "a new alias would have no published version to name"),
            warning("filename", Changes, CODE),
            warning("image_uri", Changes, CODE),
            warning("s3_bucket", Changes, CODE),
            warning("s3_key", Changes, CODE),
            warning("s3_object_version", Changes, CODE),
            warning("source_code_hash", Changes, CODE),
            warning("code_signing_config_arn", Changes, "a release without the required signature fails to upload"),
        ],
    ),
    of(
        "aws_lambda_alias",
        InPath,
        "what calls the function by it gets an error",
        &[
            cut(
                "function_version",
                Changes,
                "moves all traffic to another version at once, without any check",
                RELEASES,
            ),
            cut("routing_config", Changes, "shifts traffic between versions, without any check", RELEASES),
        ],
    ),
    of(
        "aws_lambda_permission",
        Grant,
        "callers that it allows get an error",
        &[
            loss("principal", Changes, CALLERS, UNUSED),
            loss("source_arn", Changes, CALLERS, UNUSED),
            loss("source_account", Changes, CALLERS, UNUSED),
            loss("qualifier", Changes, CALLERS, UNUSED),
            loss("function_name", Changes, CALLERS, UNUSED),
            loss("action", Changes, CALLERS, UNUSED),
        ],
    ),
    of(
        "aws_lambda_event_source_mapping",
        Grant,
        "events of its source no longer reach the function",
        &[
            loss("enabled", TurnsOff, "events of its source wait, and expire", UNUSED),
            cut("function_name", Changes, "sends all events to another function or alias at once", {
                "let it name the alias, which releases move; for another function add a second mapping"
            }),
            loss("filter_criteria", Changes, "events that no filter matches are dropped for good", UNUSED),
            loss("scaling_config/maximum_concurrency", Lowered, "events are processed more slowly, and pile up", PEAK),
            loss(
                "provisioned_poller_config/maximum_pollers",
                Lowered,
                "events are read more slowly, and pile up",
                PEAK,
            ),
            loss("topics", Loses, "events of the topic are no longer read", UNUSED),
            loss("queues", Loses, "events of the queue are no longer read", UNUSED),
        ],
    ),
    of(
        "aws_lambda_function_url",
        InPath,
        "its address no longer responds, and a new one has another address",
        &[
            cut(
                "authorization_type",
                Changes,
                "unsigned requests are refused, or all requests are accepted",
                "add a second URL on another alias, move the callers, then remove the old one with `--retired`",
            ),
            cut("invoke_mode", Changes, "changes the form of responses for the version that is live", {
                "release code that can do both first, on an alias and a URL of its own"
            }),
            loss("cors/allow_origins", Loses, "browsers refuse responses to pages of the origin", UNUSED),
            loss("cors/allow_methods", Loses, "browsers refuse requests with the method", UNUSED),
            loss("cors/allow_headers", Loses, "browsers refuse requests with the header", UNUSED),
            loss("cors/allow_credentials", TurnsOff, "browsers refuse responses to requests with credentials", UNUSED),
        ],
    ),
    of(
        "aws_lambda_provisioned_concurrency_config",
        Aid,
        "requests meet cold starts, or the account's limit",
        &[loss("provisioned_concurrent_executions", Lowered, "requests above it meet cold starts", PEAK)],
    ),
    of(
        "aws_lambda_function_event_invoke_config",
        Aid,
        "failed events are retried and kept by Lambda's defaults",
        &[
            loss("destination_config", Changes, "results or failed events go elsewhere, or nowhere", UNUSED),
            loss("maximum_event_age_in_seconds", Lowered, "events that wait longer are dropped", PEAK),
            warning("maximum_retry_attempts", Lowered, "failed events are tried less often"),
        ],
    ),
    of("aws_lambda_layer_version", Aid, "published versions keep it, and no new version can be published with it", &[]),
    of("aws_lambda_layer_version_permission", Aid, "functions of other accounts cannot be updated with the layer", &[]),
    of(
        "aws_lambda_code_signing_config",
        Aid,
        "uploads are no longer checked for a signature",
        &[
            warning("allowed_publishers", Changes, "a release without the required signature fails to upload"),
            warning("policies", Changes, "a release without the required signature fails to upload"),
        ],
    ),
    of(
        "aws_lambda_function_recursion_config",
        Record,
        "Lambda stops loops by its default",
        &[warning("recursive_loop", Changes, "Lambda may stop what it takes for a loop")],
    ),
    of(
        "aws_lambda_runtime_management_config",
        Record,
        "runtimes are updated by Lambda's default",
        &[
            warning("update_runtime_on", Changes, "the runtime of the live version may change without a release"),
            warning("runtime_version_arn", Changes, "the runtime of the live version may change without a release"),
        ],
    ),
    of(
        "aws_lambda_invocation",
        Record,
        "nothing: the call is done",
        &[
            warning("input", Created, "calls the function during the apply"),
            warning("input", Changes, "calls the function during the apply"),
        ],
    ),
];
