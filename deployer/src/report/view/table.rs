//! Tables and paragraphs that fit the screen.
//!
//! Columns are as wide as what they show. Where that is too much, long cells are shortened first, then the least important
//! columns are dropped; on a very narrow screen each field gets a line of its own. Without an edge nothing is lost.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::report::printable;
use crate::report::screen::Screen;

/// Between two columns.
const GAP: &str = "  ";
/// A table of fewer columns is shown field by field.
const NARROW: usize = 40;
/// A cell is never shortened below this.
const SHORTEST: usize = 10;
/// A cell of more than this is a text, and is shortened before any column is dropped.
const LONG: usize = 20;

/// A column: its head, and what happens to it where there is no room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    head: &'static str,
    /// 0 stays; of the others the highest goes first.
    rank: u8,
    right: bool,
}

impl Column {
    /// One that always stays.
    pub(super) const fn kept(head: &'static str) -> Self {
        Self { head, rank: 0, right: false }
    }

    /// One that may be dropped; of several the one with the highest `rank` first.
    pub(super) const fn dropped(head: &'static str, rank: u8) -> Self {
        Self { head, rank, right: false }
    }

    /// The same, with its cells at the right edge: a number.
    pub(super) const fn right(self) -> Self {
        Self { right: true, ..self }
    }
}

/// A table. A column without a head is a graph: it is neither shortened nor dropped.
#[derive(Debug)]
pub(super) struct Table<'a> {
    columns: &'a [Column],
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    cells: Vec<String>,
    /// Paragraphs below the row, with what comes before each of their lines.
    below: Vec<String>,
    margin: String,
}

impl<'a> Table<'a> {
    pub(super) fn new(columns: &'a [Column]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// A row: a cell for each column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| line(&cell)).collect();
        self.rows.push(Row { cells, below: Vec::new(), margin: String::new() });
    }

    /// A paragraph below the last row, after `margin`.
    pub(super) fn below(&mut self, margin: &str, text: &str) {
        let Some(row) = self.rows.last_mut() else { return };
        row.below.push(line(text));
        margin.clone_into(&mut row.margin);
    }

    /// The table as text, without heads if no column that is shown has one.
    pub(super) fn text(&self, screen: &Screen) -> String {
        if screen.width.is_some_and(|width| width < NARROW) {
            return self.fields(screen);
        }
        // A column that shows nothing in any row is left out.
        let shows = |at: usize| self.rows.iter().any(|row| !row.cells[at].is_empty());
        let mut shown: Vec<usize> = (0..self.columns.len()).filter(|at| shows(*at)).collect();
        let natural: Vec<usize> = (0..self.columns.len()).map(|at| self.width(at)).collect();
        let mut widths = natural.clone();
        while let Some(excess) = screen.width.and_then(|width| total(&shown, &widths).checked_sub(width + 1)) {
            if self.shorten(&shown, &mut widths, (excess + 1, LONG)) {
                continue;
            }
            if self.drop_one(&mut shown) {
                widths.clone_from(&natural);
            } else if !self.shorten(&shown, &mut widths, (excess + 1, SHORTEST)) {
                return self.fields(screen);
            }
        }
        let mut text = String::new();
        if shown.iter().any(|at| !self.columns[*at].head.is_empty()) {
            let heads: Vec<String> = self.columns.iter().map(|column| column.head.to_uppercase()).collect();
            self.line(&mut text, &shown, (&heads, &widths), screen);
        }
        for row in &self.rows {
            self.line(&mut text, &shown, (&row.cells, &widths), screen);
            for below in &row.below {
                text.push_str(&paragraph(below, &row.margin, screen));
            }
        }
        letters(&text, screen)
    }

    fn width(&self, at: usize) -> usize {
        let cells = self.rows.iter().map(|row| row.cells[at].width());
        cells.chain([self.columns[at].head.width()]).max().unwrap_or_default()
    }

