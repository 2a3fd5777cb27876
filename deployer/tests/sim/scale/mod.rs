//! What commands cost with up to 500 functions and 10,000 releases, at AWS's rates.
//!
//! The tests compare sizes with each other: calls grow with the number of functions and no faster, nothing is throttled, and the length of
//! the history makes no difference. `.ci/scale` runs [`table`] alone, which measures every cell and writes `target/tmp/scale.md`.

mod cell;
pub(crate) mod cost;
mod history;
mod items;
mod table;

use crate::application::Behavior;
use crate::behaviour::with_releases;
use crate::simulation::{Artifact, Simulation};
use crate::stack::Shape;
use cell::Cell;

/// The stack of these figures: two releases are kept, so that each new one makes something dispensable.
fn shape(functions: usize) -> Shape {
    Shape::of(functions).keeping(2)
}

fn deploy(artifact: &Artifact) -> String {
    format!("deploy dev --artifact {}", artifact.folder.display())
}

/// Every command with this many functions, in this order.
async fn commands(simulation: &Simulation, functions: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut run = async |what: &'static str, command: String| {
        cells.push(Cell::of(simulation, (functions, what), &command).await);
        // Rates recover, and changes propagate.
        tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    };
    let first = simulation.artifact(Behavior::Right);
    let key = simulation.shape.keys().last().unwrap();
    run("deploy, all changed", deploy(&first)).await;
    run("plan, nothing changed", deploy(&first).replace("deploy", "plan")).await;
    run("deploy, nothing changed", deploy(&first)).await;
    run("deploy, one changed", deploy(&simulation.artifact_with_new(&key, &first))).await;
    let second = simulation.artifact(Behavior::Right);
    run("plan, all changed", deploy(&second).replace("deploy", "plan")).await;
    run("deploy, all changed, and prune", deploy(&second)).await;
    run("rollback of all", "rollback dev --to previous".to_owned()).await;
    run("prune", "prune dev --yes".to_owned()).await;
    run("status", "status dev".to_owned()).await;
    run("history", "history dev".to_owned()).await;
    cells
}

fn measured(functions: usize) -> Vec<Cell> {
    with_releases(shape(functions), 1).simulate(async |simulation| commands(simulation, functions).await)
}

/// The most calls of AWS that a command may need: in any case, and for each function.
fn most(what: &str) -> (usize, usize) {
    match what {
        "plan, nothing changed" | "deploy, nothing changed" | "plan, all changed" => (20, 4),
        "deploy, one changed" => (90, 8),
        "deploy, all changed" => (70, 28),
        "deploy, all changed, and prune" => (80, 32),
        "rollback of all" => (50, 16),
        "prune" => (20, 8),
        "status" => (20, 5),
        "history" => (10, 0),
        what => panic!("no limit for {what}"),
    }
}

#[test]
fn calls_grow_with_the_number_of_functions_and_no_faster() {
    let [one, ten, hundred] = [1, 10, 100].map(measured);
    for ((one, ten), hundred) in one.iter().zip(&ten).zip(&hundred) {
        let what = one.what;
        let (fixed, each) = most(what);
        for cell in [one, ten, hundred] {
            assert!(cell.throttled().is_empty(), "{what} with {}: {:?}", cell.functions, cell.throttled());
            // No check waits for long because few requests are left for it.
            let seconds = cell.took.as_secs_f64();
            assert!(seconds < 25.0 + 0.5 * f64::from(u32::try_from(cell.functions).unwrap()), "{what}: {seconds}");
            let (calls, most) = (cell.calls(), fixed + each * cell.functions);
            assert!(
                calls <= most,
                "{what} with {}: {calls} calls of at most {most}: {:?}",
                cell.functions,
                cell.names()
            );
            // Connections: 100 invocations, and the bursts of the rates.
            assert!(cell.at_once() <= 200, "{what} with {}: {}", cell.functions, cell.at_once());
        }
        // With requests to the URL: up to 10 functions are checked through it, the others by Invoke.
        let slope = |less: &Cell, more: &Cell| {
            (more.sent.len() as f64 - less.sent.len() as f64) / (more.functions - less.functions) as f64
        };
        let (first, then) = (slope(one, ten), slope(ten, hundred));
        assert!(then <= first * 1.25 + 0.5, "{what}: {first} requests for each function up to 10, {then} up to 100");
    }
}

#[test]
fn the_heartbeat_does_not_wait_for_the_rates() {
    with_releases(shape(100), 0).simulate(async |simulation| {
        let cell = Cell::of(simulation, (100, "first"), &deploy(&simulation.artifact(Behavior::Right))).await;
        // Calls of Lambda queue for most of that time.
        assert!(cell.took.as_secs() > 30, "{:?}", cell.took);
        let longest = cell.longest_between("TransactWriteItems");
        // The lease is 20 s, and renewed four times in it.
        assert!(longest < std::time::Duration::from_secs(6), "{longest:?}");
    });
}

#[test]
fn a_release_of_many_functions_is_summed_up_on_a_terminal() {
    let [ten, hundred] = [10, 100].map(|functions| {
        with_releases(shape(functions), 1).simulate(async |simulation| {
            let artifact = simulation.artifact(Behavior::Right);
            Cell::of(simulation, (functions, "all"), &deploy(&artifact)).await
        })
    });
    assert!(
        hundred.lines <= ten.lines + 5,
        "{} lines with 10 functions, {} with 100: {}",
        ten.lines,
        hundred.lines,
        hundred.words
    );
    assert!(hundred.words.contains("Prepared 100 of 100 functions ("), "{}", hundred.words);
    assert!(hundred.words.contains("and 90 more functions\n"), "{}", hundred.words);
    let longest = hundred.words.lines().map(str::len).max().unwrap();
    assert!(longest < 300, "{longest}");
}
