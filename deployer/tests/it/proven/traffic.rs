//! Visitors who do not stop while everything moves.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use super::fresh::{change_definition, fresh, restore};
use crate::harness::{StopWhenDropped, block_on, cases, client};
use crate::promises::measured;
use crate::stack;
use crate::strict::Front;

/// The visitors of each environment, and how often each of them comes: 64 requests a second together. Two idle cores manage
/// little more, busy ones less: how many came is reported, not required.
const VISITORS: usize = 8;
const AGAIN: Duration = Duration::from_millis(250);
/// The least number of visits during each release: with fewer, nothing was tried.
const DURING_A_RELEASE: usize = 50;

/// A canary as prod has it, but for its minutes.
const CANARY: (&str, &str) = (
    "account = \"222222222222\"",
    "account = \"222222222222\", traffic = { strategy = \"canary\", percent = 40, bake_seconds = 3 }",
);

/// So long the function waits for its table, in `function/src/store/dynamodb.rs`. What took longer and failed for the
/// table is the emulator's, on a machine that had no time for it: nobody knows whether it was counted.
const TABLE_WAITS: Duration = Duration::from_secs(2);
/// Of how many visits one may remain undecided. What is counted is exact but for these.
const DECIDED: usize = 20;

/// What came of the visits.
#[derive(Debug, Default)]
struct Visits {
    counted: AtomicUsize,
    undecided: AtomicUsize,
    failed: std::sync::Mutex<Vec<String>>,
}

