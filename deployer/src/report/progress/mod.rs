//! What goes on at the moment: steps side by side, waits, alarms that are watched. On a terminal it is shown as live lines,
//! which change in place and vanish; elsewhere a long wait gets a plain line now and then, so that no log is silent for long.

mod live;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use unicode_width::UnicodeWidthChar as _;

use super::VERBS;
use crate::aws::AlarmState;
use crate::duration::spoken;
use crate::events::Watching;
use crate::notices::{Until, Wait, WaitId};
use crate::plan::Step;
use crate::rates::Queue;

pub(super) use live::Live;

/// A wait that is over sooner gets no line.
const LONG: Duration = Duration::from_secs(10);
/// How often a plain line is repeated.
const AGAIN: Duration = Duration::from_secs(30);
/// On a terminal a wait is shown after this long: most are over by then.
const NOTICED: Duration = Duration::from_secs(1);
/// The most lines for steps and waits each.
const MOST: usize = 8;
/// The most plain lines at once, and the most alarms by name.
const FEW: usize = 4;
/// Below this many columns verbs are not aligned.
const NARROW: usize = 40;

/// What goes on.
#[derive(Debug, Default)]
pub(super) struct Progress {
    steps: Vec<(Step, Instant)>,
    waits: BTreeMap<WaitId, Shown>,
    watching: Option<Watching>,
    /// When the last plain line about what is watched was printed.
    watched: Option<Instant>,
    queue: Option<(String, Instant)>,
    /// When the last plain line about the queue was printed.
    queued: Option<Instant>,
    building: bool,
    frame: usize,
}

#[derive(Debug)]
struct Shown {
    wait: Wait,
    since: Instant,
    sent: u64,
    /// When the next plain line is due.
    due: Instant,
}

/// A terminal, as far as lines depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    pub(super) width: usize,
    pub(super) unicode: bool,
    pub(super) color: bool,
}

