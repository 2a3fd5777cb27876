//! Where the time of a release went: its steps as bars, each below the time at which it ran.

use jiff::Timestamp;

use super::table::{letters, line, paragraph};
use super::units::{bar, count, millis};
use crate::ledger::{StepRecord, Timings};
use crate::report::screen::Screen;

/// Of steps side by side, the longest ones that are shown one by one.
const SHOWN: usize = 5;
/// Columns of the bars where there is no edge.
const BARS: usize = 40;
/// Fewer columns than this show nothing.
const FEWEST: usize = 8;

/// Whether a chart is shown, as the flag `--timings` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chart {
    /// It is.
    Shown,
    /// It is not.
    #[default]
    Hidden,
}

impl Chart {
    /// Of the flag.
    pub fn of(timings: bool) -> Self {
        if timings { Self::Shown } else { Self::Hidden }
    }
}

/// One bar: from where to where, in milliseconds since the run began.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    what: String,
    from: u64,
    took: u64,
}

/// The chart; empty if nothing was measured.
pub(super) fn chart(timings: Timings, steps: &[StepRecord], screen: &Screen) -> String {
    let spans = spans(timings, steps);
    let total = spans.iter().map(|span| span.from.saturating_add(span.took)).max().unwrap_or_default();
    if spans.is_empty() {
        return String::new();
    }
    let mut text = format!("\nwhere the time went: {}\n\n", millis(total));
    let times: Vec<String> = spans.iter().map(|span| millis(span.took)).collect();
    let (widest, longest) = (
        spans.iter().map(|span| span.what.chars().count()).max().unwrap_or_default(),
        times.iter().map(String::len).max().unwrap_or_default(),
    );
    let rest = screen.width.map(|width| width.saturating_sub(widest + longest + 6));
    let columns = rest.unwrap_or(BARS).min(BARS);
    for (span, time) in spans.iter().zip(times) {
        // On a narrow screen only the times are left.
        if columns < FEWEST {
            text.push_str(&paragraph(&format!("{}: {time}", span.what), "", screen));
            continue;
        }
        let (before, during) = (share(span.from, total), share(span.took, total));
        let bar = bar(during, columns, screen);
        // A bar is inside the chart, however short it is.
        let indent = scaled(before, columns).min(columns.saturating_sub(bar.chars().count()));
        let line = format!("  {:<widest$}  {time:>longest$}  {}{bar}", span.what, " ".repeat(indent));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    letters(&text, screen)
}

#[expect(clippy::cast_precision_loss, reason = "it becomes the length of a bar")]
fn share(part: u64, total: u64) -> f64 {
    part as f64 / total.max(1) as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a screen's columns"
)]
fn scaled(share: f64, columns: usize) -> usize {
    (share * columns as f64).floor() as usize
}

/// What was done, in its order. What comes before the steps went one after the other.
fn spans(timings: Timings, steps: &[StepRecord]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut now = 0;
    let mut add = |what: &str, took: Option<u64>| {
        let Some(took) = took else { return };
        spans.push(Span { what: what.to_owned(), from: now, took });
        now = now.saturating_add(took);
    };
    add("read what is live", timings.read);
    add("build", timings.build);
    add("fetch the packages", timings.fetch);
    add("take the lock", timings.lock);
    add("read again", timings.read_again);
    let first = steps.iter().find_map(began);
    let mut end = now;
    let mut rest = steps;
    while let Some(step) = rest.first() {
        // Steps of one phase began at the same time.
        let length = rest.iter().take_while(|other| other.started_at == step.started_at).count().max(1);
        let (phase, later) = rest.split_at(length);
        rest = later;
        let Some((began, first)) = began(step).zip(first) else { continue };
        let from = now.saturating_add(u64::try_from(began.saturating_sub(first)).unwrap_or_default());
        let mut done: Vec<Span> = phase
            .iter()
            .filter_map(|step| Some(Span { what: line(&step.step).replace('`', ""), from, took: step.millis? }))
            .collect();
        end = done.iter().map(|span| span.from.saturating_add(span.took)).chain([end]).max().unwrap_or(end);
        if done.len() > SHOWN + 1 {
            done.sort_by_key(|span| std::cmp::Reverse(span.took));
            let others = done.split_off(SHOWN);
            let took = others.iter().map(|span| span.took).max().unwrap_or_default();
            done.push(Span { what: format!("and {} beside them", count(others.len(), "step")), from, took });
        }
        spans.extend(done);
    }
    if let Some(took) = timings.record {
        spans.push(Span { what: "write the record".to_owned(), from: end, took });
    }
    spans
}

