//! How far the total and the stored visits can differ: the real function over a DynamoDB that fails in every way.

use std::thread::scope;

use serde_json::{Value, json};

use crate::{
    lambda::{COUNTER, Lambda, ssm},
    table::{
        Fault::{self, Lost, Refused, Stalled, Throttled},
        Table,
    },
};

/// How the attempts to write a visit go, after which they go well.
const PUTS: [&[Fault]; 10] = [
    &[],
    &[Refused],
    &[Throttled, Refused],
    &[Lost],
    &[Lost, Throttled],
    &[Refused, Refused, Refused],
    &[Throttled, Throttled, Throttled],
    &[Lost, Lost, Lost],
    &[Refused, Lost, Refused],
    &[Stalled],
];
/// How the one attempt to add goes.
const UPDATES: [Option<Fault>; 5] = [None, Some(Refused), Some(Throttled), Some(Lost), Some(Stalled)];

/// What one visit is to meet.
#[derive(Clone, Copy, Debug)]
struct Plan {
    put: &'static [Fault],
    update: Option<Fault>,
}

impl Plan {
    /// Every visit with every addition; a stalled one takes 2 s, so only once with each.
    fn all(put: &'static [Fault]) -> impl Iterator<Item = Self> {
        let seldom = |update: &&Option<Fault>| **update != Some(Stalled) || put.is_empty() || put.len() == 3;
        let seldom = move |update: &&Option<Fault>| {
            seldom(update) && (put != [Stalled] || !matches!(update, Some(Refused | Throttled)))
        };
        UPDATES.iter().filter(seldom).map(move |update| Self { put, update: *update })
    }

    fn exhausted(self) -> bool {
        self.put.len() == 3
    }

    /// Whether the visit is in the log in the end, known or not.
    fn remembered(self) -> bool {
        !self.exhausted() || self.put.iter().any(|fault| applied(*fault))
    }

    /// Whether the addition was made, known or not.
    fn added(self) -> bool {
        self.update.is_none_or(applied)
    }

    /// Whether both writes are known to have been made.
    fn known(self) -> bool {
        !self.exhausted() && self.update.is_none()
    }
}

fn applied(fault: Fault) -> bool {
    matches!(fault, Lost | Stalled)
}

/// A function that calls AWS as `caller`.
fn counter(table: &Table, caller: &str) -> Lambda {
    let (parameters, _) = ssm(vec![]);
    let keys = format!("http://{}", parameters.address);
    Lambda::start(
        COUNTER,
        &[
            ("DYNAMODB_TABLE", "visits"),
            ("ALLOWED_ORIGIN", "https://a.example"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", caller),
            ("AWS_SECRET_ACCESS_KEY", "a-secret-key"),
            ("AWS_ENDPOINT_URL", &table.endpoint),
            ("AWS_ENDPOINT_URL_SSM", &keys),
            ("ADDRESS_KEY_PARAMETER", "/test/key"),
        ],
    )
}

/// The status of the response to the request that API Gateway calls `id`, and its client something else.
fn visit(function: &Lambda, id: &str) -> Value {
    visit_called(function, id, "chosen-by-the-client")
}

/// As [`visit`], by a client who sends the id `chosen`.
fn visit_called(function: &Lambda, id: &str, chosen: &str) -> Value {
    let response = function.invoke(&json!({
        "resource": "/count", "path": "/count", "httpMethod": "GET",
        "requestContext": {"requestId": chosen, "extendedRequestId": id, "identity": {"sourceIp": "203.0.113.77"}},
    }));
    response["statusCode"].clone()
}

/// Visits by `caller`, one for each of `plans`. Each must get the right status.
fn meet(table: &Table, caller: &str, plans: &[Plan]) {
    let function = counter(table, caller);
    for (number, plan) in plans.iter().enumerate() {
        table.faults(caller, "PutItem", plan.put.iter().copied().map(Some));
        table.faults(caller, "UpdateItem", [plan.update]);
        let status = visit(&function, &format!("{caller}-{number}"));
        assert_eq!(status, if plan.known() { 200 } else { 500 }, "{plan:?}");
    }
}

#[test]
fn the_total_is_off_by_at_most_the_number_of_lasting_faults() {
    let table = Table::start();
    let plans: Vec<Vec<Plan>> = PUTS.iter().map(|put| Plan::all(put).collect()).collect();
    scope(|scope| {
        for (number, plans) in plans.iter().enumerate() {
            let table = &table;
            scope.spawn(move || meet(table, &format!("AKID{number}"), plans));
        }
    });
    let plans: Vec<Plan> = plans.into_iter().flatten().collect();
    let count = |is: fn(Plan) -> bool| i64::try_from(plans.iter().filter(|plan| is(**plan)).count()).unwrap();
    let (visits, total) = (table.visits(), table.total());
    let faulty = count(|plan| plan.update.is_some() || plan.exhausted());
    let known = count(Plan::known);
    println!(
        "{} visitors, {known} got 200, {faulty} with a fault that lasts: {visits} visits, total {total}, {} apart",
        plans.len(),
        total - visits,
    );
    assert_eq!((visits, total), (count(Plan::remembered), count(Plan::added)));
    assert!((total - visits).abs() <= faulty);
    assert!(visits >= known && total >= known);
    assert_ne!(total, visits, "the faults have no effect");
}

#[test]
fn each_fault_alone_moves_the_total_by_one_at_most() {
    for (put, update) in [(&[][..], Some(Refused)), (&[Refused; 3], None), (&[Lost], None), (&[], Some(Lost))] {
        let (table, plan) = (Table::start(), Plan { put, update });
        meet(&table, "AKID", &[plan]);
        let apart = i64::from(plan.added()) - i64::from(plan.remembered());
        assert_eq!(table.total() - table.visits(), apart, "{plan:?}");
    }
}

#[test]
fn the_same_event_twice_is_one_visit() {
    let table = Table::start();
    let function = counter(&table, "AKID");
    for (id, chosen) in [("one", "a"), ("two", "a"), ("one", "b"), ("one", "c")] {
        assert_eq!(visit_called(&function, id, chosen), 200);
    }
    assert_eq!((table.visits(), table.total()), (2, 2));
    let (_, metrics) = function.lines();
    assert_eq!(metrics.iter().filter(|line| line["VisitorCount"] == 1).count(), 2, "{metrics:?}");
}
