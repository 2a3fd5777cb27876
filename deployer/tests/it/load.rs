//! Many visitors at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{block_on, client};
use crate::stack;

/// The throttle of dev's stage, lifted until this is dropped.
struct Lifted;

impl Lifted {
    fn new() -> Self {
        throttle("10000", "5000");
        Self
    }
}

impl Drop for Lifted {
    fn drop(&mut self) {
        throttle("100", "50"); // as Terraform set it
    }
}

fn throttle(rate: &str, burst: &str) {
    let operation =
        |limit: &str, value: &str| json!({"op": "replace", "path": format!("/*/*/throttling/{limit}"), "value": value});
    let operations = json!({"patchOperations": [operation("rateLimit", rate), operation("burstLimit", burst)]});
    stack().behind("dev", "PATCH", &format!("/restapis/{}/stages/dev", stack().api("dev")), None, &operations);
}

pub(crate) fn hundreds_of_simultaneous_visits_are_counted_exactly() {
    const VISITS: u64 = 400;
    let _lifted = Lifted::new();
    let url = stack().url("dev");
    let total = || stack().get(&format!("{url}/health")).2["count"].as_u64().unwrap();
    let (before, sent) = (total(), AtomicU64::new(0));
    let visit = async |client: &reqwest::Client| {
        let response = client.get(format!("{url}/count")).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["count"].as_u64().unwrap()
    };
    // They come one after the other, within seconds: not every one of them is to start a container.
    let visitor = async |number: u64| {
        tokio::time::sleep(Duration::from_millis(50) * u32::try_from(number).unwrap()).await;
        let (client, mut counts) = (client(), Vec::new());
        while sent.fetch_add(1, Ordering::SeqCst) < VISITS {
            counts.push(visit(&client).await);
        }
        counts
    };
    let counts = block_on(async { join_all((0..32).map(visitor)).await });
    let counts: BTreeSet<u64> = counts.into_iter().flatten().collect();
    // Each number once: none was lost, and none given to two.
    assert_eq!(
        (counts.len() as u64, counts.first(), counts.last()),
        (VISITS, Some(&(before + 1)), Some(&(before + VISITS)))
    );
    assert_eq!(total(), before + VISITS);
}
