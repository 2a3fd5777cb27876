//! Lines -> a picture, with the fonts that the reader has.

use std::fmt::Write as _;

use crate::recording::{COLUMNS, Line, Look};

/// A character's box, and the frame around all of them.
const WIDTH: f64 = 8.4;
const HEIGHT: usize = 20;
const MARGIN: usize = 20;
const BAR: usize = 34;

/// Dark enough, or light enough, to be read on the background: at least 4.5 to 1.
const COLORS: [&str; 8] = ["#8b949e", "#ff7b72", "#3fb950", "#d29922", "#79c0ff", "#d2a8ff", "#56d4dd", "#e6edf3"];

pub(crate) fn draw(lines: &[Line]) -> String {
    let width = f64::from(COLUMNS) * WIDTH + 2.0 * MARGIN as f64;
    let height = BAR + MARGIN + lines.len() * HEIGHT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height}\" viewBox=\"0 0 {width:.0} {height}\" role=\"img\">\n\
         <title>A release, a release that its check stops, and what is live after both</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (index, color) in ["#ff5f57", "#febc2e", "#28c840"].iter().enumerate() {
        let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"17\" r=\"6\" fill=\"{color}\"/>", MARGIN + index * 20);
    }
    svg += "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" fill=\"#e6edf3\">\n";
    for (row, line) in lines.iter().enumerate().filter(|(_, line)| !line.0.is_empty()) {
        let _ = write!(svg, "<text y=\"{}\">", BAR + 16 + row * HEIGHT);
        for (column, look, text) in &line.0 {
            let x = MARGIN as f64 + *column as f64 * WIDTH;
            let length = text.chars().count() as f64 * WIDTH;
            let style = style(*look);
            let _ = write!(svg, "<tspan x=\"{x:.1}\" textLength=\"{length:.1}\"{style}>{}</tspan>", escaped(text));
        }
        svg += "</text>\n";
    }
    svg + "</g>\n</svg>\n"
}

fn style(look: Look) -> String {
    let color = look.color.and_then(|color| COLORS.get(usize::from(color % 8)));
    let color = color.or(look.dim.then_some(&COLORS[0])).map(|color| format!(" fill=\"{color}\""));
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    format!("{}{weight}", color.unwrap_or_default())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
