//! A command on a terminal -> the lines that are left on it.

use std::io::Read as _;

use anyhow::Result;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use vt100::{Cell, Color, Parser};

use crate::project::Project;

/// As wide as a terminal often is, and so high that nothing scrolls away.
pub(crate) const COLUMNS: u16 = 100;
const ROWS: u16 = 400;

/// How a part of a line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// One of the terminal's first 16 colours.
    pub(crate) color: Option<u8>,
    pub(crate) bold: bool,
    pub(crate) dim: bool,
}

/// A line: parts that look alike, each with the column where it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line(pub(crate) Vec<(usize, Look, String)>);

/// What a command left on its terminal.
pub(crate) struct Recording {
    pub(crate) lines: Vec<Line>,
    pub(crate) code: u32,
}

/// The line on which a command is typed.
pub(crate) fn prompt(command: &str) -> Line {
    let look = |color| Look { color, bold: true, dim: false };
    Line(vec![(0, look(Some(10)), "$".to_owned()), (2, look(None), command.to_owned())])
}

/// Runs a command of `deployer` in the project, against its local AWS.
pub(crate) fn record(project: &Project, command: &str) -> Result<Recording> {
    let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size)?;
    let mut builder = CommandBuilder::new(&project.deployer);
    builder.args(command.split(' ').skip(1));
    builder.cwd(&project.root);
    // What would change how the commands write.
    ["CI", "GITHUB_ACTIONS", "NO_COLOR", "LC_ALL", "LC_CTYPE"].iter().for_each(|name| builder.env_remove(name));
    for (name, value) in
        [("DEPLOYER_LOCAL", "1"), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("GITHUB_ACTOR", "ada")]
    {
        builder.env(name, value);
    }
    let mut child = pair.slave.spawn_command(builder)?;
    drop(pair.slave);
    let (mut reader, mut parser) = (pair.master.try_clone_reader()?, Parser::new(ROWS, COLUMNS, 0));
    let mut buffer = [0; 8192];
    // A terminal whose last program has ended is an error to read on Linux.
    while let Some(count) = reader.read(&mut buffer).ok().filter(|count| *count > 0) {
        parser.process(buffer.get(..count).unwrap_or_default());
    }
    let code = child.wait()?.exit_code();
    let mut lines: Vec<Line> = (0..ROWS).map(|row| line(&parser, row)).collect();
    while lines.last().is_some_and(|line| line.0.is_empty()) {
        lines.pop();
    }
    Ok(Recording { lines, code })
}

fn line(parser: &Parser, row: u16) -> Line {
    let mut parts: Vec<(usize, Look, String)> = Vec::new();
    for column in 0..COLUMNS {
        let Some(cell) = parser.screen().cell(row, column).filter(|cell| cell.has_contents()) else { continue };
        let look = look(cell);
        let at = usize::from(column);
        match parts.last_mut() {
            Some((begin, before, text)) if *before == look && *begin + text.chars().count() == at => {
                text.push_str(cell.contents());
            }
            _ => parts.push((at, look, cell.contents().to_owned())),
        }
    }
    Line(parts.into_iter().flat_map(without_gaps).collect())
}

/// A part without the spaces that align it: browsers shrink them.
fn without_gaps((begin, look, text): (usize, Look, String)) -> Vec<(usize, Look, String)> {
    let (mut column, mut parts) = (begin, Vec::new());
    for word in text.split("  ") {
        let leading = word.chars().take_while(|character| *character == ' ').count();
        if !word.trim().is_empty() {
            parts.push((column + leading, look, word.trim().to_owned()));
        }
        column += word.chars().count() + 2;
    }
    parts
}

fn look(cell: &Cell) -> Look {
    let color = match cell.fgcolor() {
        Color::Idx(index) if index < 16 => Some(index),
        _ => None,
    };
    Look { color, bold: cell.bold(), dim: cell.dim() }
}
