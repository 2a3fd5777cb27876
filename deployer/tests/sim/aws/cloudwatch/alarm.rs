//! One alarm, and how DescribeAlarms writes it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::cbor::Cbor;
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
    pub(super) fn describe(&self, [name, arn]: &[&str; 2], state: State, moment: &Moment) -> Cbor {
        let since = self.set_at(moment.now).map_or(Duration::ZERO, |(at, _)| at);
        let time = |at: Duration| Cbor::Time((moment.epoch + at).as_millisecond() as f64 / 1000.0);
        let none = || Cbor::List(Vec::new());
        let Cbor::Map(mut pairs) = Cbor::map([
            ("AlarmName", (*name).into()),
            ("AlarmArn", (*arn).into()),
            ("AlarmConfigurationUpdatedTimestamp", time(Duration::ZERO)),
            ("ActionsEnabled", Cbor::Bool(true)),
            ("OKActions", none()),
            ("AlarmActions", none()),
            ("InsufficientDataActions", none()),
            ("StateValue", state.text().into()),
            ("StateReason", self.reason(state).into()),
            ("StateUpdatedTimestamp", time(since)),
            ("StateTransitionedTimestamp", time(since)),
        ]) else {
            return Cbor::Null;
        };
        let own = match &self.kind {
            Kind::Metric(metric) => Cbor::Map(watched(metric).into_iter().chain(compared(metric)).collect()),
            // The periods are those of the metrics: the alarm itself names none.
            Kind::Math(expression, metrics) => {
                let first = metrics.first().map(|(_, metric)| metric.clone()).unwrap_or_default();
                let own = [("Metrics".to_owned(), math(expression, metrics))];
                Cbor::Map(own.into_iter().chain(compared(&first)).collect())
            }
            Kind::Composite(rule) => Cbor::map([("AlarmRule", rule.as_str().into())]),
        };
        if let Cbor::Map(own) = own {
            pairs.extend(own);
        }
        Cbor::Map(pairs)
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

fn watched(metric: &Metric) -> Vec<(String, Cbor)> {
    let Cbor::Map(pairs) = Cbor::map([
        ("MetricName", metric.name.as_str().into()),
        ("Namespace", metric.namespace.as_str().into()),
        ("Statistic", metric.statistic.as_str().into()),
        ("Dimensions", dimensions(metric)),
        ("Period", Cbor::Int(i64::from(metric.period))),
    ]) else {
        return Vec::new();
    };
    pairs
}

fn compared(metric: &Metric) -> Vec<(String, Cbor)> {
    let Cbor::Map(pairs) = Cbor::map([
        ("EvaluationPeriods", Cbor::Int(i64::from(metric.evaluation_periods))),
        ("Threshold", Cbor::Float(metric.threshold)),
        ("ComparisonOperator", "GreaterThanOrEqualToThreshold".into()),
        ("TreatMissingData", "notBreaching".into()),
    ]) else {
        return Vec::new();
    };
    pairs
}

fn dimensions(metric: &Metric) -> Cbor {
    let pair = |(name, value): (&String, &String)| {
        Cbor::map([("Name", name.as_str().into()), ("Value", value.as_str().into())])
    };
    Cbor::List(metric.dimensions.iter().map(pair).collect())
}

fn math(expression: &str, metrics: &[(String, Metric)]) -> Cbor {
    let queries = metrics.iter().map(|(id, metric)| {
        let what = Cbor::map([
            ("Namespace", metric.namespace.as_str().into()),
            ("MetricName", metric.name.as_str().into()),
            ("Dimensions", dimensions(metric)),
        ]);
        let stat = Cbor::map([
            ("Metric", what),
            ("Period", Cbor::Int(i64::from(metric.period))),
            ("Stat", metric.statistic.as_str().into()),
        ]);
        Cbor::map([("Id", id.as_str().into()), ("MetricStat", stat), ("ReturnData", Cbor::Bool(false))])
    });
    let result =
        Cbor::map([("Id", "result".into()), ("Expression", expression.into()), ("ReturnData", Cbor::Bool(true))]);
    Cbor::List(queries.chain([result]).collect())
}
