//! Lines at the bottom of a terminal that change in place. Whatever else is printed goes above them.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::{Progress, Terminal};

/// Columns that stay free for the `^C` that a terminal echoes: the cursor is behind the last line, and if it came into the next row,
/// the lines could not be removed.
pub(super) const ECHO: u16 = 5;

/// The live lines of a terminal.
pub(in crate::report) struct Live {
    /// One bar whose message has all lines: so they are drawn at once. None while there are none.
    bar: Option<ProgressBar>,
    target: Box<dyn Fn() -> ProgressDrawTarget + Send + Sync>,
    width: Box<dyn Fn() -> usize + Send + Sync>,
    /// How many things write to the terminal, or read from it, by themselves.
    hidden: usize,
}

impl Live {
    /// On stderr.
    pub(in crate::report) fn stderr() -> Self {
        let size =
            || rustix::termios::tcgetwinsize(io::stderr()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        let width = move || size().map_or(80, |size| size.ws_col).saturating_sub(ECHO);
        let write = |text: &[u8]| io::stderr().write_all(text);
        let lines = move || Lines {
            width,
            height: move || size().map_or(24, |size| size.ws_row),
            write,
            text: Mutex::default(),
        };
        Self::on(move || ProgressDrawTarget::term_like(Box::new(lines())), move || usize::from(width()))
    }

    /// On a terminal of this width.
    pub(in crate::report) fn on(
        target: impl Fn() -> ProgressDrawTarget + Send + Sync + 'static,
        width: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Self {
        Self { bar: None, target: Box::new(target), width: Box::new(width), hidden: 0 }
    }

    /// Shows what goes on now.
    pub(in crate::report) fn draw(&mut self, progress: &mut Progress, (unicode, color): (bool, bool)) {
        if self.hidden > 0 {
            return;
        }
        let lines = progress.live(Terminal { width: (self.width)(), unicode, color });
        if lines.is_empty() {
            return self.clear();
        }
        let target = &self.target;
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::with_draw_target(None, target()).with_style(style)
        });
        bar.set_message(lines.join("\n"));
    }

    /// Removes the lines.
    pub(in crate::report) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Removes the lines until they are shown again, as often as they were hidden.
    pub(in crate::report) fn hide(&mut self) {
        self.hidden += 1;
        self.clear();
    }

    pub(in crate::report) fn show(&mut self) {
        self.hidden = self.hidden.saturating_sub(1);
    }

    /// Prints above the lines.
    pub(in crate::report) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// A terminal without its last columns, to which each drawing is written at once.
pub(super) struct Lines<W, H, F> {
    pub(super) width: W,
    pub(super) height: H,
    pub(super) write: F,
    pub(super) text: Mutex<String>,
}

impl<W, H, F> Lines<W, H, F> {
    fn push(&self, text: &str) {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    fn go(&self, lines: usize, direction: char) {
        if lines > 0 {
            self.push(&format!("\x1b[{lines}{direction}"));
        }
    }
}

impl<W, H, F> TermLike for Lines<W, H, F>
where
    W: Fn() -> u16 + Send + Sync,
    H: Fn() -> u16 + Send + Sync,
    F: Fn(&[u8]) -> io::Result<()> + Send + Sync,
{
    fn width(&self) -> u16 {
        (self.width)()
    }

    fn height(&self) -> u16 {
        (self.height)()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.go(n, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.go(n, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.go(n, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.go(n, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.push(text);
        self.push("\n");
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.push(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.push("\r\x1b[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *self.text.lock().unwrap_or_else(PoisonError::into_inner));
        (self.write)(text.as_bytes())
    }
}

impl<W, H, F> fmt::Debug for Lines<W, H, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Live").field("bar", &self.bar).field("hidden", &self.hidden).finish_non_exhaustive()
    }
}
