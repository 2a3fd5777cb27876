//! What must be true of every help text, and the page of all commands, which is made of them and kept in `docs`. A test makes it again,
//! and fails where the file differs.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _, Parser as _};

use super::Cli;
use crate::config::reference::is_kept;

/// A terminal of this size shows any `-h` whole.
const LINES: usize = 40;
const COLUMNS: usize = 100;

const BEFORE: &str = "\
# Commands

Every command with its options, as `--help` shows them: this page is generated. The result of a command goes to stdout,
as text or with `--output json` as [one JSON document](output.md); messages go to stderr.
";

/// Every command, from `deployer` down, as it is when it runs.
fn commands() -> Vec<Command> {
    fn collect(command: &Command, all: &mut Vec<Command>) {
        all.push(command.clone());
        command.get_subcommands().for_each(|command| collect(command, all));
    }
    let mut command = Cli::command().term_width(COLUMNS);
    command.build();
    let mut all = Vec::new();
    collect(&command, &mut all);
    all
}

fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// The lines of the help that are commands, without the remarks beside them.
fn examples(command: &Command) -> Vec<String> {
    let text = [command.get_after_help(), command.get_after_long_help()];
    let text = text.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let lines = text.lines().filter_map(|line| line.strip_prefix("  deployer"));
    lines.map(|line| format!("deployer{}", line.split("   ").next().unwrap_or_default()).trim().to_owned()).collect()
}

/// What `docs/commands.md` must be.
fn page() -> String {
    let mut text = BEFORE.to_owned();
    for command in commands() {
        let level = if command.get_subcommands().next().is_some() || name(&command).matches(' ').count() < 2 {
            "##"
        } else {
            "###"
        };
        let _ = write!(text, "\n{level} `{}`\n\n", name(&command));
        let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
        let about = about.lines().collect::<Vec<_>>().join("\n");
        let _ = write!(text, "{about}{}\n\n", if about.contains('\n') { "" } else { "." });
        let usage = command.clone().render_usage().to_string();
        let _ = write!(text, "```text\n{}\n```\n", usage.trim());
        subcommands(&mut text, &command);
        options(&mut text, &command);
        let after = command.get_after_long_help().or(command.get_after_help());
        if let Some(after) = after {
            after.to_string().split("\n\n").for_each(|section| write_section(&mut text, section));
        }
    }
    text
}

fn subcommands(text: &mut String, command: &Command) {
    if command.get_subcommands().next().is_none() {
        return;
    }
    text.push_str("\n| command | |\n|---|---|\n");
    for below in command.get_subcommands() {
        let about = below.get_about().map(ToString::to_string).unwrap_or_default();
        let anchor = name(below).replace(' ', "-");
        let _ = writeln!(text, "| [`{}`](#{anchor}) | {about} |", below.get_name());
    }
}

/// The arguments by heading; those of every command only once.
fn options(text: &mut String, command: &Command) {
    let is_root = name(command) == "deployer";
    let shown = |argument: &&Arg| !argument.is_hide_set() && (is_root || !is_global(argument));
    let mut headings: Vec<&str> = Vec::new();
    for argument in command.get_arguments().filter(shown) {
        let heading = heading(argument);
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings.sort_by_key(|heading| (*heading != "Arguments", *heading != "Options"));
    for of in headings {
        let _ = write!(text, "\n| {} | |\n|---|---|\n", of.to_lowercase());
        for argument in command.get_arguments().filter(shown).filter(|argument| heading(argument) == of) {
            let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
            let default = argument.get_default_values().first().filter(|_| argument.get_action().takes_values());
            let default = default.map_or_else(String::new, |value| format!(" [default: {}]", value.to_string_lossy()));
            let _ =
                writeln!(text, "| `{}` | {}{default} |", shape(argument), help.replace('\n', " ").replace('|', "\\|"));
        }
    }
}

fn is_global(argument: &Arg) -> bool {
    heading(argument) == super::help::GLOBAL
}

fn heading(argument: &Arg) -> &str {
    argument.get_help_heading().unwrap_or(if argument.is_positional() { "Arguments" } else { "Options" })
}

/// As one types it.
fn shape(argument: &Arg) -> String {
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    if argument.is_positional() {
        return value;
    }
    let short = argument.get_short().map_or_else(String::new, |short| format!("-{short}, "));
    let value = if argument.get_action().takes_values() { format!(" {value}") } else { String::new() };
    format!("{short}--{}{value}", argument.get_long().unwrap_or_default())
}

fn write_section(text: &mut String, section: &str) {
    match section.split_once(":\n") {
        Some((title, lines)) => {
            let lines: Vec<_> = lines.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
            let language = if title == "Examples" { "console" } else { "text" };
            let lines: Vec<_> = match language {
                "console" => lines
                    .iter()
                    .map(|line| if line.starts_with("deployer") { format!("$ {line}") } else { format!("  {line}") })
                    .collect(),
                _ => lines.iter().map(ToString::to_string).collect(),
            };
            let _ = write!(text, "\n{title}:\n\n```{language}\n{}\n```\n", lines.join("\n"));
        }
        None => {
            let _ = write!(text, "\n{section}\n");
        }
    }
}

#[test]
fn the_page_of_commands_is_what_the_help_says() {
    is_kept("commands.md", &page());
}

#[test]
fn the_short_help_of_each_command_is_as_it_was_read() {
    let texts = commands().into_iter().map(|mut command| format!("$ {} -h\n{}", name(&command), command.render_help()));
    is_kept("../deployer/src/cli/help.txt", &texts.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_short_help_fits_one_screen() {
    for mut command in commands() {
        let text = command.render_help().to_string();
        let (lines, columns) = (text.lines().count(), text.lines().map(|line| line.chars().count()).max().unwrap_or(0));
        assert!(lines <= LINES && columns <= COLUMNS, "{lines} lines of {columns} columns:\n{text}");
    }
}

#[test]
fn every_command_has_examples_and_each_of_them_parses() {
    for command in commands() {
        let examples = examples(&command);
        assert!(
            examples.iter().any(|example| example.starts_with(&name(&command))),
            "`{}` has no example",
            name(&command)
        );
        for example in examples.iter().filter(|example| !example.ends_with("--help")) {
            let parsed = Cli::try_parse_from(example.split_whitespace());
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn the_help_lists_every_exit_code() {
    let help = Cli::command().render_long_help().to_string();
    let listed = help.split("Exit codes:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let codes: Vec<u8> = listed.lines().map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 64]);
}
