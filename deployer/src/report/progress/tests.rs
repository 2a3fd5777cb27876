//! Live lines as a terminal shows them, and plain lines as a log gets them.

use std::io;
use std::sync::{Arc, Mutex};

use indicatif::{ProgressDrawTarget, TermLike};

use super::*;
use crate::notices::{Notice, Notices, Waiting};

/// A terminal that keeps its screen.
#[derive(Clone)]
struct Screen(Arc<Mutex<vt100::Parser>>);

impl std::fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Screen")
    }
}

impl Screen {
    fn of(width: u16) -> Self {
        Self(Arc::new(Mutex::new(vt100::Parser::new(24, width, 0))))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().process(text.as_bytes());
        Ok(())
    }

    fn text(&self) -> String {
        let parser = self.0.lock().unwrap();
        let (_, width) = parser.screen().size();
        let rows: Vec<_> = parser.screen().rows(0, width).map(|row| row.trim_end().to_owned()).collect();
        rows.join("\n").trim_end().to_owned()
    }

    fn live(&self) -> Live {
        let (screen, width) = (self.clone(), self.width());
        Live::on(move || ProgressDrawTarget::term_like(Box::new(screen.clone())), move || usize::from(width))
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.0.lock().unwrap().screen().size().1
    }
    fn height(&self) -> u16 {
        24
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.write(&format!("\x1b[{n}A")) }
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.write(&format!("\x1b[{n}B")) }
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.write(&format!("\x1b[{n}C")) }
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.write(&format!("\x1b[{n}D")) }
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\r\n"))
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.write("\r\x1b[2K")
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn begin(progress: &mut Progress, what: &str, until: Until) -> Waiting {
    let notices = Notices::default();
    let mut heard = notices.listen();
    let waiting = notices.wait(what, until);
    if let Ok(Notice::WaitBegins(id, wait)) = heard.try_recv() {
        progress.wait(id, &wait);
    }
    waiting
}

