//! CloudWatch: alarms whose states a test sets beforehand. The query protocol.

mod alarm;
mod composite;

use std::collections::BTreeMap;
use std::time::Duration;

use super::query::{self, Form};
use super::wire::{Moment, Reply, Request};

use alarm::{Alarm, Kind};
pub(crate) use alarm::{Metric, State};

const NAMESPACE: &str = "http://monitoring.amazonaws.com/doc/2010-08-01/";
/// The most names and the most alarms of one call, and how many alarms come without a number.
const MOST: usize = 100;
const PAGE: usize = 50;

/// What a test may vary.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// DescribeAlarms is limited to 9 calls a second, of one account and region (CloudWatch service quotas).
    pub(crate) per_second: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self { per_second: 9 }
    }
}

/// The alarms of one account and region.
#[derive(Clone, Debug)]
pub(crate) struct CloudWatch {
    pub(crate) rules: Rules,
    account: String,
    region: String,
    alarms: BTreeMap<String, Alarm>,
    calls: Vec<Duration>,
}

impl CloudWatch {
    pub(crate) fn new(account: &str, region: &str) -> Self {
        let (rules, alarms, calls) = (Rules::default(), BTreeMap::new(), Vec::new());
        Self { rules, account: account.to_owned(), region: region.to_owned(), alarms, calls }
    }

    /// An alarm of one metric. It has too little data until it is set.
    pub(crate) fn add_metric(&mut self, name: &str, metric: Metric) {
        self.alarms.insert(name.to_owned(), Alarm::new(Kind::Metric(metric)));
    }

    /// An alarm of an expression over metrics, each under an id: `m1 / m2`.
    pub(crate) fn add_math(&mut self, name: &str, expression: &str, metrics: &[(&str, Metric)]) {
        let metrics = metrics.iter().map(|(id, metric)| ((*id).to_owned(), metric.clone())).collect();
        self.alarms.insert(name.to_owned(), Alarm::new(Kind::Math(expression.to_owned(), metrics)));
    }

    /// An alarm of other alarms: `ALARM("a") OR ALARM("b")`. Its state follows from theirs, unless it is set.
    pub(crate) fn add_composite(&mut self, name: &str, rule: &str) {
        self.alarms.insert(name.to_owned(), Alarm::new(Kind::Composite(rule.to_owned())));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.alarms.remove(name);
    }

    /// Lets an alarm have this state from `at` on.
    ///
    /// # Panics
    /// There is no such alarm.
    pub(crate) fn set(&mut self, name: &str, state: State, at: Duration) {
        let states = &mut self.alarms.get_mut(name).unwrap_or_else(|| panic!("no alarm `{name}`")).states;
        states.push((at, state));
        states.sort_by_key(|(at, _)| *at);
    }

    /// The state that an alarm has at that time.
    pub(crate) fn state(&self, name: &str, now: Duration) -> Option<State> {
        self.alarms.get(name).map(|alarm| self.of(alarm, now, 0))
    }

    fn of(&self, alarm: &Alarm, now: Duration, depth: usize) -> State {
        match &alarm.kind {
            Kind::Composite(rule) if alarm.set_at(now).is_none() => {
                // Alarms may be in each other's rules, and AWS breaks such a circle somewhere as well.
                let state = |name: &str| match self.alarms.get(name) {
                    Some(alarm) if depth < 10 => self.of(alarm, now, depth + 1),
                    _ => State::InsufficientData,
                };
                if composite::holds(rule, &state).unwrap_or(false) { State::Alarm } else { State::Ok }
            }
            _ => alarm.set_at(now).map_or(State::InsufficientData, |(_, state)| state),
        }
    }

    pub(crate) fn name(request: &Request) -> Option<&'static str> {
        (query::action(request)? == "DescribeAlarms").then_some("DescribeAlarms")
    }

    pub(crate) fn handle(&mut self, request: &Request, moment: &mut Moment) -> Option<Reply> {
        Self::name(request)?;
        self.calls.retain(|at| *at + Duration::from_secs(1) > moment.now);
        if self.calls.len() >= self.rules.per_second {
            return Some(query::error(400, "Throttling", "Rate exceeded"));
        }
        self.calls.push(moment.now);
        let asked = Form::of(request);
        let other = ["ChildrenOfAlarmName", "ParentsOfAlarmName", "ActionPrefix"];
        if other.iter().any(|name| asked.get(name).is_some()) {
            return None;
        }
        Some(self.describe(&asked, moment).unwrap_or_else(|refused| refused))
    }

    fn describe(&self, asked: &Form, moment: &Moment) -> Result<Reply, Reply> {
        let names = asked.list("AlarmNames");
        let (most, after) = (page(asked, &names)?, after(asked)?);
        let types = asked.list("AlarmTypes");
        // Without types only alarms of metrics come.
        let types = if types.is_empty() { vec!["MetricAlarm"] } else { types };
        let (prefix, state) = (asked.get("AlarmNamePrefix"), asked.get("StateValue"));
        let fits = |(name, alarm): &(&String, &Alarm)| {
            (names.is_empty() || names.contains(&name.as_str()))
                && prefix.is_none_or(|prefix| name.starts_with(prefix))
                && types.contains(&alarm.kind.name())
                && state.is_none_or(|state| self.of(alarm, moment.now, 0).text() == state)
                && after.as_ref().is_none_or(|after| *name > after)
        };
        // One that does not exist is simply not there.
        let mut found: Vec<(&String, &Alarm)> = self.alarms.iter().filter(fits).collect();
        let more = found.len() > most;
        found.truncate(most);
        let (mut metric, mut composite) = (Vec::new(), Vec::new());
        for (name, alarm) in &found {
            let arn = format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", self.region, self.account);
            let described = alarm.describe(&[*name, &arn], self.of(alarm, moment.now, 0), moment);
            if matches!(alarm.kind, Kind::Composite(_)) { composite.push(described) } else { metric.push(described) }
        }
        let next = found.last().filter(|_| more).map(|(last, _)| query::tag("NextToken", &format!("after:{last}")));
        let inner = query::members("CompositeAlarms", composite) + &query::members("MetricAlarms", metric);
        Ok(query::result("DescribeAlarms", NAMESPACE, &(inner + &next.unwrap_or_default())))
    }
}

