//! The time axis: from minutes to months on one line.
//!
//! A linear scale would show a busy afternoon as one dot, and a quiet month as an empty screen. Here the distance between two moments
//! grows with the logarithm of the time between them, and no release is narrower than its label.

use jiff::{SignedDuration, Timestamp};

/// Pixels before the first release, and after the last.
pub(super) const MARGIN: i32 = 16;
/// The least width of a release.
const NARROWEST: i32 = 46;
/// Between two releases of an environment.
const APART: i32 = 10;
/// What the label of a day needs.
const DAY: i32 = 58;
/// What the label of a day with its year needs.
const YEAR: i32 = 92;
/// The widest gap, however long it lasted.
const WIDEST: f64 = 110.0;
/// From here on a gap has a label.
const IDLE: SignedDuration = SignedDuration::from_hours(12);

/// A release on the axis: its lane, and when it began and ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) lane: usize,
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
}

/// Where everything is, in pixels from the left.
#[derive(Debug, Default)]
pub(super) struct Axis {
    /// Of each span: from, to.
    pub(super) places: Vec<(i32, i32)>,
    /// The first release of each day.
    pub(super) days: Vec<(i32, String)>,
    /// The middle of each gap that was long, and how long it was.
    pub(super) gaps: Vec<(i32, String)>,
    pub(super) width: i32,
}

impl Axis {
    pub(super) fn of(spans: &[Span]) -> Self {
        let mut moments: Vec<(Timestamp, bool, usize)> = Vec::new();
        for (index, span) in spans.iter().enumerate() {
            moments.push((span.began, false, index));
            moments.push((span.ended.max(span.began), true, index));
        }
        // Of the same moment what ended comes first, but never before its own beginning.
        moments.sort_by_key(|(at, ends, index)| {
            (*at, *ends && spans[*index].ended <= spans[*index].began, !*ends, *index)
        });
        let mut axis = Self { places: vec![(0, 0); spans.len()], ..Self::default() };
        let lanes = spans.iter().map(|span| span.lane + 1).max().unwrap_or(0);
        let (mut x, mut before, mut free) = (MARGIN, None::<Timestamp>, vec![MARGIN; lanes]);
        for (at, ends, index) in moments {
            let lane = spans[index].lane;
            let from = x;
            x += before.map_or(0, |before| distance(at.duration_since(before)));
            if ends {
                x = x.max(
                    axis.places[index].0
                        + NARROWEST
                        + distance(spans[index].ended.duration_since(spans[index].began)) / 2,
                );
                axis.places[index].1 = x;
                free[lane] = x + APART;
            } else {
                x = x.max(free[lane]);
                x = axis.label(before, at, (from, x));
                axis.places[index].0 = x;
            }
            before = Some(at);
        }
        axis.width = x + MARGIN;
        axis
    }

    /// The labels of a release that begins at `at`. Returns where there is room for it.
    fn label(&mut self, before: Option<Timestamp>, at: Timestamp, (from, mut x): (i32, i32)) -> i32 {
        let day = |at: Timestamp| at.strftime("%-d %b").to_string();
        let year = |at: Timestamp| at.strftime("%Y").to_string();
        let is_new_year = before.is_none_or(|before| year(before) != year(at));
        if before.is_some_and(|before| day(before) == day(at)) && !is_new_year {
            return x;
        }
        let (label, room) = if is_new_year { (format!("{} {}", day(at), year(at)), YEAR) } else { (day(at), DAY) };
        let taken = self.days.last().map_or(MARGIN, |(last, label)| last + if label.len() > 6 { YEAR } else { DAY });
        x = x.max(if before.is_some() { taken } else { MARGIN }).max(if before.is_some() {
            from + room / 2
        } else {
            0
        });
        if let Some(gap) = before.map(|before| at.duration_since(before)).filter(|gap| *gap >= IDLE && x - from >= 40) {
            self.gaps.push((i32::midpoint(from, x), roughly(gap)));
        }
        self.days.push((x, label));
        x
    }
}

/// How far apart two moments are drawn.
fn distance(gap: SignedDuration) -> i32 {
    let minutes = (gap.as_secs_f64() / 60.0).max(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "at most the widest gap")]
    let pixels = (minutes.ln_1p() * 11.0).min(WIDEST) as i32;
    pixels
}

/// A long time in its largest unit.
fn roughly(time: SignedDuration) -> String {
    match time.as_hours() {
        hours @ ..24 => format!("{hours} hours"),
        hours @ 24..48 => format!("1 day, {} hours", hours - 24),
        hours => format!("{} days", hours / 24),
    }
}

/// A time in its two largest units.
pub(super) fn length(time: SignedDuration) -> String {
    let seconds = time.as_secs_f64().max(0.0);
    let whole = time.as_secs().max(0);
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {:02} min", whole / 3_600, whole % 3_600 / 60),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", whole / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(lane: usize, began: &str, seconds: i64) -> Span {
        let began: Timestamp = began.parse().unwrap();
        Span { lane, began, ended: began + SignedDuration::from_secs(seconds) }
    }

    #[test]
    fn releases_of_a_lane_never_overlap_and_follow_the_clock() {
        let mut spans = Vec::new();
        for (number, gap) in [0_i64, 1, 5, 60, 3_600, 90_000, 40_000_000].into_iter().enumerate() {
            let began = format!("2026-01-0{}T10:00:00Z", number + 1).parse::<Timestamp>().unwrap();
            let began = began + SignedDuration::from_secs(gap);
            spans.push(Span { lane: number % 2, began, ended: began + SignedDuration::from_secs(3) });
        }
        let axis = Axis::of(&spans);
        for lane in [0, 1] {
            let of_lane: Vec<_> = spans.iter().zip(&axis.places).filter(|(span, _)| span.lane == lane).collect();
            for pair in of_lane.windows(2) {
                assert!(pair[0].1.1 < pair[1].1.0, "{pair:?}");
            }
        }
        assert!(axis.places.iter().all(|(from, to)| to - from >= NARROWEST && *to < axis.width));
    }

    #[test]
    fn a_month_of_silence_takes_less_room_than_a_busy_hour() {
        let mut spans: Vec<_> = (0..6).map(|number| span(0, &format!("2026-01-01T10:0{number}:00Z"), 20)).collect();
        let busy = Axis::of(&spans).width;
        spans.push(span(0, "2026-02-01T10:00:00Z", 20));
        let axis = Axis::of(&spans);
        assert!(axis.width - busy < busy, "{busy}, {}", axis.width);
        assert_eq!(axis.gaps.len(), 1);
        assert_eq!(axis.gaps[0].1, "30 days");
        let days: Vec<_> = axis.days.iter().map(|(_, day)| day.as_str()).collect();
        assert_eq!(days, ["1 Jan 2026", "1 Feb"]);
    }

    #[test]
    fn a_release_of_no_time_and_a_clock_that_went_back_are_drawn() {
        let spans = [span(0, "2026-01-01T10:00:00Z", 0), span(0, "2026-01-01T10:00:00Z", -50)];
        let axis = Axis::of(&spans);
        assert!(axis.places.iter().all(|(from, to)| to > from), "{axis:?}");
        assert_eq!(Axis::of(&[]).width, 2 * MARGIN);
    }

    #[test]
    fn a_time_is_shown_in_units_of_its_own_size() {
        let shown = [2, 75, 4_000, 100_000, 900_000].map(|seconds| length(SignedDuration::from_secs(seconds)));
        assert_eq!(shown, ["2.0 s", "1 min 15 s", "1 h 06 min", "1 day", "10 days"]);
    }
}
