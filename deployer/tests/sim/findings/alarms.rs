//! Alarms that are slower than the watch time.

use super::{CANARY, deploy, with_releases};
use crate::application::Behavior;
use crate::aws::cloudwatch::{Metric, State};
use crate::simulation::{Simulation, Snapshot};
use crate::stack::{Shape, attributes, ledger};
use crate::verdict::item;

/// A world whose contract names one more alarm, none of whose parts is in ALARM.
fn watching(name: &'static str, add: impl Fn(&mut crate::aws::cloudwatch::CloudWatch) + Send) -> Snapshot {
    with_releases(Shape::of(1).moving(CANARY), 1).after(async move |simulation: &Simulation| {
        let mut contract = item(simulation, "dev", "stack");
        contract["alarms"] = serde_json::json!([name]);
        let now = simulation.now();
        simulation.account("dev", |account| {
            account.dynamodb.put(&ledger("dev"), &attributes(&contract)["M"]);
            add(&mut account.alarms);
            account.alarms.set(name, State::Ok, now);
        });
    })
}

fn slow() -> Metric {
    Metric { period: 300, evaluation_periods: 3, ..Metric::default() }
}

#[test]
fn the_watch_time_covers_metric_math_and_composite_children() {
    let math = watching("math", |alarms| {
        alarms.add_math("math", "m1 / m2", &[("m1", Metric::default()), ("m2", slow())]);
    });
    let composite = watching("all", |alarms| {
        alarms.add_metric("slow", slow());
        alarms.add_composite("inner", "ALARM(slow)");
        alarms.add_composite("all", "ALARM(\"errors\") OR NOT OK(\"inner\")");
    });
    for world in [math, composite] {
        world.simulate(async |simulation| {
            let ended = simulation.command(&deploy(simulation, Behavior::Right).await).await;
            assert_eq!(ended.code, Some(3), "{}", ended.words);
            assert!(ended.words.contains("may need up to"), "{}", ended.words);
        });
    }
}
