//! What a function logged, made fit to be printed: the last lines, in words, without secrets, and bounded.
//!
//! Lambda's own records about an invocation are left out. A structured record, as Lambda's JSON log format or a logging library
//! writes it, is shown as its level, its message, its error and the first lines of its stack.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::mask::{is_secret_name, masked};

/// How many lines are shown.
const LINES: usize = 20;
/// How many characters of a line are shown.
const LENGTH: usize = 200;
/// How many characters of a line are looked at: more than can be shown, fewer than a runaway log has.
const LOOKED_AT: usize = 16 * 1024;
/// A longer line is not read as JSON.
const JSON: usize = 1024 * 1024;
/// How many lines of a stack are shown.
const STACK: usize = 4;

/// How Lambda's own records begin in its text format.
const OF_LAMBDA: [&str; 9] = [
    "START RequestId",
    "END RequestId",
    "REPORT RequestId",
    "INIT_START",
    "INIT_REPORT",
    "RESTORE_START",
    "XRAY TraceId",
    "EXTENSION\t",
    "TELEMETRY\t",
];
const MESSAGE: [&str; 2] = ["message", "msg"];
const ERROR: [&str; 4] = ["error", "err", "exception", "errorMessage"];
const STACKS: [&str; 3] = ["stackTrace", "stack_trace", "stack"];

/// The last lines that a function logged.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Log(pub Vec<String>);

impl Log {
    /// Of the end of a log, as an Invoke returns it: 4 KB at most. Where there was more, the first line is a part of one, and may
    /// be the end of a secret: it is left out.
    pub(super) fn of_tail(log: &str) -> Self {
        const FULL: usize = 4000;
        let whole = if log.len() < FULL { log } else { log.split_once('\n').map_or("", |(_, rest)| rest) };
        Self::of_records(whole.split('\n'))
    }

    /// Of the records of a log, oldest first. One may have several lines.
    pub(super) fn of_records<'a>(records: impl Iterator<Item = &'a str>) -> Self {
        // Only what is shown is masked, which takes longer than to read it.
        let mut lines = VecDeque::new();
        let mut in_key = false;
        for record in records {
            for line in readable(record) {
                let ends_key = line.contains("-----END");
                in_key |= line.contains("-----BEGIN") && line.contains("PRIVATE KEY") && !ends_key;
                if !in_key {
                    if lines.len() == LINES {
                        lines.pop_front();
                    }
                    lines.push_back(line);
                }
                in_key &= !ends_key;
            }
        }
        Self(lines.iter().map(|line| shown(line)).collect())
    }
}

/// A text as it may be printed: on one line, without control characters and secrets, and bounded.
pub(super) fn shown(text: &str) -> String {
    let is_cut = text.chars().nth(LOOKED_AT).is_some();
    let looked_at: String = text.chars().take(LOOKED_AT).collect();
    let plain = plain(&looked_at);
    // Half of a secret no pattern recognises: where the text was cut, its last word goes.
    let whole = if is_cut { plain.rsplit_once(' ').map_or("", |(whole, _)| whole) } else { &plain };
    bounded(&masked(whole), is_cut)
}

/// The value of the field `name` as it may be printed.
pub(super) fn shown_value(name: &str, value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        _ if is_secret_name(name) => "***".to_owned(),
        value => shown(&without_secrets(value).to_string()),
    }
}

fn bounded(text: &str, is_cut: bool) -> String {
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if is_cut => format!("{text}…"),
        None => text.to_owned(),
    }
}

/// `text` without what a terminal obeys: escape sequences, control characters, and characters that cannot be seen or that turn
/// the direction of the line.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' | '\u{9b}' => {
                let kind = if letter == '\u{9b}' { Some('[') } else { letters.next() };
                match kind {
                    // Parameters, then one letter.
                    Some('[') => drop(letters.by_ref().find(|letter| ('@'..='~').contains(letter))),
                    // A title or a link, up to the bell or the string terminator.
                    Some(']' | 'P' | '_' | '^' | 'X') => {
                        let end = letters.by_ref().find(|letter| "\u{7}\u{1b}\u{9c}".contains(*letter));
                        if end == Some('\u{1b}') {
                            letters.next_if_eq(&'\\');
                        }
                    }
                    _ => {}
                }
            }
            letter if letter.is_whitespace() => plain.push(' '),
            letter if letter.is_control() || is_invisible(letter) => {}
            letter => plain.push(letter),
        }
    }
    plain.trim_end().to_owned()
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The lines of one record; none if it is Lambda's own.
fn readable(record: &str) -> Vec<String> {
    let record = record.trim_end();
    if let Some(lines) = structured(record) {
        return lines;
    }
    let is_said = |line: &&str| !line.trim().is_empty() && !OF_LAMBDA.iter().any(|own| line.starts_with(own));
    record.lines().filter(is_said).map(str::to_owned).collect()
}

