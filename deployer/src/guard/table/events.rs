//! What starts functions besides an API: queues, topics, buses, schedules, streams, workflows.

use super::Part::{Aid, Grant, InPath, Record};
use super::When::{AllowsLess, Changes, Created, Loses, Lowered, TurnsOff};
use super::{PEAK, Row, UNUSED, cut, loss, of, warning};

const LOST: &str = "its messages are lost, and senders and readers fail";
const REFUSED: &str = "callers that it allowed are refused";
const ALLOWS: &str = "callers that it allows are refused";
const STARTS: &str = "it no longer starts anything";
const BESIDE: &str = "add a second one beside it, apply, then remove the old one with `--retired`";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_sqs_queue",
        InPath,
        LOST,
        &[
            loss(
                "visibility_timeout_seconds",
                Lowered,
                "messages that are still being processed are delivered again",
                PEAK,
            ),
            loss("message_retention_seconds", Lowered, "messages that wait longer are dropped", PEAK),
            loss("max_message_size", Lowered, "bigger messages are refused", PEAK),
            loss("redrive_policy", Changes, "failed messages go elsewhere, or are delivered again forever", UNUSED),
            loss("policy", AllowsLess, REFUSED, UNUSED),
            warning("kms_master_key_id", Changes, "senders and readers need the new key's permissions at once"),
            warning("delay_seconds", Changes, "messages arrive later or sooner"),
        ],
    ),
    of("aws_sqs_queue_policy", Grant, ALLOWS, &[loss("policy", AllowsLess, REFUSED, UNUSED)]),
    of("aws_sqs_queue_redrive_policy", Aid, "failed messages are delivered again until they expire", &[]),
    of("aws_sqs_queue_redrive_allow_policy", Aid, "any queue may send its failed messages", &[]),
    of(
        "aws_sns_topic",
        InPath,
        "publishers fail and subscribers get nothing",
        &[
            loss("policy", AllowsLess, REFUSED, UNUSED),
            warning("kms_master_key_id", Changes, "publishers need the new key's permissions at once"),
        ],
    ),
    of("aws_sns_topic_policy", Grant, ALLOWS, &[loss("policy", AllowsLess, REFUSED, UNUSED)]),
    of(
        "aws_sns_topic_subscription",
        Grant,
        "its endpoint no longer gets messages",
        &[
            loss("filter_policy", Changes, "messages that it does not match are dropped", UNUSED),
            loss("filter_policy_scope", Changes, "messages that it does not match are dropped", UNUSED),
            loss("raw_message_delivery", Changes, "the live version gets events in another format", UNUSED),
        ],
    ),
    of("aws_cloudwatch_event_bus", InPath, "its rules are deleted with it, and senders fail", &[]),
    of("aws_cloudwatch_event_bus_policy", Grant, ALLOWS, &[loss("policy", AllowsLess, REFUSED, UNUSED)]),
    of("aws_cloudwatch_event_permission", Grant, ALLOWS, &[]),
    of(
        "aws_cloudwatch_event_rule",
        Grant,
        STARTS,
        &[
            loss("state", Changes, STARTS, UNUSED),
            loss("is_enabled", TurnsOff, STARTS, UNUSED),
            loss("event_pattern", Changes, "events that it does not match no longer start anything", UNUSED),
            warning("schedule_expression", Changes, "it starts at other times"),
        ],
    ),
    of(
        "aws_cloudwatch_event_target",
        Grant,
        "its target is no longer started",
        &[
            cut("arn", Changes, "starts another function or alias at once", BESIDE),
            warning("input", Changes, "the live version gets other events"),
            warning("input_path", Changes, "the live version gets other events"),
            warning("input_transformer", Changes, "the live version gets other events"),
            warning("role_arn", Changes, "the new role must be allowed to start the target"),
            loss("dead_letter_config", Changes, "events that fail go elsewhere, or nowhere", UNUSED),
        ],
    ),
    of(
        "aws_cloudwatch_event_api_destination",
        InPath,
        "its rules no longer reach the address",
        &[loss("invocation_rate_limit_per_second", Lowered, "events above it wait", PEAK)],
    ),
    of("aws_cloudwatch_event_connection", InPath, "its destinations cannot sign in", &[]),
    of("aws_cloudwatch_event_archive", Record, "its events cannot be replayed", &[]),
    of(
        "aws_scheduler_schedule",
        Grant,
        STARTS,
        &[
            loss("state", Changes, STARTS, UNUSED),
            cut("target/arn", Changes, "starts another function or alias at once", BESIDE),
            warning("target/input", Changes, "the live version gets other events"),
            warning("target/role_arn", Changes, "the new role must be allowed to start the target"),
            warning("schedule_expression", Changes, "it starts at other times"),
            warning("schedule_expression_timezone", Changes, "it starts at other times"),
        ],
    ),
    of("aws_scheduler_schedule_group", InPath, "its schedules are deleted with it", &[]),
    of(
        "aws_pipes_pipe",
        Grant,
        "events of its source no longer reach its target",
        &[
            loss("desired_state", Changes, "events of its source wait, and expire", UNUSED),
            cut("target", Changes, "sends all events to another target at once", BESIDE),
            warning("enrichment", Changes, "another function changes the events at once"),
        ],
    ),
    of(
        "aws_kinesis_stream",
        InPath,
        LOST,
        &[
            loss("shard_count", Lowered, "records above its rate are refused", PEAK),
            loss("retention_period", Lowered, "records that were not read yet are lost", PEAK),
            warning("kms_key_id", Changes, "senders and readers need the new key's permissions at once"),
            warning("encryption_type", Changes, "senders and readers need the new key's permissions at once"),
        ],
    ),
    of("aws_kinesis_stream_consumer", InPath, "event source mappings of it read nothing", &[]),
    of("aws_kinesis_resource_policy", Grant, ALLOWS, &[loss("policy", AllowsLess, REFUSED, UNUSED)]),
    of("aws_kinesis_firehose_delivery_stream", InPath, LOST, &[]),
    of("aws_msk_cluster", InPath, LOST, &[]),
    of("aws_msk_serverless_cluster", InPath, LOST, &[]),
    of("aws_mq_broker", InPath, LOST, &[]),
    of(
        "aws_sfn_state_machine",
        InPath,
        "what starts it fails, and running executions end",
        &[
            warning("definition", Changes, "new executions run it at once, without any check"),
            warning("role_arn", Changes, "the new role may lack permissions of the old one"),
        ],
    ),
    of(
        "aws_sfn_alias",
        InPath,
        "what starts the state machine by it fails",
        &[cut("routing_configuration", Changes, "new executions run another version at once", BESIDE)],
    ),
    of(
        "aws_cognito_user_pool",
        InPath,
        "its users are lost, and sign-ins fail",
        &[loss("lambda_config", Changes, "sign-ins call another function at once", UNUSED)],
    ),
    of(
        "aws_cognito_user_pool_client",
        InPath,
        "sign-ins with it fail, and a new one has another id",
        &[
            loss("callback_urls", Loses, "sign-ins that return there are refused", UNUSED),
            loss("explicit_auth_flows", Loses, "sign-ins of the kind are refused", UNUSED),
            loss("allowed_oauth_scopes", Loses, "sign-ins that ask for the scope are refused", UNUSED),
        ],
    ),
    of("aws_cognito_user_pool_domain", InPath, "its sign-in pages are gone", &[]),
    of(
        "aws_cognito_resource_server",
        InPath,
        "tokens with its scopes are no longer issued",
        &[loss("scope", Loses, "sign-ins that ask for the scope are refused", UNUSED)],
    ),
    of("aws_cognito_identity_provider", InPath, "sign-ins with it fail", &[]),
    of("aws_cognito_identity_pool", InPath, "clients get no credentials", &[]),
    of(
        "aws_cognito_identity_pool_roles_attachment",
        Grant,
        "clients get no credentials",
        &[loss("roles", Loses, "clients get other credentials, or none", UNUSED)],
    ),
    of(
        "aws_cloudwatch_log_subscription_filter",
        Grant,
        "log lines no longer reach its target",
        &[
            cut("destination_arn", Changes, "sends log lines to another target at once", BESIDE),
            warning("filter_pattern", Changes, "other log lines reach its target"),
        ],
    ),
    of(
        "aws_ses_receipt_rule",
        Grant,
        "mails no longer start anything",
        &[
            loss("enabled", TurnsOff, "mails no longer start anything", UNUSED),
            warning("lambda_action", Created, "mails start the function at once"),
        ],
    ),
    of(
        "aws_appsync_graphql_api",
        InPath,
        "the whole API is deleted, and a new one has another address",
        &[
            cut("authentication_type", Changes, "clients that sign in another way are refused", {
                "add the new one to `additional_authentication_provider` first, and move the clients"
            }),
            loss("additional_authentication_provider", Loses, "clients that sign in with it are refused", UNUSED),
            warning("schema", Changes, "it is live at once, without any check"),
        ],
    ),
    of(
        "aws_appsync_resolver",
        InPath,
        "its fields fail at once",
        &[warning("data_source", Changes, "its fields come from elsewhere at once")],
    ),
    of(
        "aws_appsync_datasource",
        InPath,
        "its resolvers fail at once",
        &[cut("lambda_config", Changes, "calls another function or alias at once", BESIDE)],
    ),
    of("aws_appsync_function", InPath, "its resolvers fail at once", &[]),
    of("aws_appsync_api_key", InPath, "clients with it are refused, and a new one has another value", &[]),
];
