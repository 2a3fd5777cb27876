//! Every cell, as a table: `.ci/scale`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::cell::{Cell, SERVICES};
use super::{history, items, measured};
use crate::behaviour::with_releases;

/// What the table has.
struct Extent {
    functions: &'static [usize],
    older: u32,
    /// The sizes of the stacks with the longest names.
    worst: &'static [usize],
}

/// All of it takes minutes, and needs the process for itself.
const WHOLE: Extent = Extent { functions: &[1, 10, 100, 500], older: 10_000, worst: &[100, 500] };
const QUICK: Extent = Extent { functions: &[1, 3], older: 30, worst: &[2] };

impl Extent {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of what is tested")]
    fn wanted() -> Self {
        if std::env::var_os("SCALE").is_some() { WHOLE } else { QUICK }
    }
}

fn head() -> String {
    let services: Vec<_> = SERVICES.iter().map(|service| format!(" {service} |")).collect();
    format!(
        "| functions | command | seconds |{} calls | throttled | at once | read, KB | written, KB | CPU, s | memory, MB | lines |\n|---:|---|---:|{}---:|---:|---:|---:|---:|---:|---:|---:|\n",
        services.concat(),
        "---:|".repeat(SERVICES.len())
    )
}

fn row(cell: &Cell) -> String {
    let calls: String = SERVICES.iter().map(|service| format!(" {} |", cell.of_service(service))).collect();
    let (_, read) = cell.read_of_the_ledger();
    format!(
        "| {} | {} | {:.1} |{calls} {} | {} | {} | {} | {} | {:.2} | {} | {} |\n",
        cell.functions,
        cell.what,
        cell.took.as_secs_f64(),
        cell.calls(),
        cell.throttled().values().sum::<usize>(),
        cell.at_once(),
        read.div_ceil(1024),
        cell.written().div_ceil(1024),
        cell.cost.cpu.as_secs_f64(),
        cell.cost.memory.div_ceil(1 << 20),
        cell.lines,
    )
}

#[test]
fn the_table_of_every_size() {
    let extent = Extent::wanted();
    let mut text = head();
    let mut spent = BTreeMap::new();
    for functions in extent.functions {
        for cell in measured(*functions) {
            add(&mut text, &cell);
            spent.insert((cell.what, *functions), cell.cost.cpu);
        }
    }
    let _ = write!(text, "\nWith {} earlier releases:\n\n{}", extent.older, head());
    for functions in extent.functions {
        let past = if *functions <= 10 { history::Past::Whole } else { history::Past::Thin };
        let world = history::after(*functions, extent.older, past);
        let cells = world.simulate(async |simulation| history::commands(simulation, *functions).await);
        cells.iter().for_each(|cell| add(&mut text, cell));
    }
    text.push_str("\nThe items of the ledger, with the longest names and a linear shift in five steps:\n\n");
    text.push_str("| functions | item | KB |\n|---:|---|---:|\n");
    for functions in extent.worst {
        let world = with_releases(items::worst(*functions), 1);
        let sizes = world.simulate(async |simulation| items::releases(simulation).await);
        for (key, size) in sizes.iter().filter(|(key, _)| key != "lock") {
            let _ = writeln!(text, "| {functions} | `{key}` | {} |", size.div_ceil(1024));
        }
        assert!(sizes.iter().all(|(_, size)| *size <= items::LARGEST), "{sizes:?}");
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scale.md");
    std::fs::write(&file, &text).unwrap();
    println!("{}", file.display());
    // What takes five times as many functions takes less than eight times as much of the CPU.
    for ((what, functions), cpu) in &spent {
        let fewer = spent.get(&(*what, functions / 5)).filter(|_| *functions > 100);
        assert!(fewer.is_none_or(|fewer| *cpu < *fewer * 8), "{what} with {functions}: {cpu:?} after {fewer:?}");
    }
}

fn add(text: &mut String, cell: &Cell) {
    let row = row(cell);
    print!("{row}");
    text.push_str(&row);
    assert!(cell.throttled().is_empty(), "{}: {:?}", cell.what, cell.throttled());
}
