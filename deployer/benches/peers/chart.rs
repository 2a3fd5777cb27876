//! Figures -> a bar chart in SVG: the same figures, the same bytes.

use std::fmt::Write as _;

use crate::figures::{CaseFigures, Figures};
use crate::rounds::DELAY;

const WIDTH: usize = 880;
/// Where names begin, and bars.
const LEFT: usize = 16;
const BARS: usize = 350;
/// The longest bar: right of it there is room for its figure.
const LONGEST: f64 = 450.0;
const TOP: usize = 84;
const LINE: usize = 44;
const BAR: usize = 14;

/// Its own background, so that it can be read on any page; darker where the reader's system is.
const STYLE: &str = "<style>
.page { fill: #ffffff; stroke: #d0d7de } text { fill: #1f2328; font: 13px system-ui, sans-serif }
.title { font-size: 16px; font-weight: 600 } .small { fill: #59636e; font-size: 12px }
.ours { fill: #0969da } .ours-delayed { fill: #80b4f0 } .peer { fill: #59636e } .peer-delayed { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; stroke: #3d444d } text { fill: #f0f6fc } .small { fill: #9198a1 }
.ours { fill: #4493f8 } .ours-delayed { fill: #1f4f8f } .peer { fill: #9198a1 } .peer-delayed { fill: #545c66 }
}
</style>";

/// Two bars for each case: without a delay, and with it.
pub(crate) fn svg(figures: &Figures) -> String {
    let lines: Vec<_> = figures.lines.iter().filter_map(|line| Some((line, line.figures.as_ref().ok()?))).collect();
    let longest = lines.iter().map(|(_, figures)| figures.wall.max(figures.delayed)).fold(f64::EPSILON, f64::max);
    let (height, ms) = (TOP + lines.len() * LINE + 8, DELAY.as_millis());
    let title = "How long a release takes";
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"title desc\">\n<title id=\"title\">{title}</title>\n<desc id=\"desc\">{}</desc>\n{STYLE}\n",
        words(figures)
    );
    let (frame_width, frame_height) = (WIDTH - 1, height - 1);
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{frame_width}\" height=\"{frame_height}\" rx=\"8\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"30\">{title}</text>\n\
         <text class=\"small\" x=\"{LEFT}\" y=\"52\">Seconds. The upper bar: on a local AWS without a delay; the lower one: \
         with {ms} ms for each call.</text>"
    );
    for (number, (line, of_line)) in lines.into_iter().enumerate() {
        let (y, class) = (TOP + number * LINE, if line.ours { "ours" } else { "peer" });
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">{}</text>", y + 19, plain(line.name));
        bar(&mut svg, (y, class), of_line.wall, longest);
        bar(&mut svg, (y + BAR + 2, &format!("{class}-delayed")), of_line.delayed, longest);
    }
    svg + "</svg>\n"
}

fn bar(svg: &mut String, (y, class): (usize, &str), seconds: f64, longest: f64) {
    let width = (seconds / longest * LONGEST).max(1.0);
    let (text_x, text_y) = (BARS as f64 + width + 6.0, y + BAR - 3);
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{BARS}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\
         <text class=\"small\" x=\"{text_x:.1}\" y=\"{text_y}\">{seconds:.2}</text>"
    );
}

/// The chart for those who do not see it.
fn words(figures: &Figures) -> String {
    let ms = DELAY.as_millis();
    let words = |name: &str, figures: &CaseFigures| {
        format!("{}: {:.2} s, with {ms} ms a call {:.2} s.", plain(name), figures.wall, figures.delayed)
    };
    let lines = figures.lines.iter().filter_map(|line| Some(words(line.name, line.figures.as_ref().ok()?)));
    lines.collect::<Vec<_>>().join(" ")
}

/// A name without Markdown, as text of XML.
fn plain(name: &str) -> String {
    name.replace('`', "").replace('&', "&amp;").replace('<', "&lt;")
}