    /// Takes `excess` from the widest of the columns that are wider than `from`, and says whether it could.
    fn shorten(&self, shown: &[usize], widths: &mut [usize], (excess, from): (usize, usize)) -> bool {
        let can = |at: &&usize| {
            let column = &self.columns[**at];
            !column.head.is_empty() && !column.right && widths[**at] > from.max(column.head.width())
        };
        let Some(widest) = shown.iter().filter(can).max_by_key(|at| widths[**at]).copied() else { return false };
        // Less than half of a cell says little: a less important column goes before that.
        let least = SHORTEST.max(self.columns[widest].head.width()).max(self.width(widest) / 2);
        let to = widths[widest].saturating_sub(excess).max(least);
        let does = to < widths[widest];
        widths[widest] = widths[widest].min(to);
        does
    }

    fn drop_one(&self, shown: &mut Vec<usize>) -> bool {
        let least = shown.iter().filter(|at| self.columns[**at].rank > 0).max_by_key(|at| self.columns[**at].rank);
        let Some(least) = least.copied() else { return false };
        shown.retain(|at| *at != least);
        true
    }

    fn line(&self, text: &mut String, shown: &[usize], (cells, widths): (&[String], &[usize]), screen: &Screen) {
        let mut line = String::new();
        for at in shown {
            let cell = shortened(&cells[*at], widths[*at], screen);
            let space = " ".repeat(widths[*at].saturating_sub(cell.width()));
            line.push_str(&if self.columns[*at].right { space + &cell } else { cell + &space });
            line.push_str(GAP);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }

    /// One field a line; rows are apart.
    fn fields(&self, screen: &Screen) -> String {
        let mut rows = Vec::new();
        for row in &self.rows {
            let mut text = String::new();
            for (column, cell) in self.columns.iter().zip(&row.cells) {
                if !column.head.is_empty() && !cell.is_empty() {
                    text.push_str(&field(column.head, cell, screen));
                }
            }
            for below in &row.below {
                text.push_str(&paragraph(below, "", screen));
            }
            rows.push(text);
        }
        letters(&rows.join("\n"), screen)
    }
}

fn total(shown: &[usize], widths: &[usize]) -> usize {
    let gaps = GAP.len() * shown.len().saturating_sub(1);
    shown.iter().map(|at| widths[*at]).sum::<usize>() + gaps
}

/// `name value`; where it does not fit, the value is wrapped below.
fn field(name: &str, value: &str, screen: &Screen) -> String {
    match screen.width {
        Some(width) if name.width() + 2 + value.width() > width => {
            format!("{name}\n{}", paragraph(value, "  ", screen))
        }
        _ => format!("{name}  {value}\n"),
    }
}

/// Names and values below each other, the values in a column of their own that is wrapped.
pub(super) fn list(rows: &[(String, String)], indent: &str, screen: &Screen) -> String {
    let names = rows.iter().map(|(name, _)| line(name).width()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in rows {
        let (name, value) = (line(name), line(value));
        let margin = indent.to_owned() + &" ".repeat(names + GAP.len());
        if screen.width.is_some_and(|width| width < margin.width() + SHORTEST) {
            text.push_str(&paragraph(&name, indent, screen));
            text.push_str(&paragraph(&value, &format!("{indent}  "), screen));
            continue;
        }
        let wrapped = paragraph(&value, &margin, screen);
        let space = " ".repeat(names + GAP.len() - name.width());
        text.push_str(format!("{indent}{name}{space}{}", wrapped.get(margin.len()..).unwrap_or_default()).trim_end());
        text.push('\n');
    }
    letters(&text, screen)
}

/// A text within the edge, each line after `margin`. A word that is longer than a line stays whole: it may be an address.
pub(super) fn paragraph(text: &str, margin: &str, screen: &Screen) -> String {
    let room = screen.width.map_or(usize::MAX, |width| width.saturating_sub(margin.width()).max(1));
    let (mut lines, mut current) = (Vec::new(), String::new());
    for word in line(text).split(' ') {
        if !current.is_empty() && current.width() + 1 + word.width() > room {
            lines.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
    let lines = lines.into_iter().map(|line| format!("{margin}{line}").trim_end().to_owned() + "\n");
    letters(&lines.collect::<String>(), screen)
}

/// A text that may come from outside as one line that a terminal only shows.
pub(super) fn line(text: &str) -> String {
    // A graph begins with spaces, and they stay.
    let words = printable(text);
    if words.contains(['\n', '\t']) { words.split_whitespace().collect::<Vec<_>>().join(" ") } else { words }
}

/// A text of at most `width` columns.
fn shortened(text: &str, width: usize, screen: &Screen) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let end = if screen.unicode { "…" } else { "~" };
    let (mut short, mut used) = (String::new(), end.width());
    for letter in text.chars() {
        used += letter.width().unwrap_or_default();
        if used > width {
            break;
        }
        short.push(letter);
    }
    short.trim_end().to_owned() + end
}

/// The text in letters that the screen shows.
pub(super) fn letters(text: &str, screen: &Screen) -> String {
    if screen.unicode || text.is_ascii() {
        return text.to_owned();
    }
    let mut ascii = String::new();
    for letter in text.chars() {
        match letter {
            '→' => ascii.push_str("->"),
            '…' => ascii.push_str("..."),
            '·' | '–' => ascii.push('-'),
            letter if letter.is_ascii() => ascii.push(letter),
            letter => ascii.extend(std::iter::repeat_n('?', letter.width().unwrap_or_default())),
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: impl Into<Option<usize>>) -> Screen {
        Screen { width: width.into(), ..Screen::plain(jiff::Timestamp::UNIX_EPOCH) }
    }

    const COLUMNS: [Column; 4] =
        [Column::kept("name"), Column::kept("size").right(), Column::dropped("what", 1), Column::dropped("who", 2)];

    fn table() -> Table<'static> {
        let mut table = Table::new(&COLUMNS);
        table.row(["a", "7", "a sentence that takes up some room here", "Zoë"].map(str::to_owned));
        table.row(["名前", "1200", "b\u{1b}[2J\nc", "ada"].map(str::to_owned));
        table.below("  | ", "it failed for a reason that is longer than a line of forty columns");
        table
    }

    #[test]
    fn columns_are_as_wide_as_what_they_show() {
        let expected = "\
NAME  SIZE  WHAT                                     WHO
a        7  a sentence that takes up some room here  Zoë
名前  1200  b\u{fffd}[2J c                                  ada
  | it failed for a reason that is longer than a line of forty columns
";
        assert_eq!(table().text(&screen(None)), expected);
        assert_eq!(table().text(&screen(100)), expected);
    }

    #[test]
    fn a_narrow_table_shortens_cells_and_then_drops_columns() {
        let expected = "\
NAME  SIZE  WHAT                     WHO
a        7  a sentence that takes…   Zoë
名前  1200  b�[2J c                  ada
  | it failed for a reason that is
  | longer than a line of forty columns
";
        assert_eq!(table().text(&screen(40)), expected);
        let columns = [Column::kept("name"), Column::dropped("what", 1)];
        let mut table = Table::new(&columns);
        table.row(["a-name-of-thirty-five-letters-here", "0123456"].map(str::to_owned));
        table.row(["b", "0123456"].map(str::to_owned));
        for row in table.text(&screen(40)).lines() {
            assert!(row.width() <= 40, "{row}");
        }
    }

    #[test]
    fn at_twenty_columns_each_field_has_a_line() {
        let expected = "\
name  a
size  7
what
  a sentence that
  takes up some room
  here
who  Zoë

name  名前
size  1200
what  b\u{fffd}[2J c
who  ada
it failed for a
reason that is
longer than a line
of forty columns
";
        assert_eq!(table().text(&screen(20)), expected);
    }

    #[test]
    fn a_screen_of_ascii_gets_ascii_of_the_same_width() {
        let screen = Screen { unicode: false, ..screen(40) };
        let text = table().text(&screen);
        assert!(text.is_ascii(), "{text}");
        assert!(
            text.contains("a sentence that takes~") && text.contains("Zo?") && text.contains("????  1200"),
            "{text}"
        );
    }

    #[test]
    fn a_list_wraps_its_values_beside_their_names() {
        let rows =
            [("drift", "alias `live` of `f` points to version 6"), ("url", "https://api.example/a-long-address")];
        let rows = rows.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected = "drift  alias `live` of `f` points
         to version 6
  url    https://api.example/a-long-address
";
        assert_eq!(list(&rows, "  ", &screen(36)), format!("  {expected}"));
        assert!(list(&rows, "", &screen(20)).starts_with("drift  alias `live`\n       of `f` points\n"));
    }
}
