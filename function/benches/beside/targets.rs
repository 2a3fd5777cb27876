//! Figures -> a table, with what they must be.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crate::{figures::Figures, soak::Soak};

/// What a warm request may take beyond the store's delay.
const OURS: Duration = Duration::from_millis(1);

/// A line of the table.
pub(crate) struct Line {
    what: String,
    rust: String,
    python: String,
    /// Rust's figure as compared, and what it may be at most; none where it is only shown.
    target: Option<(f64, f64)>,
    unit: &'static str,
}

impl Line {
    /// Whether the target is met.
    pub(crate) fn met(&self) -> bool {
        self.target.is_none_or(|(is, at_most)| is <= at_most)
    }

    /// Times of both functions; Rust's is to be at most 1/`part` of Python's.
    fn times(what: &str, rust: Duration, python: Duration, part: Option<f64>) -> Self {
        let target = part.map(|part| (rust.as_secs_f64() / python.as_secs_f64(), 1.0 / part));
        Self { what: what.to_owned(), rust: ms(rust), python: ms(python), target, unit: "of Python's" }
    }

    /// The size of a zip, in bytes.
    fn zip(zips: &BTreeMap<String, u64>, name: &str, at_most: f64) -> Self {
        let size = zips.get(name).map_or(f64::INFINITY, |size| *size as f64);
        let what = format!("zip of `{name}`");
        let target = Some((size / 1e6, at_most));
        Self { what, rust: format!("{:.3} MB", size / 1e6), python: "-".to_owned(), target, unit: "MB" }
    }
}

/// How much more memory 90,000 invocations may take, in MB: 12 bytes for each.
const GROWTH: f64 = 1.1;

/// All lines; `delay` is how long the store really took.
pub(crate) fn lines(
    rust: &Figures,
    python: &Figures,
    delay: Duration,
    soak: &Soak,
    zips: &BTreeMap<String, u64>,
) -> Vec<Line> {
    let p50 = Line {
        target: Some((rust.p50.as_secs_f64() * 1e3, (delay + OURS).as_secs_f64() * 1e3)),
        unit: "ms",
        ..Line::times("warm request, p50", rust.p50, python.p50, None)
    };
    let first = Line {
        target: Some((rust.first.as_secs_f64() / rust.p50.as_secs_f64(), 1.5)),
        unit: "of a warm one",
        ..Line::times("first request after init", rust.first, python.first, None)
    };
    vec![
        Line::times("init", rust.init, python.init, Some(25.0)),
        first,
        p50,
        Line::times("warm request, p90", rust.p90, python.p90, None),
        Line::times("warm request, p99", rust.p99, python.p99, None),
        Line::times("CPU of a warm request", rust.cpu, python.cpu, Some(6.0)),
        memory(rust.memory, python.memory),
        grown(soak),
        Line::zip(zips, "counter", 2.6),
        Line::zip(zips, "preflight", 0.6),
    ]
}

fn memory(rust: u64, python: u64) -> Line {
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let target = Some((rust as f64 / python as f64, 1.0 / 7.0));
    Line { what: "peak memory".to_owned(), rust: mb(rust), python: mb(python), target, unit: "of Python's" }
}

fn grown(soak: &Soak) -> Line {
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let (early, late) = (mb(soak.early), mb(soak.late));
    let what = format!("peak memory after {} invocations, and after {}", Soak::EARLY, Soak::ALL);
    let target = Some((late - early, GROWTH));
    Line { what, rust: format!("{early:.1}, {late:.1} MB"), python: "-".to_owned(), target, unit: "MB more" }
}

/// The lines in Markdown.
pub(crate) fn table(lines: &[Line], delay: Duration) -> String {
    let mut table = format!("The stand-in for DynamoDB responded after {} in the median.\n\n", ms(delay));
    table += "| | Rust | Python | compared | at most | |\n|---|---:|---:|---:|---:|---|\n";
    for line in lines {
        let Line { what, rust, python, target, unit } = line;
        let (is, at_most) =
            target.map_or_else(Default::default, |(is, at_most)| (format!("{is:.3} {unit}"), format!("{at_most:.3}")));
        let met = if target.is_none() {
            ""
        } else if line.met() {
            "pass"
        } else {
            "FAIL"
        };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {what} | {rust} | {python} | {is} | {at_most} | {met} |");
    }
    table
}

fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