/// How many alarms may come at once.
fn page(asked: &Form, names: &[&str]) -> Result<usize, Reply> {
    let invalid = |value: &str, field: &str, bound: &str| {
        let words = format!(
            "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: Member must have \
             {bound}"
        );
        query::error(400, "ValidationError", &words)
    };
    if names.len() > MOST {
        let value = format!("[{}]", names.join(", "));
        return Err(invalid(&value, "alarmNames", "length less than or equal to 100"));
    }
    match asked.get("MaxRecords").and_then(|most| most.parse::<i64>().ok()) {
        None => Ok(PAGE),
        Some(most @ 1..=100) => Ok(usize::try_from(most).unwrap_or(MOST)),
        Some(less @ ..1) => Err(invalid(&less.to_string(), "maxRecords", "value greater than or equal to 1")),
        Some(more) => Err(invalid(&more.to_string(), "maxRecords", "value less than or equal to 100")),
    }
}

/// The last alarm of the page before.
fn after(asked: &Form) -> Result<Option<String>, Reply> {
    let Some(token) = asked.get("NextToken") else { return Ok(None) };
    let last = token.strip_prefix("after:").map(str::to_owned);
    last.map(Some).ok_or_else(|| query::error(400, "InvalidNextToken", "Invalid nextToken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(cloudwatch: &mut CloudWatch, now: u64, asked: &str) -> (u16, String) {
        let request = Request {
            method: "POST".to_owned(),
            host: String::new(),
            path: "/".to_owned(),
            query: Vec::new(),
            headers: BTreeMap::new(),
            body: format!("Action=DescribeAlarms&Version=2010-08-01{asked}").into_bytes(),
        };
        let now = Duration::from_secs(now);
        let mut moment = Moment { now, epoch: jiff::Timestamp::UNIX_EPOCH, chance: fastrand::Rng::with_seed(1) };
        let reply = cloudwatch.handle(&request, &mut moment).unwrap();
        (reply.status, String::from_utf8(reply.body).unwrap())
    }

    /// The names of the alarms of one kind.
    fn names<'a>(reply: &'a str, of: &str) -> Vec<&'a str> {
        let list = reply.split_once(&format!("<{of}>")).unwrap().1.split_once(&format!("</{of}>")).unwrap().0;
        list.split("<AlarmName>").skip(1).map(|name| name.split_once('<').unwrap().0).collect()
    }

    #[test]
    fn an_alarm_changes_at_its_time_and_a_composite_one_with_it() {
        let mut cloudwatch = CloudWatch::new("1", "eu-west-1");
        cloudwatch.add_metric("errors", Metric::default());
        cloudwatch.add_composite("any", "ALARM(\"errors\") OR ALARM(gone)");
        cloudwatch.set("errors", State::Ok, Duration::ZERO);
        cloudwatch.set("errors", State::Alarm, Duration::from_secs(60));
        let states = |now| ["errors", "any"].map(|name| cloudwatch.state(name, Duration::from_secs(now)).unwrap());
        assert_eq!(states(59), [State::Ok, State::Ok]);
        assert_eq!(states(60), [State::Alarm, State::Alarm]);
    }

    #[test]
    fn pages_continue_and_the_default_type_is_metric_alarms() {
        let mut cloudwatch = CloudWatch::new("1", "eu-west-1");
        ["a", "b", "c"].iter().for_each(|name| cloudwatch.add_metric(name, Metric::default()));
        cloudwatch.add_composite("d", "TRUE");
        let types = "&AlarmTypes.member.1=MetricAlarm&AlarmTypes.member.2=CompositeAlarm";
        let (_, first) = ask(&mut cloudwatch, 0, &format!("&MaxRecords=2{types}"));
        assert_eq!(names(&first, "MetricAlarms"), ["a", "b"]);
        let token = first.split_once("<NextToken>").unwrap().1.split_once('<').unwrap().0;
        let (_, second) = ask(&mut cloudwatch, 0, &format!("&NextToken={token}{types}"));
        assert_eq!((names(&second, "MetricAlarms"), names(&second, "CompositeAlarms")), (vec!["c"], vec!["d"]));
        let asked = "&AlarmNames.member.1=d&AlarmNames.member.2=a&AlarmNames.member.3=unknown";
        let (_, named) = ask(&mut cloudwatch, 0, asked);
        assert_eq!((names(&named, "MetricAlarms"), names(&named, "CompositeAlarms")), (vec!["a"], vec![]));
        assert_eq!(ask(&mut cloudwatch, 0, "&MaxRecords=101").0, 400);
    }

    #[test]
    fn the_tenth_call_of_a_second_is_throttled() {
        let mut cloudwatch = CloudWatch::new("1", "eu-west-1");
        let statuses: Vec<u16> = (0..10).map(|_| ask(&mut cloudwatch, 5, "").0).collect();
        assert_eq!((statuses[8], statuses[9]), (200, 400));
        assert_eq!(ask(&mut cloudwatch, 6, "").0, 200);
    }
}