fn canary() -> Watching {
    let version = |number: &str| ("counter".to_owned(), number.to_owned());
    Watching {
        percent: Some(10),
        time: Duration::from_secs(300),
        since: Instant::now(),
        alarms: vec![
            ("errors".to_owned(), Some(AlarmState::Ok)),
            ("latency".to_owned(), Some(AlarmState::InsufficientData)),
        ],
        responses: [(version("6"), 9), (version("7"), 1)].into(),
    }
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn steps_side_by_side_are_live_lines_and_finished_ones_stay_above() {
    let (screen, mut progress) = (Screen::of(80), Progress::default());
    let mut live = screen.live();
    let steps = [Step::Prepare("counter".to_owned()), Step::Prepare("totals".to_owned())];
    progress.phase(&steps);
    let _waiting = begin(&mut progress, "`totals-dev:4` to become active", Until::AtMost(Duration::from_secs(300)));
    pass(3).await;
    live.draw(&mut progress, (true, true));
    let both = "   Preparing ⠙ a version of `counter`, 3 s\n   Preparing ⠙ a version of `totals`, 3 s\n     \
                Waiting ⠙ for `totals-dev:4` to become active: 3 s of at most 5 min";
    assert_eq!(screen.text(), both);

    progress.done(&steps[0]);
    live.above(|| screen.write_line("    Prepared version 7 of `counter` (3 s)")).unwrap();
    pass(1).await;
    live.draw(&mut progress, (true, true));
    let one = "    Prepared version 7 of `counter` (3 s)\n   Preparing ⠹ a version of `totals`, 4 s\n     \
               Waiting ⠹ for `totals-dev:4` to become active: 4 s of at most 5 min";
    assert_eq!(screen.text(), one);

    live.clear();
    assert_eq!(screen.text(), "    Prepared version 7 of `counter` (3 s)");
}

#[tokio::test(start_paused = true)]
async fn a_canary_shows_its_alarms_the_time_left_and_who_responded() {
    let (screen, mut progress) = (Screen::of(80), Progress::default());
    let mut live = screen.live();
    progress.phase(&[Step::Watch(Duration::from_secs(300))]);
    progress.watch(&canary());
    pass(125).await;
    live.draw(&mut progress, (true, false));
    let expected = "    Watching ⠙ 10 % of the traffic on the new version: 2 min 55 s of 5 min left\n               \
                    alarms: `errors` ok, `latency` no data\n               \
                    responses to checks: 9 from version 6, 1 from version 7";
    assert_eq!(screen.text(), expected);
    progress.done(&Step::Watch(Duration::from_secs(300)));
    live.draw(&mut progress, (true, false));
    assert_eq!(screen.text(), "");
}

#[tokio::test(start_paused = true)]
async fn twenty_columns_and_ascii_get_short_lines_that_never_wrap() {
    let (screen, mut progress) = (Screen::of(20), Progress::default());
    let mut live = screen.live();
    progress.phase(&[Step::Prepare("zähler-für-alles".to_owned())]);
    progress.watch(&canary());
    pass(12).await;
    live.draw(&mut progress, (false, false));
    let expected = "Preparing \\ a ve...\nWatching \\ 10 % ...\n   alarms: `erro...\n   responses to ...";
    assert_eq!(screen.text(), expected);
    live.draw(&mut progress, (false, false));
    assert_eq!(screen.text(), expected.replace('\\', "|"));
}

#[tokio::test(start_paused = true)]
async fn a_build_has_the_terminal_for_itself() {
    let (screen, mut progress) = (Screen::of(60), Progress::default());
    let mut live = screen.live();
    progress.phase(&[Step::CreateDeployment]);
    live.draw(&mut progress, (true, false));
    live.hide();
    live.draw(&mut progress, (true, false));
    assert_eq!(screen.text(), "");
    live.show();
    live.draw(&mut progress, (true, false));
    assert!(screen.text().contains("Creating"), "{}", screen.text());
}

#[tokio::test(start_paused = true)]
async fn an_echoed_interrupt_leaves_no_dead_line_behind() {
    let (screen, mut progress) = (Screen::of(40), Progress::default());
    let width = || 40 - live::ECHO;
    let shown = screen.clone();
    let lines = move || {
        let screen = shown.clone();
        // What a terminal makes of a new line.
        let write = move |text: &[u8]| screen.write(&String::from_utf8_lossy(text).replace('\n', "\r\n"));
        live::Lines { width, height: || 24, write, text: Mutex::default() }
    };
    let target = move || ProgressDrawTarget::term_like(Box::new(lines()));
    let mut live = Live::on(target, move || usize::from(width()));
    progress.phase(&[Step::CreateDeployment, Step::Prepare("a-function-with-a-long-name".to_owned())]);
    live.draw(&mut progress, (true, false));
    assert!(screen.text().contains("Creating"), "{}", screen.text());
    screen.write("^C^C").unwrap();
    live.clear();
    assert_eq!(screen.text(), "");
}

#[tokio::test(start_paused = true)]
async fn of_many_steps_only_some_are_shown() {
    let (screen, mut progress) = (Screen::of(60), Progress::default());
    let steps: Vec<_> = (0..30).map(|index| Step::Prepare(format!("f{index}"))).collect();
    progress.phase(&steps);
    screen.live().draw(&mut progress, (true, false));
    let text = progress.live(Terminal { width: 60, unicode: true, color: false }).join("\n");
    assert_eq!(text.lines().count(), MOST + 1);
    assert!(text.ends_with("and 22 in progress"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_cannot_write_control_characters_to_the_terminal() {
    let mut progress = Progress::default();
    let _waiting = begin(&mut progress, "`a\x1b[2J\nb`", Until::Lasts(Duration::from_secs(20)));
    pass(2).await;
    let text = progress.live(Terminal { width: 80, unicode: true, color: false }).join("|");
    assert_eq!(text, "     Waiting ⠙ for `a\u{fffd}[2J b`: 18 s left");
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_gets_a_plain_line_and_a_short_one_none() {
    let mut progress = Progress::default();
    let short = begin(&mut progress, "a moment", Until::AtMost(Duration::from_secs(300)));
    assert!(progress.plain().is_empty());
    let id = progress.waits.keys().next().copied().unwrap();
    progress.no_longer(id);
    drop(short);

    let _known = begin(&mut progress, "a heartbeat", Until::Lasts(Duration::from_secs(70)));
    assert_eq!(progress.plain(), [("Waiting", "for a heartbeat: 1 min 10 s left".to_owned())]);
    let mut printed = Vec::new();
    for second in 1..70 {
        pass(1).await;
        printed.extend(progress.plain().into_iter().map(|(_, text)| (second, text)));
    }
    let expected = [(30, "for a heartbeat: 40 s left"), (60, "for a heartbeat: 10 s left")];
    assert_eq!(printed, expected.map(|(second, text)| (second, text.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_canary_is_never_silent_for_long_in_a_log() {
    let (mut progress, watching) = (Progress::default(), canary());
    let mut printed = Vec::new();
    for second in (0..=300).step_by(5) {
        progress.watch(&watching);
        printed.extend(progress.plain().into_iter().map(|(_, text)| (second, text)));
        pass(5).await;
    }
    let seconds: Vec<_> = printed.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, (0..=300).step_by(30).collect::<Vec<_>>());
    let first = "10 % of the traffic on the new version for 5 min; alarms: `errors` ok, `latency` no data; \
                 responses to checks: 9 from version 6, 1 from version 7";
    assert_eq!(printed[0].1, first);
    assert!(printed[1].1.starts_with("10 % of the traffic on the new version: 4 min 30 s of 5 min left; alarms"));
}

#[test]
fn of_many_alarms_only_those_in_trouble_are_named() {
    let mut many: Vec<_> = (0..10).map(|index| (format!("a{index}"), Some(AlarmState::Ok))).collect();
    assert_eq!(alarms(&many), "alarms: 10 ok");
    many[3].1 = Some(AlarmState::InAlarm);
    many[4].1 = None;
    assert_eq!(alarms(&many), "alarms: `a3` ALARM, `a4` unknown, 8 ok");
    assert_eq!(alarms(&[]), "no alarms");
}

#[test]
fn sizes_are_rounded() {
    assert_eq!([500, 820_000, 12_450_000].map(size), ["1 kB", "820 kB", "12.4 MB"]);
}