/// The lines of a record that is a JSON object.
fn structured(record: &str) -> Option<Vec<String>> {
    if !record.trim_start().starts_with('{') || record.len() > JSON {
        return None;
    }
    let record: Value = serde_json::from_str(record).ok()?;
    let fields = record.as_object()?;
    if fields.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("platform.")) {
        return Some(Vec::new());
    }
    let Value::Object(fields) = without_secrets(&record) else { return None };
    // `tracing` puts what was logged into an object of its own, and libraries of Node.js pass one as the message.
    let inner = ["fields", "message"].iter().find_map(|name| fields.get(*name)?.as_object());
    let text = |names: &[&str]| {
        let of = |fields: &Map<String, Value>| names.iter().find_map(|name| words(fields.get(*name)?));
        inner.and_then(of).or_else(|| of(&fields))
    };
    let (message, error) = (text(&MESSAGE), text(&ERROR));
    if message.is_none() && error.is_none() {
        return Some(vec![Value::Object(fields).to_string()]);
    }
    let level = text(&["level", "severity", "lvl"]).map(|level| level.to_uppercase());
    // What is said twice is shown once, with its type.
    let message = message.filter(|message| error.as_ref() != Some(message));
    let error = match (text(&["errorType", "error_type"]), error) {
        (Some(kind), Some(error)) => Some(format!("{kind}: {error}")),
        (kind, error) => kind.or(error),
    };
    let (first, second) = match message {
        Some(message) => (message, error),
        None => (error.unwrap_or_default(), None),
    };
    let first = level.map_or_else(|| first.clone(), |level| format!("{level} {first}"));
    let second = second.filter(|error| !first.contains(error.as_str()));
    let indented = second.iter().flat_map(|error| error.lines()).map(|line| format!("  {line}"));
    let mut lines: Vec<String> = first.lines().map(str::to_owned).chain(indented).collect();
    let stack = STACKS.iter().find_map(|name| inner.and_then(|inner| inner.get(*name)).or_else(|| fields.get(*name)));
    let stack = stack.map(stack_lines).unwrap_or_default();
    let is_new = |line: &String| !lines.iter().any(|shown| shown.ends_with(line.trim()));
    let stack: Vec<String> = stack.into_iter().filter(is_new).collect();
    lines.extend(stack);
    Some(lines)
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(inner) => MESSAGE.iter().chain(&ERROR).find_map(|name| words(inner.get(*name)?)),
        _ => None,
    }
}

fn stack_lines(stack: &Value) -> Vec<String> {
    let lines: Vec<&str> = match stack {
        Value::String(text) => text.lines().collect(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).flat_map(str::lines).collect(),
        _ => Vec::new(),
    };
    let lines = lines.into_iter().map(str::trim).filter(|line| !line.is_empty());
    lines.take(STACK).map(|line| format!("    {line}")).collect()
}

