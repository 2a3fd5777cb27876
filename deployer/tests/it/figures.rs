//! What each command costs: how many calls, and how many of them had to wait for one another.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::harness::{Ended, SENTENCE};
use crate::stack;
use crate::strict::{Action, At, Call, Front, depth};

const CHANGED: &str = "There is nothing to see.";

/// With every answer delayed, calls that go out side by side overlap, and what is counted is what waits.
fn slow(environment: &str) -> Front {
    let front = Front::before(stack().checkout.port(environment));
    front.on(At::any(), Action::Delay(Duration::from_millis(150)));
    front
}

/// (calls, of them able to write, round trips deep), without the requests through the URL.
fn cost(calls: &[Call]) -> (usize, usize, usize) {
    let aws: Vec<Call> = calls.iter().filter(|call| call.name != "URL").cloned().collect();
    (aws.len(), aws.iter().filter(|call| call.writes()).count(), depth(&aws))
}

/// Bounds, not records: a command that needs more than these has become slower than it was meant to be. The table is
/// left in the build folder.
pub(crate) fn each_command_keeps_within_its_calls_and_round_trips() {
    let (stack, dev) = (stack(), slow("dev"));
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    stack.released("dev", &changed);
    stack.released("dev", &base);
    let mut table = String::from("| command | calls | able to write | round trips deep |\n|---|---|---|---|\n");
    let mut measured = |what: &str, (ended, calls): (Ended, Vec<Call>), most: (usize, usize, usize)| {
        assert_eq!(ended.code, 0, "{what}: {}", ended.stderr);
        let (total, writes, deep) = cost(&calls);
        let _ = writeln!(table, "| {what} | {total} | {writes} | {deep} |");
        let names: Vec<_> = calls.iter().map(|call| call.name).collect();
        assert!(total <= most.0 && writes <= most.1 && deep <= most.2, "{what}: {total} {writes} {deep}: {names:?}");
    };
    // How much there is to prune depends on the tests before, how many signs of life on the machine.
    let keep_all = [("releases = 10", "releases = 1000"), ("lease_seconds = 20", "lease_seconds = 120")];
    let run = |arguments: &str| stack.checkout.through_with(&dev, "dev", &keep_all, arguments);
    measured("no-op", run(&format!("deploy dev --artifact {base}")), (20, 0, 2));
    measured("deploy, a version that exists", run(&format!("deploy dev --artifact {changed}")), (54, 8, 16));
    measured("promote", stack.promoted_through(&dev, &slow("prod"), "promote dev prod"), (75, 12, 32));
    measured("rollback", run("rollback dev --to previous"), (40, 6, 9));
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures.md");
    std::fs::write(file, table).unwrap();
    stack.released("dev", &base);
    stack.promoted("promote dev prod").0.expect(0);
}
