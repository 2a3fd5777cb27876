//! The picture: a lane for each environment, a mark for each release, a curve for each promotion.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::links::escaped;
use super::scale::{Axis, Span};
use super::{DRAWN, Page, moment, took, what};
use crate::ledger::Release;

/// Pixels from the top to the first lane.
const TOP: i32 = 34;
/// The height of a lane, as in the style.
const LANE: i32 = 72;
/// A mark, from the top of its lane.
const MARK: i32 = 16;
const MARK_HEIGHT: i32 = 26;

/// A release in the picture.
struct Mark<'a> {
    /// Of the environments.
    lane: usize,
    /// Of those that have releases: the others are not drawn.
    row: usize,
    release: &'a Release,
    place: (i32, i32),
}

impl Mark<'_> {
    fn top(&self) -> i32 {
        TOP + i32::try_from(self.row).unwrap_or_default() * LANE + MARK
    }
}

/// The section with the picture; nothing without a release.
pub(super) fn section(page: &Page) -> String {
    let (marks, axis) = marks(page);
    if marks.is_empty() {
        return String::new();
    }
    let mut names = String::new();
    for lane in page.lanes.iter().filter(|lane| !lane.releases.is_empty()) {
        let _ = writeln!(names, "<li>{}</li>", escaped(&lane.environment));
    }
    let left_out: usize = page.lanes.iter().map(|lane| lane.releases.len().saturating_sub(DRAWN)).sum();
    let left_out = match left_out {
        0 => String::new(),
        _ => format!(" The newest {DRAWN} releases of each environment are drawn; the list below has the others."),
    };
    format!(
        "<section aria-labelledby=\"timeline\">\n<h2 id=\"timeline\">Timeline</h2>\n\
         <p class=\"muted\">The space between releases grows with the time between them, but slower.{left_out}</p>\n\
         <div class=\"chart\">\n<ul class=\"names\" aria-hidden=\"true\">\n{names}</ul>\n\
         <div class=\"scroll\" role=\"region\" aria-label=\"Timeline of releases\" tabindex=\"0\">\n{}</div>\n</div>\n\
         <div id=\"panel\" class=\"panel\" aria-hidden=\"true\" hidden></div>\n{LEGEND}</section>\n",
        svg(page, &marks, &axis)
    )
}

const LEGEND: &str = "\
<ul class=\"legend\">
<li><svg class=\"icon live\" aria-hidden=\"true\"><use href=\"#i-live\"/></svg>live</li>
<li><svg class=\"icon superseded\" aria-hidden=\"true\"><use href=\"#i-superseded\"/></svg>superseded by a later release</li>
<li><svg class=\"icon reverted\" aria-hidden=\"true\"><use href=\"#i-reverted\"/></svg>reverted</li>
<li><svg class=\"icon failed\" aria-hidden=\"true\"><use href=\"#i-failed\"/></svg>failed before traffic moved</li>
<li><svg class=\"icon pending\" aria-hidden=\"true\"><use href=\"#i-pending\"/></svg>not finished</li>
<li><svg class=\"icon edge\" aria-hidden=\"true\"><use href=\"#i-edge\"/></svg>promotion</li>
</ul>
";

fn marks(page: &Page) -> (Vec<Mark<'_>>, Axis) {
    let mut drawn = Vec::new();
    for (lane, of_lane) in page.lanes.iter().enumerate() {
        for release in of_lane.releases.iter().take(DRAWN).rev() {
            let Some(began) = moment(&release.started_at) else { continue };
            let ended = release.ended_at.as_deref().and_then(moment).unwrap_or(began);
            drawn.push((Span { lane, began, ended }, release));
        }
    }
    let spans: Vec<Span> = drawn.iter().map(|(span, _)| *span).collect();
    let axis = Axis::of(&spans);
    let marks = drawn.iter().zip(&axis.places);
    let marks = marks
        .map(|((span, release), place)| Mark { lane: span.lane, row: row(page, span.lane), release, place: *place })
        .collect();
    (marks, axis)
}

/// How many environments with releases come before one.
fn row(page: &Page, lane: usize) -> usize {
    page.lanes.iter().take(lane).filter(|lane| !lane.releases.is_empty()).count()
}

