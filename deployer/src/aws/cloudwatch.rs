//! CloudWatch: the alarms that detect a bad release.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use futures::future::try_join_all;
use serde::Serialize;

use super::calls::Counting;
use super::request::{Client, Request, Service};
use super::wire::{Form, result};
use super::xml::Element;
use super::{AwsError, Calls};

const DESCRIBE: &str = "DescribeAlarms";
const VERSION: &str = "2010-08-01";
/// The most names and the most alarms of one call.
const PAGE: usize = 100;

/// Looks at the alarms of one account and region.
#[derive(Debug, Clone)]
pub struct CloudWatch(Client);

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
        Self(Client::new(Service::CloudWatch, shared, Counting::reads(calls)))
    }

    /// The alarms of these names, by name, composite ones too. One that does not exist is simply not there.
    pub async fn states(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        // Without any name AWS would list every alarm of the account.
        let pages = names.chunks(PAGE).map(|names| self.page(names));
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
        let response = self.0.send(Request::query(DESCRIBE, VERSION, &form(names)), |response| {
            Some(Alarm::all(&result(DESCRIBE, response)?))
        });
        let object = || format!("alarms `{}`", names.join("`, `"));
        response.await.map_err(|error| AwsError::new(DESCRIBE, object(), &error))
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
}

fn form(names: &[String]) -> Form {
    let form = Form::default().with_list("AlarmNames", names.iter().map(String::as_str));
    let form = form.with_list("AlarmTypes", ["MetricAlarm", "CompositeAlarm"]);
    // As many as there are names: without it a page has 50.
    form.with("MaxRecords", &PAGE.to_string())
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

fn state(value: Option<&str>) -> AlarmState {
    match value {
        Some("OK") => AlarmState::Ok,
        Some("ALARM") => AlarmState::InAlarm,
        _ => AlarmState::InsufficientData,
    }
}

impl Alarm {
    fn all(found: &Element) -> Vec<Self> {
        found.members("MetricAlarms").chain(found.members("CompositeAlarms")).map(Self::of).collect()
    }

    /// One that is made of others has no period of its own.
    fn of(alarm: &Element) -> Self {
        let text = |name| alarm.text(name).unwrap_or_default();
        let dimensions = alarm.members("Dimensions");
        Self {
            name: text("AlarmName").to_owned(),
            state: state(alarm.text("StateValue")),
            reason: text("StateReason").to_owned(),
            // Metric math has a period for each metric; the longest one counts.
            period_seconds: number(alarm, "Period").or_else(|| slowest_period(alarm)).unwrap_or_default(),
            evaluations: number(alarm, "EvaluationPeriods").unwrap_or_default(),
            dimensions: dimensions
                .filter_map(|dimension| {
                    Some((dimension.text("Name")?.to_owned(), dimension.text("Value").unwrap_or_default().to_owned()))
                })
                .collect(),
            children: children(text("AlarmRule")),
        }
    }
}

fn number(element: &Element, name: &str) -> Option<u64> {
    element.text(name)?.parse().ok()
}

fn slowest_period(alarm: &Element) -> Option<u64> {
    let period = |query: &Element| number(query, "Period").or_else(|| number(query.child("MetricStat")?, "Period"));
    alarm.members("Metrics").filter_map(period).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarms(inside: &str) -> Vec<Alarm> {
        let document = format!("<DescribeAlarmsResult>{inside}</DescribeAlarmsResult>");
        Alarm::all(&Element::read(document.as_bytes()).unwrap())
    }

    #[test]
    fn an_alarm_that_says_little_has_no_numbers_and_too_little_data() {
        let found = alarms("<MetricAlarms><member><AlarmName>a</AlarmName><Period/></member></MetricAlarms>");
        let [alarm] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((alarm.state, alarm.period_seconds, alarm.evaluations), (AlarmState::InsufficientData, 0, 0));
    }

    #[test]
    fn alarms_of_metrics_and_composite_ones_are_found_on_one_page() {
        let found = alarms(
            "<CompositeAlarms><member><AlarmName>c</AlarmName><AlarmRule>ALARM(&quot;a&quot;)</AlarmRule>\
             <StateValue>OK</StateValue></member></CompositeAlarms><MetricAlarms><member><AlarmName>m</AlarmName>\
             <EvaluationPeriods>2</EvaluationPeriods><Metrics><member><MetricStat><Period>60</Period></MetricStat></member>\
             <member><Period>300</Period></member><member><Expression>a/b</Expression></member></Metrics></member>\
             </MetricAlarms>",
        );
        let [metric, composite] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((metric.period_seconds, metric.evaluations), (300, 2));
        assert_eq!((composite.state, composite.period_seconds), (AlarmState::Ok, 0));
        assert_eq!(composite.children, ["a".to_owned()].into());
    }

    #[test]
    fn names_are_asked_for_with_both_types_and_a_whole_page() {
        let request = Request::query(DESCRIBE, VERSION, &form(&["a b".to_owned(), "c".to_owned()]));
        assert_eq!(
            request.body.bytes().unwrap(),
            b"Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1=a%20b&AlarmNames.member.2=c\
              &AlarmTypes.member.1=MetricAlarm&AlarmTypes.member.2=CompositeAlarm&MaxRecords=100"
        );
    }

    #[test]
    fn a_rule_names_its_children_in_quotes_or_without_and_by_arn() {
        let rule =
            "ALARM(\"a (1)\") AND NOT (OK(b) OR INSUFFICIENT_DATA( \"arn:aws:cloudwatch:r:1:alarm:c\" )) OR TRUE";
        assert_eq!(children(rule), ["a (1)", "b", "c"].map(str::to_owned).into());
    }

    #[test]
    fn an_alarm_names_what_it_is_restricted_to() {
        let found = alarms(
            "<MetricAlarms><member><StateValue>ALARM</StateValue><Period>60</Period><Dimensions><member><Name>Resource</Name>\
             <Value>f:live</Value></member></Dimensions></member></MetricAlarms>",
        );
        assert_eq!((found[0].state, found[0].period_seconds), (AlarmState::InAlarm, 60));
        assert_eq!(found[0].dimensions["Resource"], "f:live");
    }
}