/// A verb, and what it is done to.
pub(super) type Line = (&'static str, String);

impl Progress {
    pub(super) fn phase(&mut self, steps: &[Step]) {
        let now = Instant::now();
        self.steps.clear();
        self.unwatch();
        self.steps.extend(steps.iter().map(|step| (step.clone(), now)));
    }

    pub(super) fn done(&mut self, step: &Step) {
        if let Some(place) = self.steps.iter().position(|(other, _)| other == step) {
            self.steps.remove(place);
        }
        if matches!(step, Step::Watch(_) | Step::Wait(_)) {
            self.unwatch();
        }
    }

    pub(super) fn build(&mut self) {
        self.building = true;
    }

    /// The phase is over, whatever became of its steps; or the build. Returns whether it was a build.
    pub(super) fn ended(&mut self) -> bool {
        self.steps.clear();
        self.unwatch();
        std::mem::take(&mut self.building)
    }

    fn unwatch(&mut self) {
        (self.watching, self.watched) = (None, None);
    }

    pub(super) fn wait(&mut self, id: WaitId, wait: &Wait) {
        let since = Instant::now();
        let due = match wait.until {
            Until::Lasts(time) if time > LONG => since,
            _ => since + LONG,
        };
        self.waits.insert(id, Shown { wait: wait.clone(), since, sent: 0, due });
    }

    pub(super) fn sent(&mut self, id: WaitId, bytes: u64) {
        if let Some(shown) = self.waits.get_mut(&id) {
            shown.sent = bytes;
        }
    }

    pub(super) fn no_longer(&mut self, id: WaitId) {
        self.waits.remove(&id);
    }

    pub(super) fn queue(&mut self, queue: &Queue) {
        self.queue = Some((queue.to_string(), Instant::now() + queue.wait()));
    }

    pub(super) fn watch(&mut self, watching: &Watching) {
        self.watching = Some(watching.clone());
    }

    /// When the next plain line is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waits.values().map(|shown| shown.due).min()
    }

    /// The plain lines that are due by now.
    pub(super) fn plain(&mut self) -> Vec<Line> {
        let now = Instant::now();
        let is_due = |last: Option<Instant>| last.is_none_or(|last| now >= last + AGAIN);
        let mut lines = Vec::new();
        if let Some(watching) = self.watching.as_ref().filter(|_| is_due(self.watched)) {
            self.watched = Some(now);
            lines.push(("Watching", format!("{}; {}", head(watching), details(watching).join("; "))));
        }
        if let Some((queue, _)) = self.queue.take_if(|_| is_due(self.queued)) {
            self.queued = Some(now);
            lines.push(("Waiting", queue));
        }
        let mut waiting = Vec::new();
        for shown in self.waits.values_mut().filter(|shown| shown.due <= now) {
            shown.due = now + AGAIN;
            waiting.push(("Waiting", shown.text(now)));
        }
        let more = waiting.len().saturating_sub(FEW);
        waiting.truncate(FEW);
        lines.extend(waiting);
        if more > 0 {
            lines.push(("Waiting", format!("for {more} more")));
        }
        lines
    }

    /// The live lines for a terminal, as they are now.
    pub(super) fn live(&mut self, terminal: Terminal) -> Vec<String> {
        let now = Instant::now();
        self.frame = self.frame.wrapping_add(1);
        let frames: &[&str] = match terminal.unicode {
            true => &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
            false => &["-", "\\", "|", "/"],
        };
        let spinner = frames[self.frame % frames.len()];
        let mut lines = Vec::new();
        let is_watch = |step: &Step| matches!(step, Step::Watch(_) | Step::Wait(_));
        let steps = self.steps.iter().filter(|(step, _)| self.watching.is_none() || !is_watch(step));
        let steps = steps.map(|(step, since)| {
            let (verb, what) = words(step);
            (verb, format!("{what}, {}", spoken(now - *since)))
        });
        add(&mut lines, steps.collect(), "in progress");
        if let Some(watching) = &self.watching {
            lines.push(("Watching", head(watching)));
            lines.extend(details(watching).into_iter().map(|detail| ("", detail)));
        }
        if let Some((queue, _)) = self.queue.as_ref().filter(|(_, until)| now < *until) {
            lines.push(("Waiting", queue.clone()));
        }
        let noticed = self.waits.values().filter(|shown| now >= shown.since + NOTICED || shown.wait.bytes.is_some());
        add(&mut lines, noticed.map(|shown| ("Waiting", shown.text(now))).collect(), "more waits");
        lines.into_iter().map(|line| terminal.line(line, spinner)).collect()
    }
}

/// Adds lines, and in place of too many their number.
fn add(lines: &mut Vec<Line>, mut more: Vec<Line>, what: &str) {
    let rest = more.len().saturating_sub(MOST);
    more.truncate(MOST);
    lines.extend(more);
    if rest > 0 {
        lines.push(("", format!("and {rest} {what}")));
    }
}

impl Shown {
    fn text(&self, now: Instant) -> String {
        let elapsed = now - self.since;
        let what = &self.wait.what;
        if let Some(bytes) = self.wait.bytes {
            let sent = match self.sent {
                0 => size(bytes),
                sent => format!("{} of {}", size(sent), size(bytes)),
            };
            return format!("for {what}: {sent}, {}", spoken(elapsed));
        }
        match self.wait.until {
            Until::Lasts(time) => format!("for {what}: {} left", spoken(time.saturating_sub(elapsed))),
            Until::AtMost(time) => format!("for {what}: {} of at most {}", spoken(elapsed), spoken(time)),
        }
    }
}

impl Terminal {
    /// A line that fits.
    fn line(self, (verb, rest): Line, spinner: &str) -> String {
        let spinner = if verb.is_empty() { " " } else { spinner };
        let padded = if self.width < NARROW { verb.to_owned() } else { format!("{verb:>VERBS$}") };
        let rest: String = super::printable(&rest).split_whitespace().collect::<Vec<_>>().join(" ");
        let text = self.cut(&format!("{padded} {spinner} {rest}"));
        match text.strip_prefix(&padded).filter(|_| self.color && !verb.is_empty()) {
            Some(rest) => format!("\x1b[1;36m{padded}\x1b[0m{rest}"),
            None => text,
        }
    }

