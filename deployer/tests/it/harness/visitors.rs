//! Visitors, for whom what changes meanwhile has to go unnoticed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{block_on, client};
use crate::stack;
use crate::strict::Front;

/// Visits dev through the front until `stop`: how many visits there were, and the statuses of those that failed.
pub(crate) fn visitors(front: &Front, stop: &AtomicBool) -> (usize, Vec<u16>) {
    let address = format!("{}/health", front.url(&stack().url("dev")));
    let (mut visits, mut failed) = (0, Vec::new());
    let client = client();
    block_on(async {
        while !stop.load(Ordering::SeqCst) {
            let status = client.get(&address).send().await.unwrap().status().as_u16();
            visits += 1;
            failed.extend((status != 200).then_some(status));
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    });
    (visits, failed)
}
