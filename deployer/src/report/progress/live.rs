//! Lines at the bottom of a terminal that change in place. Whatever else is printed goes above them.

use std::fmt;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Progress, Terminal};

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
        let width = || {
            let size = rustix::termios::tcgetwinsize(std::io::stderr());
            size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
        };
        Self::on(ProgressDrawTarget::stderr, width)
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

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Live").field("bar", &self.bar).field("hidden", &self.hidden).finish_non_exhaustive()
    }
}
