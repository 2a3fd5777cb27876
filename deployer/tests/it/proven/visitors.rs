//! Visitors, for whom a release has to go unnoticed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::{StopWhenDropped, block_on, client};
use crate::stack;
use crate::strict::Front;

/// Does something while visitors ask both functions through the URL, and adds which of their requests failed to what
/// was wrong.
pub(super) fn visitors(environment: &str, work: impl FnOnce() -> Vec<String>) -> Vec<String> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let visitor = scope.spawn(|| visitor(environment, &stop));
        let _ends = StopWhenDropped(&stop);
        let mut wrong = work();
        stop.store(true, Ordering::SeqCst);
        wrong.extend(visitor.join().unwrap());
        wrong
    })
}

fn visitor(environment: &str, stop: &AtomicBool) -> Vec<String> {
    let front = Front::before(stack().checkout.port(environment));
    let url = front.url(&stack().url(environment));
    let (client, mut failed) = (client(), Vec::new());
    block_on(async {
        while !stop.load(Ordering::SeqCst) {
            for request in
                [client.get(format!("{url}/health")), client.request(reqwest::Method::OPTIONS, format!("{url}/count"))]
            {
                let answer = request.send().await.unwrap();
                if answer.status() != 200 {
                    failed.push(format!("a request failed: {} {}", answer.status(), answer.text().await.unwrap()));
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    failed
}
