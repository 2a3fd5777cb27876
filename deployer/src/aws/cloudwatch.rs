//! CloudWatch: the alarms that detect a bad release.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, MetricAlarm, MetricDataQuery, StateValue};
use futures::future::try_join_all;
use serde::Serialize;

use super::{AwsError, Calls, clients};

/// The most names and the most alarms of one call.
const PAGE: i32 = 100;

/// Looks at the alarms of one account and region.
#[derive(Debug, Clone)]
pub struct CloudWatch(aws_sdk_cloudwatch::Client);

/// The state of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// It is not.
    InAlarm,
    /// It has too little data.
    InsufficientData,
}

/// One alarm, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
    /// How long it looks at once, in seconds; 0 if AWS does not say.
    pub period_seconds: u64,
    /// How many such periods it looks at; 0 if AWS does not say.
    pub evaluations: u64,
    /// What its metric is restricted to.
    pub dimensions: BTreeMap<String, String>,
    /// The alarms that a composite one is made of.
    pub children: BTreeSet<String>,
}

impl CloudWatch {
    pub(super) fn new(shared: &SdkConfig, calls: &Calls) -> Self {
        let (read, _) = clients!(aws_sdk_cloudwatch, shared, calls);
        Self(read)
    }

    /// The alarms of these names, by name, composite ones too. One that does not exist is simply not there.
    pub async fn states(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        // Without any name AWS would list every alarm of the account.
        let pages = names.chunks(PAGE.unsigned_abs() as usize).map(|names| self.page(names));
        let mut alarms: Vec<Alarm> = try_join_all(pages).await?.into_iter().flatten().collect();
        alarms.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(alarms)
    }

    /// The same, and how long composite ones take to go into ALARM.
    pub async fn timed(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        let mut alarms = self.states(names).await?;
        self.take_times_of_children(&mut alarms).await?;
        Ok(alarms)
    }

    async fn page(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        let request = self.0.describe_alarms().set_alarm_names(Some(names.to_vec()));
        let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
        // As many as there are names: without it a page has 50.
        let response = request.max_records(PAGE).send().await;
        let object = || format!("alarms `{}`", names.join("`, `"));
        let response = response.map_err(|error| AwsError::new("DescribeAlarms", object(), &error))?;
        let composite = response.composite_alarms.unwrap_or_default().into_iter().map(|alarm| Self::composite(&alarm));
        Ok(response.metric_alarms.unwrap_or_default().into_iter().map(Alarm::of).chain(composite).collect())
    }
}

impl CloudWatch {
    /// A composite alarm goes into ALARM as late as the slowest of those that its rule names, which may be composite too.
    async fn take_times_of_children(&self, alarms: &mut [Alarm]) -> Result<(), AwsError> {
        let mut slowest: BTreeMap<String, u64> = BTreeMap::new();
        for alarm in alarms.iter_mut().filter(|alarm| !alarm.children.is_empty()) {
            let (mut names, mut seen) = (alarm.children.clone(), BTreeSet::new());
            // CloudWatch allows no circle, and what was seen is not asked for again.
            while let Some(name) = names.pop_last() {
                if !seen.insert(name.clone()) {
                    continue;
                }
                for child in self.page(std::slice::from_ref(&name)).await? {
                    let time = child.period_seconds * child.evaluations;
                    let entry = slowest.entry(alarm.name.clone()).or_default();
                    *entry = time.max(*entry);
                    names.extend(child.children);
                }
            }
            (alarm.period_seconds, alarm.evaluations) = (slowest.remove(&alarm.name).unwrap_or_default(), 1);
        }
        Ok(())
    }

    /// One that is made of others has no period of its own.
    fn composite(alarm: &CompositeAlarm) -> Alarm {
        Alarm {
            name: alarm.alarm_name().unwrap_or_default().to_owned(),
            state: state(alarm.state_value()),
            reason: alarm.state_reason().unwrap_or_default().to_owned(),
            period_seconds: 0,
            evaluations: 0,
            dimensions: BTreeMap::new(),
            children: children(alarm.alarm_rule().unwrap_or_default()),
        }
    }
}

/// The alarms that a rule names: `ALARM("a") AND NOT OK(b)`.
fn children(rule: &str) -> BTreeSet<String> {
    let named = rule.match_indices('(').filter_map(|(at, _)| {
        let function = rule[..at].trim_end();
        let is_state = ["ALARM", "OK", "INSUFFICIENT_DATA"].iter().any(|state| function.ends_with(state));
        let inside = rule[at + 1..].trim_start();
        let name = match inside.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => inside.split(')').next().map(str::trim_end),
        };
        name.filter(|_| is_state).map(|name| name.rsplit(":alarm:").next().unwrap_or(name).to_owned())
    });
    named.collect()
}

fn state(value: Option<&StateValue>) -> AlarmState {
    match value {
        Some(StateValue::Ok) => AlarmState::Ok,
        Some(StateValue::Alarm) => AlarmState::InAlarm,
        _ => AlarmState::InsufficientData,
    }
}

impl Alarm {
    fn of(alarm: MetricAlarm) -> Self {
        let positive = |number: Option<i32>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
        let dimensions = alarm.dimensions.unwrap_or_default().into_iter();
        Self {
            name: alarm.alarm_name.unwrap_or_default(),
            state: state(alarm.state_value.as_ref()),
            reason: alarm.state_reason.unwrap_or_default(),
            // Metric math has a period for each metric; the longest one counts.
            period_seconds: positive(alarm.period.or_else(|| slowest_period(alarm.metrics.as_deref()?))),
            children: BTreeSet::new(),
            evaluations: positive(alarm.evaluation_periods),
            dimensions: dimensions
                .filter_map(|dimension| Some((dimension.name?, dimension.value.unwrap_or_default())))
                .collect(),
        }
    }
}

fn slowest_period(metrics: &[MetricDataQuery]) -> Option<i32> {
    metrics.iter().filter_map(|query| query.period().or_else(|| query.metric_stat()?.period())).max()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::Dimension;

    use super::*;

    #[test]
    fn an_alarm_that_says_little_has_no_numbers_and_too_little_data() {
        let alarm = Alarm::of(MetricAlarm::builder().alarm_name("a").build());
        assert_eq!((alarm.state, alarm.period_seconds, alarm.evaluations), (AlarmState::InsufficientData, 0, 0));
    }

    #[test]
    fn a_rule_names_its_children_in_quotes_or_without_and_by_arn() {
        let rule =
            "ALARM(\"a (1)\") AND NOT (OK(b) OR INSUFFICIENT_DATA( \"arn:aws:cloudwatch:r:1:alarm:c\" )) OR TRUE";
        assert_eq!(children(rule), ["a (1)", "b", "c"].map(str::to_owned).into());
    }

    #[test]
    fn an_alarm_names_what_it_is_restricted_to() {
        let resource = Dimension::builder().name("Resource").value("f:live").build();
        let alarm = MetricAlarm::builder().state_value(StateValue::Alarm).period(60).dimensions(resource).build();
        let alarm = Alarm::of(alarm);
        assert_eq!((alarm.state, alarm.period_seconds), (AlarmState::InAlarm, 60));
        assert_eq!(alarm.dimensions["Resource"], "f:live");
    }
}