fn svg(page: &Page, marks: &[Mark<'_>], axis: &Axis) -> String {
    let width = axis.width.max(240);
    let rows = row(page, page.lanes.len());
    let height = TOP + i32::try_from(rows).unwrap_or_default() * LANE;
    let mut svg = format!(
        "<svg class=\"picture\" role=\"group\" aria-labelledby=\"timeline\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n"
    );
    for (x, day) in &axis.days {
        let _ = writeln!(
            svg,
            "<path class=\"day\" d=\"M{x} 22V{height}\"/><text class=\"day\" x=\"{x}\" y=\"14\">{day}</text>"
        );
    }
    for (x, gap) in &axis.gaps {
        let _ = writeln!(svg, "<text class=\"gap\" x=\"{x}\" y=\"30\">{gap}</text>");
    }
    for lane in 0..rows {
        let y = TOP + i32::try_from(lane).unwrap_or_default() * LANE + MARK + MARK_HEIGHT / 2;
        let _ = writeln!(svg, "<path class=\"lane\" d=\"M0 {y}H{width}\"/>");
    }
    marks.iter().for_each(|mark| svg.push_str(&edge(marks, page, mark)));
    marks.iter().for_each(|mark| svg.push_str(&drawn(page, mark)));
    svg.push_str("</svg>\n");
    svg
}

/// The curve of a promotion, if the release that it comes from is drawn.
fn edge(marks: &[Mark<'_>], page: &Page, to: &Mark<'_>) -> String {
    let from = to.release.from.as_ref().and_then(|origin| {
        let is_it = |mark: &&Mark<'_>| {
            mark.release.number == origin.release && page.lanes[mark.lane].environment == origin.environment
        };
        marks.iter().find(is_it)
    });
    let Some(from) = from.filter(|from| from.lane != to.lane) else { return String::new() };
    let is_down = from.lane < to.lane;
    let (y1, y2) = match is_down {
        true => (from.top() + MARK_HEIGHT, to.top()),
        false => (from.top(), to.top() + MARK_HEIGHT),
    };
    let bend = if is_down { 30 } else { -30 };
    let (x1, x2) = (from.place.1 - 10, to.place.0 + 10);
    format!(
        "<path class=\"edge\" d=\"M{x1} {y1}C{x1} {} {x2} {} {x2} {y2}\"/><circle class=\"edge\" cx=\"{x2}\" cy=\"{y2}\" r=\"3\"/>\n",
        y1 + bend,
        y2 - bend
    )
}

fn drawn(page: &Page, mark: &Mark<'_>) -> String {
    let Mark { release, place: (from, to), lane, .. } = mark;
    let (top, state, number) = (mark.top(), release.state, release.number);
    let at = moment(&release.started_at).map_or_else(String::new, |at: Timestamp| at.strftime("%H:%M").to_string());
    format!(
        "<a class=\"mark {state}\" href=\"#{}\" aria-label=\"{label}\"><title>{label}</title>\
         <rect x=\"{from}\" y=\"{top}\" width=\"{}\" height=\"{MARK_HEIGHT}\" rx=\"8\"/>\
         <use href=\"#i-{state}\" x=\"{}\" y=\"{}\" width=\"12\" height=\"12\"/>\
         <text class=\"number\" x=\"{}\" y=\"{}\">{number}</text>\
         <text class=\"at\" x=\"{}\" y=\"{}\">{at}</text></a>\n",
        page.name(*lane, number),
        to - from,
        from + 7,
        top + 7,
        from + 23,
        top + 17,
        from + 2,
        top + MARK_HEIGHT + 13,
        label = label(page, mark),
    )
}

/// What a screen reader and a tooltip say of a release.
fn label(page: &Page, mark: &Mark<'_>) -> String {
    let Mark { release, lane, .. } = mark;
    let when = moment(&release.started_at).map_or_else(String::new, |at| at.strftime("%-d %B %Y, %H:%M").to_string());
    let took = took(release).map_or_else(String::new, |took| format!(", took {took}"));
    let reason = release.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    escaped(&format!(
        "{} {}, {}. {} by {}, {when}{took}{reason}",
        page.lanes[*lane].environment,
        release.number,
        release.state,
        what(release),
        release.actor
    ))
}
