//! What releases and operators watch.

use super::Part::{Aid, Grant, Record};
use super::When::{AllowsLess, Changes, TurnsOff};
use super::{Row, UNUSED, loss, of, warning};

const BLIND: &str = "it may miss a bad release";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_cloudwatch_metric_alarm",
        Aid,
        "it no longer catches a bad release, and releases are refused while the stack contract names it",
        &[
            warning("dimensions", Changes, BLIND),
            warning("threshold", Changes, BLIND),
            warning("metric_query", Changes, BLIND),
            warning("metric_name", Changes, BLIND),
            warning("treat_missing_data", Changes, BLIND),
            warning("period", Changes, "the watch time of releases may become too short"),
            warning("evaluation_periods", Changes, "the watch time of releases may become too short"),
            loss("actions_enabled", TurnsOff, "its notifications stop", UNUSED),
        ],
    ),
    of(
        "aws_cloudwatch_composite_alarm",
        Aid,
        "it no longer catches a bad release, and releases are refused while the stack contract names it",
        &[warning("alarm_rule", Changes, BLIND), loss("actions_enabled", TurnsOff, "its notifications stop", UNUSED)],
    ),
    of(
        "aws_cloudwatch_log_group",
        Record,
        "its log lines are lost, and a function that may not create one logs nothing",
        &[
            warning("retention_in_days", Changes, "older log lines may be lost"),
            warning("kms_key_id", Changes, "readers need the new key's permissions at once"),
        ],
    ),
    of(
        "aws_cloudwatch_log_resource_policy",
        Grant,
        "services that it allows write no logs",
        &[loss("policy_document", AllowsLess, "services that it allowed write no logs", UNUSED)],
    ),
    of(
        "aws_cloudwatch_log_metric_filter",
        Aid,
        "alarms on its metric have no data",
        &[
            warning("pattern", Changes, "alarms on its metric watch something else"),
            warning("metric_transformation", Changes, "alarms on its metric watch something else"),
        ],
    ),
];
