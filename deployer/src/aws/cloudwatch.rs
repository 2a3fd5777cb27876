//! CloudWatch: the alarms that tell a bad release.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, MetricAlarm, StateValue};
use futures::future::try_join_all;
use serde::Serialize;

use super::{AwsError, Calls, clients};

/// The most names and the most alarms of one call.
const PAGE: i32 = 100;

/// Looks at the alarms of one account and region.
#[derive(Debug, Clone)]
pub struct CloudWatch(aws_sdk_cloudwatch::Client);

/// What an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// It is not.
    Ringing,
    /// It has seen too little to tell.
    InsufficientData,
}

/// One alarm, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// What it says.
    pub state: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
    /// How long it looks at once, in seconds; 0 if AWS does not tell.
    pub period_seconds: u64,
    /// How many such periods it looks at; 0 if AWS does not tell.
    pub evaluations: u64,
    /// What its metric is restricted to.
    pub dimensions: BTreeMap<String, String>,
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

    async fn page(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        let request = self.0.describe_alarms().set_alarm_names(Some(names.to_vec()));
        let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
        // As many as there are names: without it a page holds 50.
        let answer = request.max_records(PAGE).send().await;
        let object = || format!("alarms `{}`", names.join("`, `"));
        let answer = answer.map_err(|error| AwsError::new("DescribeAlarms", object(), &error))?;
        let composite = answer.composite_alarms.unwrap_or_default().into_iter().map(|alarm| Self::composite(&alarm));
        Ok(answer.metric_alarms.unwrap_or_default().into_iter().map(Alarm::of).chain(composite).collect())
    }
}

impl CloudWatch {
    /// One that is made of others has no period of its own.
    fn composite(alarm: &CompositeAlarm) -> Alarm {
        Alarm {
            name: alarm.alarm_name().unwrap_or_default().to_owned(),
            state: state(alarm.state_value()),
            reason: alarm.state_reason().unwrap_or_default().to_owned(),
            period_seconds: 0,
            evaluations: 0,
            dimensions: BTreeMap::new(),
        }
    }
}

fn state(value: Option<&StateValue>) -> AlarmState {
    match value {
        Some(StateValue::Ok) => AlarmState::Ok,
        Some(StateValue::Alarm) => AlarmState::Ringing,
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
            period_seconds: positive(alarm.period),
            evaluations: positive(alarm.evaluation_periods),
            dimensions: dimensions
                .filter_map(|dimension| Some((dimension.name?, dimension.value.unwrap_or_default())))
                .collect(),
        }
    }
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
    fn an_alarm_names_what_it_is_restricted_to() {
        let resource = Dimension::builder().name("Resource").value("f:live").build();
        let alarm = MetricAlarm::builder().state_value(StateValue::Alarm).period(60).dimensions(resource).build();
        let alarm = Alarm::of(alarm);
        assert_eq!((alarm.state, alarm.period_seconds), (AlarmState::Ringing, 60));
        assert_eq!(alarm.dimensions["Resource"], "f:live");
    }
}
