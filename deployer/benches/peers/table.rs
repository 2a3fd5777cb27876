//! Figures -> Markdown.

use std::fmt::Write as _;
use std::fs;

use crate::figures::{CaseFigures, Figures, Line};
use crate::rounds::DELAY;

/// The tables, and what they were made on.
pub(crate) fn text(figures: &Figures) -> String {
    [made_on(figures), times(figures), checks(figures), calls(figures)].join("\n")
}

fn made_on(figures: &Figures) -> String {
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let mut text =
        format!("Made on {date}, on {}, in {} alternating rounds of each kind.\n\n", machine(), figures.rounds);
    text += "| | |\n|---|---|\n";
    for (name, version) in &figures.versions {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {name} | {version} |");
    }
    text
}

/// The processor and the number of cores, as Linux names them.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{cores} cores of {}", model.map_or(std::env::consts::ARCH, |(_, name)| name))
}

fn times(figures: &Figures) -> String {
    let ms = DELAY.as_millis();
    let mut text = format!(
        "| | wall | from, to | compared | wall, {ms} ms a call | compared | calls × {ms} ms | CPU | compared | memory | calls | through the URL |\n"
    );
    text += "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
    for line in &figures.lines {
        let _ = match &line.figures {
            Ok(of_line) => writeln!(text, "| {} | {} |", line.name, row(of_line, figures.unit())),
            Err(why) => writeln!(text, "| {} | {} |||||||||||", line.name, why.replace('|', "/")),
        };
    }
    text
}

fn row(line: &CaseFigures, unit: Option<&CaseFigures>) -> String {
    let compared = |figure: fn(&CaseFigures) -> f64| {
        unit.map_or_else(String::new, |unit| format!("{:.2}", figure(line) / figure(unit)))
    };
    let in_a_row = line.calls as f64 * DELAY.as_secs_f64();
    [
        format!("{:.2} s", line.wall),
        format!("{:.2}, {:.2} s", line.spread.0, line.spread.1),
        compared(|figures| figures.wall),
        format!("{:.2} s", line.delayed),
        compared(|figures| figures.delayed),
        format!("{in_a_row:.2} s"),
        format!("{:.2} s", line.cpu),
        compared(|figures| figures.cpu),
        format!("{:.0} MB", line.memory as f64 / 1e6),
        line.calls.to_string(),
        line.requests.to_string(),
    ]
    .join(" | ")
}

fn checks(figures: &Figures) -> String {
    let mut text =
        "| | before traffic moves | after it moved | on a failure | record |\n|---|---|---|---|---|\n".to_owned();
    let mut last = None;
    for Line { name, checks, .. } in &figures.lines {
        // The checks of one tool are listed once.
        if last.replace(checks) != Some(checks) {
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} | {} |",
                checks.before, checks.after, checks.on_failure, checks.record
            );
        }
    }
    text
}

fn calls(figures: &Figures) -> String {
    let mut text = "| | the calls of one run |\n|---|---|\n".to_owned();
    for line in &figures.lines {
        let Ok(of_line) = &line.figures else { continue };
        let number =
            |(name, number): (&String, &usize)| if *number == 1 { name.clone() } else { format!("{number} {name}") };
        let list: Vec<String> = of_line.by_name.iter().map(number).collect();
        let _ = writeln!(text, "| {} | {} |", line.name, list.join(", "));
    }
    text
}