/// `value` with a mask wherever a field's name says that it is secret.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let clean = fields.iter().map(|(name, value)| {
                let is_secret = is_secret_name(name) && !value.is_null();
                (name.clone(), if is_secret { "***".into() } else { without_secrets(value) })
            });
            Value::Object(clean.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_secrets).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(log: &str) -> Vec<String> {
        Log::of_records(log.split('\n')).0
    }

    #[test]
    fn the_first_line_of_a_log_that_was_cut_is_left_out() {
        let cut = format!("{}unter2\nafter", "x".repeat(4090));
        assert_eq!(Log::of_tail(&cut).0, ["after"]);
        assert_eq!(Log::of_tail(&"x".repeat(4096)).0, Vec::<String>::new());
        assert_eq!(Log::of_tail("whole\nafter").0, ["whole", "after"]);
    }

    #[test]
    fn the_records_of_lambda_are_left_out() {
        let text = "INIT_START Runtime Version: x\nSTART RequestId: 1 Version: 2\nhello\n\nEND RequestId: 1\nREPORT RequestId: 1\tDuration: 2 ms\n";
        assert_eq!(lines(text), ["hello"]);
        let json = "{\"time\":\"t\",\"type\":\"platform.start\",\"record\":{}}\n{\"time\":\"t\",\"type\":\"platform.report\",\"record\":{}}\n{\"level\":\"INFO\",\"message\":\"hello\"}";
        assert_eq!(lines(json), ["INFO hello"]);
    }

    #[test]
    fn a_structured_record_is_shown_in_words() {
        let python = r#"{"timestamp":"t","level":"ERROR","message":"bad input","logger":"root","requestId":"r","errorType":"ValueError","errorMessage":"no id","stackTrace":["  File \"a.py\", line 1\n    x\n","  File \"b.py\"\n","c","d","e"]}"#;
        assert_eq!(
            lines(python),
            [
                "ERROR bad input",
                "  ValueError: no id",
                "    File \"a.py\", line 1",
                "    x",
                "    File \"b.py\"",
                "    c"
            ]
        );
        let rust = r#"{"timestamp":"t","level":"ERROR","fields":{"message":"no table","error":"NotFound","token":"hunter2"},"target":"f"}"#;
        assert_eq!(lines(rust), ["ERROR no table", "  NotFound"]);
        let node = r#"{"timestamp":"t","level":"error","requestId":"r","message":{"errorType":"TypeError","errorMessage":"x is null","stackTrace":["TypeError: x is null","at f (a.js:1)"]}}"#;
        assert_eq!(lines(node), ["ERROR TypeError: x is null", "    at f (a.js:1)"]);
        assert_eq!(lines(r#"{"a":1,"password":"hunter2"}"#), [r#"{"a":1,"password":***}"#]);
    }

    #[test]
    fn what_a_terminal_obeys_does_not_reach_it() {
        let log = "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}a\u{8}b\u{202e}c\td\re pass\u{1b}[1mword=hunter2 \u{9b}2Jz tok\u{200b}en=hunter2";
        assert_eq!(lines(log), ["red abc d e password=*** z token=***"]);
        let not_utf8 = String::from_utf8_lossy(b"a\xff\xfeb password=\xffhunter2").into_owned();
        assert_eq!(lines(&not_utf8), ["a\u{fffd}\u{fffd}b password=***"]);
    }

    #[test]
    fn lines_and_their_length_are_bounded() {
        let many: String = (0..1000).map(|line| format!("line {line}\n")).collect();
        assert_eq!((lines(&many).len(), lines(&many)[0].as_str()), (20, "line 980"));
        let long = format!("start {}\nend", "x".repeat(1024 * 1024));
        let seen = lines(&long);
        assert_eq!((seen[0].as_str(), seen[1].as_str()), ("start…", "end"));
        let words = "word ".repeat(300_000);
        assert_eq!(lines(&words)[0].chars().count(), LENGTH + 1);
        let json = format!("{{\"level\":\"INFO\",\"message\":\"{}\"}}", "y ".repeat(1024 * 1024));
        assert_eq!(lines(&json)[0].chars().count(), LENGTH + 1);
    }

    #[test]
    fn four_megabytes_of_long_words_are_read_at_once() {
        for letter in ["a", "0f"] {
            let log = format!("{}\n", letter.repeat(16_000 / letter.len())).repeat(256);
            let begun = std::time::Instant::now();
            assert_eq!(lines(&log).len(), LINES);
            assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
        }
    }

    #[test]
    fn a_private_key_over_several_lines_is_left_out() {
        let log = "before\n-----BEGIN PRIVATE KEY-----\nhunter2\nhunter3\n-----END PRIVATE KEY-----\nafter";
        assert_eq!(lines(log), ["before", "after"]);
    }

    #[test]
    fn a_field_that_differs_is_shown_without_secrets() {
        assert_eq!(shown_value("status", &"ok".into()), "\"ok\"");
        assert_eq!(shown_value("token", &"hunter2".into()), "***");
        assert_eq!(shown_value("x", &serde_json::json!({"api_key": "hunter2", "n": 1})), r#"{"api_key":***,"n":1}"#);
        assert_eq!(shown_value("x", &Value::Null), "nothing");
    }

    proptest! {
        #[test]
        fn a_log_of_any_bytes_is_bounded_and_plain(log in prop::collection::vec(any::<u8>(), 0..4096)) {
            let log = String::from_utf8_lossy(&log).into_owned();
            let Log(lines) = Log::of_records(log.split('\n'));
            prop_assert!(lines.len() <= LINES);
            for line in lines {
                prop_assert!(line.chars().count() <= LENGTH + 1);
                prop_assert!(!line.chars().any(|letter| letter.is_control() || is_invisible(letter)), "{line:?}");
            }
        }

        #[test]
        fn a_structured_secret_stays_secret(before in "[ -~]{0,20}", name in "(password|apiKey|authToken|client_secret)") {
            let record = serde_json::json!({"level": "ERROR", "message": format!("{before} {name}: hunter2x"), &name: "hunter2x"});
            let lines = lines(&record.to_string());
            prop_assert!(!lines.join("\n").contains("hunter2x"), "{lines:?}");
        }
    }
}
