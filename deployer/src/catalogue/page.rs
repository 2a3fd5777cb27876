//! The page of all messages, and what every message has to be like.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::find::{Kind, Message};
use super::text::says;
use crate::glossary::retired_in_message;

const BEFORE: &str = "\
# Errors

Every error message of `deployer` with its hint, by exit code: this page is generated from the sources. A word in capitals, such as
`NAME`, stands for what the message names. An error that has a cause is printed with it: `message: cause`. Errors that AWS returns have
[a page of their own](aws-errors.md).

Two kinds of errors look different, and are not listed here:

- a check that failed (exit code 6): ``check `health` failed before traffic: 500 (the function returned a wrong response)``
- a command line that was not understood (exit code 64): `error: unexpected argument '--to' found`
";

/// The sections in the order of the page: a kind, its title, and what is true of all of it.
fn sections() -> Vec<(Kind, &'static str, &'static str)> {
    let failure = |class: &str| Kind::Failure(class.to_owned());
    vec![
        (
            failure("BadInput"),
            "Exit code 3: bad input or configuration",
            "A file, an option or a setting has to change. Nothing was released.",
        ),
        (
            failure("Refused"),
            "Exit code 4: refused",
            "What is live is not what the command can safely build on, or the release would break a rule. It was stopped before it moved traffic, \
             or as soon as another change was found.",
        ),
        (
            failure("Locked"),
            "Exit code 5: locked",
            "Another run has the lock of the environment, or took it over from this one.",
        ),
        (failure("Reverted"), "Exit code 6: failed and reverted", "The release failed. What was live before is live."),
        (
            failure("NotReverted"),
            "Exit code 7: failed and not reverted",
            "The release may be live, or live in part. `deployer status` shows what takes the traffic.",
        ),
        (failure("Error"), "Exit code 1: error", "Something failed. The traffic goes where it went before."),
        (
            failure("EXIT"),
            "With the exit code of the cause",
            "These end with the exit code and, where none is given here, the hint of what failed.",
        ),
        (
            Kind::Context,
            "What goes before a cause",
            "These say what was being done. The exit code and the hint are those of the cause, or exit code 1.",
        ),
        (
            Kind::Reason,
            "What is part of other messages",
            "Reasons, which follow the name of the file, function or check that they are about.",
        ),
    ]
}

fn topic(file: &str) -> &'static str {
    match file.split(['/', '.']).next().unwrap_or_default() {
        "artifact" => "Builds and packages",
        "cli" => "Command line",
        "commands" => "Commands",
        "config" => "Configuration",
        "engine" => "Releases",
        "guard" => "`deployer guard`",
        "init" => "`deployer init`",
        "interrupt" => "Signals",
        "ledger" => "Ledger and lock",
        "dispatch" | "local" => "The local AWS",
        "observe" => "Functions, API and credentials",
        "plan" => "Drift and plans",
        "report" => "Output",
        "verify" => "Checks",
        "backoff" => "Waiting for AWS",
        "doctor" => "`deployer doctor`",
        _ => "Other",
    }
}

pub(super) fn page(messages: &[Message]) -> String {
    let mut text = BEFORE.to_owned();
    for (kind, title, about) in sections() {
        let _ = write!(text, "\n## {title}\n\n{about}\n");
        let mut of_kind: Vec<_> =
            messages.iter().filter(|message| message.kind == kind && says(&message.text)).collect();
        of_kind.sort_by_key(|message| topic(message.file));
        for topics in of_kind.chunk_by(|one, other| topic(one.file) == topic(other.file)) {
            let _ = write!(text, "\n### {}\n\n", topic(topics[0].file));
            for same in groups(topics) {
                write_group(&mut text, &same);
            }
        }
    }
    text
}

/// Messages with the same hint, and hints of the same message, together.
fn groups<'a>(messages: &[&'a Message]) -> Vec<Vec<&'a Message>> {
    let mut groups: Vec<Vec<&Message>> = Vec::new();
    for message in messages {
        let place = |one: &Message| (one.file, one.line);
        let like = |one: &&Message| {
            one.text == message.text || one.hint.is_some() && one.hint == message.hint && place(one) == place(message)
        };
        match groups.iter_mut().find(|group| group.iter().any(like)) {
            Some(group) => group.push(message),
            None => groups.push(vec![message]),
        }
    }
    groups
}

fn write_group(text: &mut String, group: &[&Message]) {
    let mut entries: Vec<(Vec<String>, BTreeSet<String>)> = Vec::new();
    let mut lines: Vec<String> = group.iter().map(|message| escaped(&message.text)).collect();
    let seen = |index: usize, lines: &[String]| lines[..index].contains(&lines[index]);
    let firsts: Vec<usize> = (0..lines.len()).filter(|index| !seen(*index, &lines)).collect();
    for index in firsts {
        let line = std::mem::take(&mut lines[index]);
        let same = group.iter().filter(|message| escaped(&message.text) == line);
        let hints = same.filter_map(|message| message.hint.as_deref().map(escaped)).filter(|hint| says(hint)).collect();
        match entries.iter_mut().find(|(_, other)| *other == hints) {
            Some((lines, _)) => lines.push(line),
            None => entries.push((vec![line], hints)),
        }
    }
    for (lines, hints) in entries {
        let _ = write!(text, "- {}", lines.join("\\\n  "));
        // The message alone does not say which: the cause does.
        let title = if hints.len() > 1 { "Hint, by the cause:" } else { "Hint:" };
        for hint in hints {
            let _ = write!(text, "\\\n  **{title}** {hint}");
        }
        text.push('\n');
    }
}

/// As Markdown: outside of backticks some characters would mean something.
fn escaped(message: &str) -> String {
    let (mut text, mut in_code) = (String::new(), false);
    for letter in message.replace("\n  ", " ").replace('\n', " ").chars() {
        in_code ^= letter == '`';
        if !in_code && ['<', '*', '|'].contains(&letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

/// Names with a capital that a message may start with, beside those that are all capitals.
const NAMES: [&str; 8] =
    ["CloudFormation", "CloudTrail", "CloudWatch", "DynamoDB", "GitHub", "GitHub's", "Lambda", "Terraform"];

/// What is wrong with a message or a hint.
pub(super) fn faults(message: &Message) -> Vec<String> {
    let mut faults = Vec::new();
    for (what, text) in [("message", Some(&message.text)), ("hint", message.hint.as_ref())] {
        let Some(text) = text else { continue };
        faults.extend(retired_in_message(text).into_iter().map(|fault| format!("{what}: {fault}")));
        let first = text.split_whitespace().next().unwrap_or_default();
        let is_name = NAMES.contains(&first) || !says(first);
        if first.starts_with(char::is_uppercase) && !is_name {
            faults.push(format!("{what} starts with a capital"));
        }
        if text.ends_with('.') {
            faults.push(format!("{what} ends with a full stop"));
        }
    }
    let needs_hint =
        matches!(&message.kind, Kind::Failure(class) if class != "Error" && class != "Usage" && class != "Done");
    if needs_hint && message.hint.is_none() {
        faults.push("there is no hint".to_owned());
    }
    faults
}
