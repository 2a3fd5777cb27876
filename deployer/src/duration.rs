//! How long something took or will take, in words for people.

use std::time::Duration;

/// `0.8 s`, `12 s`, `2 min 5 s`, `1 h 30 min`: as exact as it is useful to read.
pub fn spoken(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    // Nothing that takes time is shown as if it took none.
    let tenths = if time.is_zero() { 0 } else { tenths.max(1) };
    if tenths < 100 {
        let (seconds, tenth) = (tenths / 10, tenths % 10);
        return if tenth == 0 { format!("{seconds} s") } else { format!("{seconds}.{tenth} s") };
    }
    let seconds = (time.as_millis() + 500) / 1000;
    let both = |large: u128, small: u128, units: (&str, &str)| match small {
        0 => format!("{large} {}", units.0),
        _ => format!("{large} {} {small} {}", units.0, units.1),
    };
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => both(seconds / 60, seconds % 60, ("min", "s")),
        _ => {
            let minutes = (seconds + 30) / 60;
            both(minutes / 60, minutes % 60, ("h", "min"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_as_exact_as_it_is_useful() {
        let shown = [
            (0, "0 s"),
            (3, "0.1 s"),
            (812, "0.8 s"),
            (2_000, "2 s"),
            (9_949, "9.9 s"),
            (9_990, "10 s"),
            (12_400, "12 s"),
            (59_700, "1 min"),
            (125_000, "2 min 5 s"),
            (300_000, "5 min"),
            (3_600_000, "1 h"),
            (5_410_000, "1 h 30 min"),
        ];
        for (millis, expected) in shown {
            assert_eq!(spoken(Duration::from_millis(millis)), expected);
        }
    }
}