fn began(step: &StepRecord) -> Option<i64> {
    Some(step.started_at.as_deref()?.parse::<Timestamp>().ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: &str, began: &str, millis: u64) -> StepRecord {
        let started_at = Some(format!("2026-01-10T10:00:{began}Z"));
        StepRecord { step: step.to_owned(), started_at, millis: Some(millis) }
    }

    fn timings() -> Timings {
        let some = Some;
        Timings {
            read: some(800),
            build: some(6_000),
            lock: some(100),
            read_again: some(400),
            record: some(100),
            fetch: None,
        }
    }

    fn screen(width: impl Into<Option<usize>>, unicode: bool) -> Screen {
        Screen { width: width.into(), unicode, ..Screen::plain(Timestamp::UNIX_EPOCH) }
    }

    fn steps() -> Vec<StepRecord> {
        vec![
            step("publish and check a version of `a`", "00", 3_000),
            step("publish and check a version of `b`", "00", 1_000),
            step("move the alias of `a`", "03.1", 100),
            StepRecord::planned(&"move the stage"),
        ]
    }

    #[test]
    fn each_step_is_a_bar_below_its_time() {
        let expected = "\n\
where the time went: 10.6 s

  read what is live                 0.8 s  ███
  build                             6.0 s     ██████████████████████▋
  take the lock                     0.1 s                           ▍
  read again                        0.4 s                            █▌
  publish and check a version of a  3.0 s                             ███████████▍
  publish and check a version of b  1.0 s                             ███▊
  move the alias of a               0.1 s                                         ▍
  write the record                  0.1 s                                         ▍
";
        assert_eq!(chart(timings(), &steps(), &screen(None, true)), expected);
        assert_eq!(chart(timings(), &steps(), &screen(100, true)), expected);
    }

    #[test]
    fn the_chart_is_drawn_in_ascii() {
        let expected = "\n\
where the time went: 10.6 s

  read what is live                 0.8 s  ##
  build                             6.0 s    ###############
  take the lock                     0.1 s                   #
  read again                        0.4 s                   #
  publish and check a version of a  3.0 s                    ########
  publish and check a version of b  1.0 s                    ###
  move the alias of a               0.1 s                            #
  write the record                  0.1 s                            #
";
        assert_eq!(chart(timings(), &steps(), &screen(70, false)), expected);
    }

    #[test]
    fn on_a_narrow_screen_only_the_times_are_left() {
        let expected = "\n\
where the time went: 10.6 s

read what is live: 0.8 s
build: 6.0 s
take the lock: 0.1 s
read again: 0.4 s
publish and check a version of a: 3.0 s
publish and check a version of b: 1.0 s
move the alias of a: 0.1 s
write the record: 0.1 s
";
        assert_eq!(chart(timings(), &steps(), &screen(40, true)), expected);
        assert!(chart(timings(), &steps(), &screen(20, true)).contains("\nread what is live:\n0.8 s\n"));
    }

    #[test]
    fn of_many_functions_the_slowest_are_shown() {
        let steps: Vec<_> = (1..=500).map(|number| step(&format!("publish `f{number}`"), "00", number)).collect();
        let chart = chart(Timings::default(), &steps, &screen(100, true));
        assert_eq!(chart.lines().count(), 3 + SHOWN + 1, "{chart}");
        assert!(chart.contains("publish f500") && chart.contains("and 495 steps beside them"), "{chart}");
    }

    #[test]
    fn what_was_not_measured_has_no_chart() {
        assert_eq!(chart(Timings::default(), &[StepRecord::planned(&"a")], &screen(None, true)), "");
        let endless = [step("a", "00", u64::MAX / 4), step("b", "x", 5)];
        assert!(chart(Timings::default(), &endless, &screen(None, true)).contains('a'));
    }
}