    /// As much of a text as fits, with an ellipsis if that is not all. The last column stays empty: a terminal may wrap there.
    fn cut(self, text: &str) -> String {
        let most = self.width.saturating_sub(1);
        let columns = |text: &str| text.chars().map(|letter| letter.width().unwrap_or(0)).sum::<usize>();
        if columns(text) <= most {
            return text.to_owned();
        }
        let ellipsis = if self.unicode { "…" } else { "..." };
        let (mut left, mut kept) = (most.saturating_sub(columns(ellipsis)), String::new());
        for letter in text.chars() {
            let Some(still) = left.checked_sub(letter.width().unwrap_or(0)) else { break };
            left = still;
            kept.push(letter);
        }
        kept + ellipsis
    }
}

/// A step while it goes on.
fn words(step: &Step) -> Line {
    match step {
        Step::Prepare(key) => ("Preparing", format!("a version of `{key}`")),
        Step::CreateDeployment => ("Creating", "a deployment".to_owned()),
        Step::ShiftAlias(key, percent) => ("Shifting", format!("{percent} % of `{key}`")),
        Step::MoveAlias(key) => ("Switching", format!("`{key}`")),
        Step::MoveStage(_) => ("Switching", "the stage".to_owned()),
        Step::Verify(what) => ("Checking", format!("{} {}", what.sent, what.moment)),
        Step::Watch(_) => ("Watching", "the alarms".to_owned()),
        Step::Wait(time) => ("Waiting", spoken(*time)),
    }
}

/// What is watched, and for how much longer.
fn head(watching: &Watching) -> String {
    let elapsed = watching.since.elapsed().min(watching.time);
    let what = match watching.percent {
        Some(percent) => format!("{percent} % of the traffic on the new version"),
        None => "the new version".to_owned(),
    };
    let (of, left) = (spoken(watching.time), spoken(watching.time - elapsed));
    if elapsed < NOTICED { format!("{what} for {of}") } else { format!("{what}: {left} of {of} left") }
}

/// The alarms with their states, and who responded.
fn details(watching: &Watching) -> Vec<String> {
    let mut details = vec![alarms(&watching.alarms)];
    if watching.percent.is_some() && !watching.responses.is_empty() {
        details.push(responses(&watching.responses));
    }
    details
}

fn alarms(alarms: &[(String, Option<AlarmState>)]) -> String {
    let state = |state: &Option<AlarmState>| match state {
        Some(AlarmState::Ok) => "ok",
        Some(AlarmState::InAlarm) => "ALARM",
        Some(AlarmState::InsufficientData) => "no data",
        None => "unknown",
    };
    if alarms.is_empty() {
        return "no alarms".to_owned();
    }
    // Of many alarms only those in trouble are worth a name.
    let (ok, other): (Vec<_>, Vec<_>) = alarms.iter().partition(|(_, state)| *state == Some(AlarmState::Ok));
    let named = if alarms.len() <= FEW { alarms.iter().collect() } else { other };
    let mut words: Vec<_> = named.iter().take(FEW).map(|(name, found)| format!("`{name}` {}", state(found))).collect();
    let unnamed = named.len().saturating_sub(FEW);
    if unnamed > 0 {
        words.push(format!("{unnamed} more not ok"));
    }
    if alarms.len() > FEW {
        words.push(format!("{} ok", ok.len()));
    }
    format!("{}: {}", if alarms.len() == 1 { "alarm" } else { "alarms" }, words.join(", "))
}

fn responses(responses: &BTreeMap<(String, String), u32>) -> String {
    let mut functions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((function, version), count) in responses {
        functions.entry(function).or_default().push(format!("{count} from version {version}"));
    }
    let several = functions.len() > 1;
    let each = functions.into_iter().map(|(function, counts)| match several {
        true => format!("`{function}` {}", counts.join(", ")),
        false => counts.join(", "),
    });
    format!("responses to checks: {}", each.collect::<Vec<_>>().join("; "))
}

/// `820 kB`, `12.4 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
