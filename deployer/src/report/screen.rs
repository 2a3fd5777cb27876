//! What text is written for: how wide it is, what letters and colours it shows, and what time it is there.

use std::io::IsTerminal as _;

/// Where a result is shown.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Columns of the terminal; none where the text goes to a file or a pipe, which have no edge.
    pub width: Option<usize>,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
    /// Whether colours are shown. They never carry a meaning of their own.
    pub color: bool,
    /// The time that ages are counted from.
    pub now: jiff::Timestamp,
}

impl Screen {
    /// Standard output, as the process finds it.
    pub fn stdout(allows_color: bool, unicode: bool, now: jiff::Timestamp) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = terminal.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok()).flatten();
        let width = width.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
        Self { width, unicode, color: allows_color && terminal, now }
    }

    /// A file or a pipe at the time `now`, in UTF-8 and without colours.
    pub fn plain(now: jiff::Timestamp) -> Self {
        Self { width: None, unicode: true, color: false, now }
    }
}
