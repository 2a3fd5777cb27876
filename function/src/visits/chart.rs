//! Figures -> horizontal bars, for a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::visits::{
    plain::{fit, plain},
    tally::{Figure, Figures},
};

/// How many paths and agents have a bar of their own.
const TOP: usize = 10;
/// What the eighths of a column look like.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// Narrower than this, bars show nothing: the lines wrap instead.
const NARROWEST: usize = 40;

/// `figures` in lines of at most `width` columns.
#[must_use]
pub fn text(figures: &Figures, width: usize) -> String {
    let Figures { table, from, to, visits, days, paths, agents } = figures;
    let word = if *visits == 1 { "visit" } else { "visits" };
    let mut text = format!("{visits} {word} in `{table}` from {from} to {to} (UTC)\n");
    if let Some(days) = days {
        section(&mut text, "by day", days, width);
    }
    if let Some(paths) = paths {
        section(&mut text, "by path", &top(paths), width);
    }
    if let Some(agents) = agents {
        section(&mut text, "by agent", &top(agents), width);
    }
    text
}

/// The first of `figures`, and all others together.
fn top(figures: &[Figure]) -> Vec<Figure> {
    let (first, others) = figures.split_at(figures.len().min(TOP));
    let rest = others.iter().map(|figure| figure.visits).sum();
    let others = (!others.is_empty()).then(|| Figure { name: "others".to_owned(), visits: rest });
    first.iter().cloned().chain(others).collect()
}

fn section(text: &mut String, title: &str, figures: &[Figure], width: usize) {
    if figures.is_empty() {
        return;
    }
    let width = width.max(NARROWEST);
    let names: Vec<_> = figures.iter().map(|figure| plain(&figure.name)).collect();
    let most = figures.iter().map(|figure| figure.visits).max().unwrap_or(0);
    let label = names.iter().map(|name| name.width()).max().unwrap_or(0).min(width / 2);
    let number = most.to_string().len();
    let room = width.saturating_sub(label + number + 3);
    // A text always takes what is written into it.
    let _ = writeln!(text, "\n{title}");
    for (name, Figure { visits, .. }) in names.iter().zip(figures) {
        let line = format!("{}  {visits:>number$} {}", fit(name, label), bar(*visits, most, room));
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// A bar for `part` where `most` has one of `room` columns. Every visit is visible: it has at least an eighth.
fn bar(part: u64, most: u64, room: usize) -> String {
    if part == 0 || most == 0 {
        return String::new();
    }
    let eighths = u128::from(part) * 8 * room as u128 / u128::from(most);
    let eighths = usize::try_from(eighths).unwrap_or(usize::MAX).clamp(1, room.max(1) * 8);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn figure(name: &str, visits: u64) -> Figure {
        Figure { name: name.to_owned(), visits }
    }

    fn figures(days: &[(&str, u64)], paths: Vec<Figure>) -> Figures {
        Figures {
            table: "visits".to_owned(),
            from: "2026-01-01".parse().unwrap(),
            to: "2026-01-03".parse().unwrap(),
            visits: days.iter().map(|(_, visits)| visits).sum(),
            days: Some(days.iter().map(|(day, visits)| figure(day, *visits)).collect()),
            paths: Some(paths),
            agents: None,
        }
    }

    #[test]
    fn a_chart_looks_like_this() {
        let days = [("2026-01-01", 200), ("2026-01-02", 0), ("2026-01-03", 1)];
        let paths = (0..12).map(|n| figure(&format!("/page-{n}"), 20 - n)).collect();
        let shown = text(&figures(&days, paths), 40);
        let expected = "\
201 visits in `visits` from 2026-01-01 to 2026-01-03 (UTC)

by day
2026-01-01  200 ████████████████████████
2026-01-02    0
2026-01-03    1 ▏

by path
/page-0  20 ████████████████████████████
/page-1  19 ██████████████████████████▌
/page-2  18 █████████████████████████▏
/page-3  17 ███████████████████████▊
/page-4  16 ██████████████████████▍
/page-5  15 █████████████████████
/page-6  14 ███████████████████▌
/page-7  13 ██████████████████▏
/page-8  12 ████████████████▊
/page-9  11 ███████████████▍
others   19 ██████████████████████████▌
";
        assert_eq!(shown, expected, "\n{shown}");
    }

    #[test]
    fn a_hostile_path_is_escaped_and_cut() {
        let paths = vec![figure(&format!("/\u{1b}]0;{}\u{202e}", "x".repeat(300)), 1)];
        let shown = text(&figures(&[("2026-01-01", 1)], paths), 60);
        assert!(shown.contains("\n/\\u{1b}]0;xxxxxxxxxxxxxxxxxxx…  1 █"), "{shown}");
    }

    #[test]
    fn without_a_visit_there_are_days_and_nothing_else() {
        let shown = text(&figures(&[("2026-01-01", 0)], vec![]), 60);
        assert_eq!(shown, "0 visits in `visits` from 2026-01-01 to 2026-01-03 (UTC)\n\nby day\n2026-01-01  0\n");
    }

    proptest! {
        #[test]
        fn a_bar_fits_its_room_and_every_visit_has_one(part: u64, more: u64, room in 1_usize..200) {
            let bar = bar(part, part.saturating_add(more), room);
            prop_assert!(bar.width() <= room);
            prop_assert_eq!(bar.is_empty(), part == 0);
        }
    }
}
