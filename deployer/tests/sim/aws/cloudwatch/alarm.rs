//! One alarm, and how DescribeAlarms writes it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::query::{members, tag};
use super::super::wire::Moment;

/// The state of an alarm.
#[derive(Clone, Debug, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Ok,
    Alarm,
    InsufficientData,
}

impl State {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// What an alarm of a metric looks at.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) statistic: String,
    pub(crate) dimensions: BTreeMap<String, String>,
    /// In seconds.
    pub(crate) period: u32,
    /// How many periods count at once.
    pub(crate) evaluation_periods: u32,
    pub(crate) threshold: f64,
}

impl Default for Metric {
    fn default() -> Self {
        Self {
            namespace: "AWS/Lambda".to_owned(),
            name: "Errors".to_owned(),
            statistic: "Sum".to_owned(),
            dimensions: BTreeMap::new(),
            period: 60,
            evaluation_periods: 1,
            threshold: 1.0,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Metric(Metric),
    /// The expression, and its metrics by their ids.
    Math(String, Vec<(String, Metric)>),
    /// The rule.
    Composite(String),
}

impl Kind {
    /// As `AlarmTypes` names it.
    pub(super) fn name(&self) -> &'static str {
        if matches!(self, Self::Composite(_)) { "CompositeAlarm" } else { "MetricAlarm" }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Alarm {
    pub(super) kind: Kind,
    /// From when on it has which state, in order.
    pub(super) states: Vec<(Duration, State)>,
}

impl Alarm {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, states: Vec::new() }
    }

    /// The state that was set for this time, and since when.
    pub(super) fn set_at(&self, now: Duration) -> Option<(Duration, State)> {
        self.states.iter().rev().find(|(at, _)| *at <= now).copied()
    }

    /// As DescribeAlarms writes it; `[name, arn]` are its own.
    pub(super) fn describe(&self, [name, arn]: &[&str; 2], state: State, moment: &Moment) -> String {
        let since = self.set_at(moment.now).map_or(Duration::ZERO, |(at, _)| at);
        let time = |at: Duration| (moment.epoch + at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let own = match &self.kind {
            Kind::Metric(metric) => watched(metric) + &compared(metric),
            // The periods are those of the metrics: the alarm itself names none.
            Kind::Math(expression, metrics) => {
                let first = metrics.first().map(|(_, metric)| metric.clone()).unwrap_or_default();
                math(expression, metrics) + &compared(&first)
            }
            Kind::Composite(rule) => tag("AlarmRule", rule),
        };
        [
            tag("AlarmName", name),
            tag("AlarmArn", arn),
            tag("AlarmConfigurationUpdatedTimestamp", &time(Duration::ZERO)),
            tag("ActionsEnabled", "true"),
            members("OKActions", []),
            members("AlarmActions", []),
            members("InsufficientDataActions", []),
            tag("StateValue", state.text()),
            tag("StateReason", self.reason(state)),
            tag("StateUpdatedTimestamp", &time(since)),
            tag("StateTransitionedTimestamp", &time(since)),
            own,
        ]
        .concat()
    }

    fn reason(&self, state: State) -> &'static str {
        match (&self.kind, state) {
            (Kind::Composite(_), _) => "The states of its alarms changed.",
            (_, State::Ok) => "Threshold Crossed: 1 datapoint was not greater than or equal to the threshold.",
            (_, State::Alarm) => "Threshold Crossed: 1 datapoint was greater than or equal to the threshold.",
            (_, State::InsufficientData) if self.states.is_empty() => "Unchecked: Initial alarm creation",
            (_, State::InsufficientData) => "Insufficient Data: 1 datapoint was unknown.",
        }
    }
}

fn watched(metric: &Metric) -> String {
    [
        tag("MetricName", &metric.name),
        tag("Namespace", &metric.namespace),
        tag("Statistic", &metric.statistic),
        dimensions(metric),
        tag("Period", &metric.period.to_string()),
    ]
    .concat()
}

fn compared(metric: &Metric) -> String {
    [
        tag("EvaluationPeriods", &metric.evaluation_periods.to_string()),
        tag("Threshold", &format!("{:?}", metric.threshold)),
        tag("ComparisonOperator", "GreaterThanOrEqualToThreshold"),
        tag("TreatMissingData", "notBreaching"),
    ]
    .concat()
}

fn dimensions(metric: &Metric) -> String {
    let pair = |(name, value): (&String, &String)| tag("Name", name) + &tag("Value", value);
    members("Dimensions", metric.dimensions.iter().map(pair))
}

fn math(expression: &str, metrics: &[(String, Metric)]) -> String {
    let queries = metrics.iter().map(|(id, metric)| {
        let what = [tag("Namespace", &metric.namespace), tag("MetricName", &metric.name), dimensions(metric)].concat();
        let [period, stat] = [tag("Period", &metric.period.to_string()), tag("Stat", &metric.statistic)];
        let stat = format!("<MetricStat><Metric>{what}</Metric>{period}{stat}</MetricStat>");
        [tag("Id", id), stat, tag("ReturnData", "false")].concat()
    });
    let result = [tag("Id", "result"), tag("Expression", expression), tag("ReturnData", "true")].concat();
    members("Metrics", queries.chain([result]))
}
