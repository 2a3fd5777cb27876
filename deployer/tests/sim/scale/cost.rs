//! What a command costs this process: CPU time without the simulated AWS's, and memory.

use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

thread_local! {
    /// The CPU time of the simulated AWS, while it is measured.
    static AWS: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// What was spent on a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// CPU time of the deployer.
    pub(crate) cpu: Duration,
    /// By how many bytes the process grew beyond its size before, at most. The simulated AWS's responses and what it keeps are part of it.
    pub(crate) memory: u64,
}

fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

/// The work of the simulated AWS and of the simulator, whose time is not the deployer's.
pub(crate) fn of_aws<T>(work: impl FnOnce() -> T) -> T {
    let Some(so_far) = AWS.get() else { return work() };
    let began = cpu();
    let done = work();
    AWS.set(Some(so_far + cpu().saturating_sub(began)));
    done
}

/// Measures what runs on this thread. Memory is that of the whole process: nothing else may run in it.
pub(super) async fn of<T>(work: impl Future<Output = T>) -> (T, Cost) {
    let before = resident("VmRSS:");
    // The highest size so far is forgotten.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    AWS.set(Some(Duration::ZERO));
    let began = cpu();
    let done = work.await;
    let spent = cpu().saturating_sub(began);
    let aws = AWS.replace(None).unwrap_or_default();
    (done, Cost { cpu: spent.saturating_sub(aws), memory: resident("VmHWM:").saturating_sub(before) })
}

/// A size of this process, in bytes; 0 where the system does not show it.
fn resident(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which)).unwrap_or_default();
    line.split_whitespace().next().and_then(|size| size.parse::<u64>().ok()).unwrap_or_default() * 1024
}
