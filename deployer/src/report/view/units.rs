//! Ages, durations, short hashes and small charts: how a number looks on every screen.

use jiff::Timestamp;

use crate::report::screen::Screen;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago a time was, in its largest unit: `3 min ago`. What is not a time is shown as it is.
pub(super) fn age(time: &str, screen: &Screen) -> String {
    let Ok(then) = time.parse::<Timestamp>() else { return time.to_owned() };
    let seconds = screen.now.duration_since(then).as_secs();
    match seconds {
        // Clocks differ: a time in the near future is not an error.
        ..5 => "just now".to_owned(),
        5..MINUTE => format!("{seconds} s ago"),
        MINUTE..HOUR => format!("{} min ago", seconds / MINUTE),
        HOUR..DAY => format!("{} h ago", seconds / HOUR),
        _ => format!("{} d ago", seconds / DAY),
    }
}

/// A time to the second, for a page that is read later. What is not a time is shown as it is.
pub(super) fn moment(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => time.to_owned(),
    }
}

/// A duration in at most two units: `0.8 s`, `2 min 5 s`, `1 h 3 min`.
pub(super) fn duration(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round();
    if tenths < 600.0 {
        return format!("{:.1} s", tenths / 10.0);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a duration has fewer seconds than an i64 has numbers")]
    let seconds = (tenths / 10.0).round() as i64;
    let two = |large: i64, unit: &str, small: i64, smaller: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {smaller}"),
    };
    match seconds {
        ..HOUR => two(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
    }
}

/// A configured time, in whole seconds: `30 s`, `5 min`.
pub(super) fn set_time(time: std::time::Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        _ => duration(time.as_secs_f64()),
    }
}

/// A duration in milliseconds.
pub(super) fn millis(millis: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is shown to a tenth of a second")]
    duration(millis as f64 / 1000.0)
}

/// The first 7 digits of a commit or a hash, as git shows them.
pub(super) fn hash(hash: &str) -> &str {
    hash.get(..7).unwrap_or(hash)
}

/// `1 release`, `2 releases`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{} {what}{}", number_text(number), if number == 1 { "" } else { "s" })
}

/// A number with its thousands apart: `10,000`.
fn number_text(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Values as a line of bars, each relative to the highest.
pub(super) fn trend(values: &[f64], screen: &Screen) -> String {
    let letters: &[char] = if screen.unicode {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    } else {
        &['_', '.', '-', '=', '+', '*', '%', '#']
    };
    let highest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    values.iter().filter_map(|value| letters.get(level(value / highest, letters.len() - 1))).collect()
}

/// A bar of a chart: `share` of `columns`, and at least something where there is anything to show.
pub(super) fn bar(share: f64, columns: usize, screen: &Screen) -> String {
    let parts = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    if !screen.unicode {
        let length = level(share, columns).max(usize::from(share > 0.0));
        return "#".repeat(length);
    }
    let eighths = level(share, columns * 8).max(usize::from(share > 0.0));
    let mut bar = "█".repeat(eighths / 8);
    bar.extend(parts.get((eighths % 8).wrapping_sub(1)));
    bar
}

/// A share as one of the numbers from 0 to `highest`.
fn level(share: f64, highest: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share between 0 and 1 of a screen's columns"
    )]
    let level = (share.clamp(0.0, 1.0) * highest as f64).round() as usize;
    level.min(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(unicode: bool) -> Screen {
        Screen { unicode, ..Screen::plain("2026-01-10T10:00:00Z".parse().unwrap()) }
    }

    #[test]
    fn an_age_has_one_unit() {
        let cases = [
            ("2026-01-10T09:59:58.123456789Z", "just now"),
            ("2026-01-10T10:04:00Z", "just now"),
            ("2026-01-10T09:59:18Z", "42 s ago"),
            ("2026-01-10T09:57:00Z", "3 min ago"),
            ("2026-01-10T05:00:00Z", "5 h ago"),
            ("2026-01-08T09:00:00Z", "2 d ago"),
            ("2024-01-10T10:00:00Z", "731 d ago"),
            ("soon", "soon"),
        ];
        for (time, expected) in cases {
            assert_eq!(age(time, &screen(true)), expected, "{time}");
        }
    }

    #[test]
    fn a_moment_has_no_fraction() {
        assert_eq!(moment("2026-01-10T10:00:00.123456789Z"), "2026-01-10 10:00:00 UTC");
        assert_eq!(moment("soon"), "soon");
    }

    #[test]
    fn a_duration_has_at_most_two_units() {
        let cases = [
            (0.0, "0.0 s"),
            (0.84, "0.8 s"),
            (59.94, "59.9 s"),
            (59.96, "1 min"),
            (125.0, "2 min 5 s"),
            (3_780.0, "1 h 3 min"),
            (86_400.0, "1 d"),
            (180_000.0, "2 d 2 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn a_trend_is_relative_to_its_highest_value() {
        assert_eq!(trend(&[0.0, 4.0, 8.0], &screen(true)), "▁▅█");
        assert_eq!(trend(&[0.0, 4.0, 8.0], &screen(false)), "_+#");
        assert_eq!(trend(&[0.0], &screen(true)), "▁");
        assert_eq!(trend(&[], &screen(true)), "");
    }

    #[test]
    fn a_bar_shows_even_a_small_share() {
        assert_eq!([bar(1.0, 4, &screen(true)), bar(0.4, 4, &screen(true))], ["████", "█▋"]);
        assert_eq!([bar(1.0, 4, &screen(false)), bar(0.001, 4, &screen(false))], ["####", "#"]);
        assert_eq!([bar(0.0, 4, &screen(true)), bar(0.001, 4, &screen(true))], ["", "▏"]);
    }

    #[test]
    fn a_large_number_is_readable() {
        assert_eq!([count(1, "release"), count(10_000, "release")], ["1 release", "10,000 releases"]);
        assert_eq!(hash("0123456789"), "0123456");
    }
}