/// Deploys, promotions as canaries and rollbacks, one after the other, under traffic on both environments.
pub(crate) fn under_live_traffic_no_request_fails_and_every_visit_is_counted_once() {
    let rounds = cases(1, 10);
    let (dev, prod) = (Front::before(stack().checkout.port("dev")), Front::before(stack().checkout.port("prod")));
    for front in [&dev, &prod] {
        // A switch that is seen late, and flips back.
        front.propagation(Duration::from_millis(800));
    }
    let before = ["dev", "prod"].map(totals);
    let (stop, visits, started) = (AtomicBool::new(false), [Visits::default(), Visits::default()], Instant::now());
    let mut during = Vec::new();
    std::thread::scope(|scope| {
        let [of_dev, of_prod] = &visits;
        scope.spawn(|| visitors(&dev, "dev", &stop, of_dev));
        scope.spawn(|| visitors(&prod, "prod", &stop, of_prod));
        let _ends = StopWhenDropped(&stop);
        for _ in 0..rounds {
            round(&dev, &prod, &mut |release| {
                let before = sent(&visits);
                release();
                during.push(sent(&visits) - before);
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let undecided: usize = visits.iter().map(|visits| visits.undecided.load(Ordering::SeqCst)).sum();
    let violations: Vec<String> = [("dev", &dev), ("prod", &prod)]
        .into_iter()
        .zip(&visits)
        .zip(before)
        .flat_map(|(((environment, front), visits), before)| lost(environment, front, visits, before))
        .collect();
    restore();
    let (sent, releases) = (sent(&visits), during.len());
    assert!(
        undecided * DECIDED <= sent,
        "{undecided} of {sent} visits undecided: this machine has no time for the emulator"
    );
    assert!(during.iter().all(|visits| *visits >= DURING_A_RELEASE), "too few visits during a release: {during:?}");
    let each_second = sent as f64 / seconds;
    let how = format!(
        "{releases} releases in a row (deploy, promotion as a canary, rollback of both) under {each_second:.0} visits a \
         second; {undecided} undecided, because the emulator's table took more than 2 s"
    );
    measured(
        "4-traffic",
        "no request fails during a release, and every visit is counted once (invariant 9)",
        &how,
        sent,
        &violations,
    );
}

/// Each visit that failed, and each total that is not what the front saw responses to: the checks of a release to dev
/// count a visit too.
fn lost(environment: &str, front: &Front, visits: &Visits, before: (usize, usize)) -> Vec<String> {
    let failed = visits.failed.lock().unwrap();
    let mut violations: Vec<String> = failed.iter().map(|failed| format!("{environment}: {failed}")).collect();
    let calls = front.take();
    let visited =
        calls.iter().filter(|call| call.name == "URL" && call.line.starts_with("GET") && call.line.ends_with("/count"));
    let counted = visited.filter(|call| call.status == Some(200)).count();
    let unknown = visits.undecided.load(Ordering::SeqCst);
    let now = totals(environment);
    for (what, before, now) in [("total", before.0, now.0), ("visits in the table", before.1, now.1)] {
        if !(counted..=counted + unknown).contains(&(now - before)) {
            let grew = format!("{counted} answered, {unknown} undecided, and {what} grew by {}", now - before);
            violations.push(format!("{environment}: {grew}"));
        }
    }
    violations
}

/// The visits to both environments that were counted.
fn sent(visits: &[Visits]) -> usize {
    visits.iter().map(|visits| visits.counted.load(Ordering::SeqCst)).sum()
}

/// A deploy to dev, its promotion to prod, and a rollback of both, each given to `watched` to be run.
fn round(dev: &Front, prod: &Front, watched: &mut dyn FnMut(&dyn Fn())) {
    let checkout = &stack().checkout;
    change_definition("dev");
    change_definition("prod");
    let artifact = fresh();
    let deploy = format!("deploy dev --artifact {}", artifact.folder);
    let ports = [checkout.port("dev"), dev.port].map(|port| format!("port = {port}"));
    let edits = [(ports[0].as_str(), ports[1].as_str()), CANARY];
    let promote = "promote dev prod --allow-definition-diff";
    for (front, environment, edits, command) in [
        (dev, "dev", &[][..], deploy.as_str()),
        (prod, "prod", &edits, promote),
        (prod, "prod", &[], "rollback prod --to previous"),
        (dev, "dev", &[], "rollback dev --to previous"),
    ] {
        watched(&|| drop(checkout.start_through(front, environment, edits, command).end().expect(0)));
    }
    std::fs::remove_dir_all(checkout.root.join(artifact.folder)).unwrap();
}

/// Visits an environment until told to stop.
fn visitors(front: &Front, environment: &str, stop: &AtomicBool, visits: &Visits) {
    let url = front.url(&stack().url(environment));
    let visitor = async |number: usize| {
        // One after the other, not all at the same moments.
        tokio::time::sleep(AGAIN * u32::try_from(number).unwrap() / u32::try_from(VISITORS).unwrap()).await;
        let client = client();
        while !stop.load(Ordering::SeqCst) {
            let came = Instant::now();
            match client.get(format!("{url}/count")).send().await {
                Ok(answer) if answer.status() == 200 => drop(visits.counted.fetch_add(1, Ordering::SeqCst)),
                Ok(answer) => {
                    let failed = format!("{} {}", answer.status(), answer.text().await.unwrap_or_default());
                    visits.fail(failed, came.elapsed());
                }
                Err(error) => visits.fail(format!("{error:?}"), came.elapsed()),
            }
            tokio::time::sleep(AGAIN.saturating_sub(came.elapsed())).await;
        }
    };
    block_on(async { join_all((0..VISITORS).map(visitor)).await });
}

impl Visits {
    fn fail(&self, how: String, took: Duration) {
        if how.starts_with("500") && how.contains("Database error") && took >= TABLE_WAITS {
            self.undecided.fetch_add(1, Ordering::SeqCst);
        } else {
            self.failed.lock().unwrap().push(how);
        }
    }
}

/// The count that visitors see, and how many visits the table holds.
fn totals(environment: &str) -> (usize, usize) {
    let total = stack().get(&format!("{}/health", stack().url(environment))).2["count"].as_u64().unwrap();
    let (mut items, mut start) = (0, Value::Null);
    loop {
        let mut body = json!({"TableName": format!("ResumeVisitorCounter-{environment}"), "Select": "COUNT", "ConsistentRead": true});
        if !start.is_null() {
            body["ExclusiveStartKey"] = start;
        }
        let page = stack().behind(environment, "POST", "/", Some("DynamoDB_20120810.Scan"), &body);
        items += page["Count"].as_u64().unwrap();
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return (usize::try_from(total).unwrap(), usize::try_from(items).unwrap());
        }
    }
}
