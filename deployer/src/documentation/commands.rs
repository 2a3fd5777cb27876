//! Commands: whatever a page shows of `deployer` has to be something that its command line takes.
//!
//! In a block of `sh`, and in a `run:` of a workflow, a command has to be complete. Between backticks it may be named by its first words,
//! as in `` `deployer promote` ``. A word in capitals is a placeholder: it stands for a value, and for a number where only a number fits.

use clap::Parser as _;
use clap::error::ErrorKind;

use super::page::Page;
use super::pages;
use crate::cli::Cli;

#[test]
fn every_command_in_the_pages_is_one_that_the_command_line_takes() {
    let mut strange = Vec::new();
    let mut count = 0;
    for page in pages() {
        let blocks = page.blocks.iter().flat_map(|(language, text)| complete(language, text));
        let quoted = page.quoted.iter().filter(|text| text.starts_with("deployer ")).cloned();
        let commands = blocks.map(|command| (command, false)).chain(quoted.map(|command| (command, true)));
        for (command, may_be_short) in commands {
            count += 1;
            if let Some(kind) = refused(&command).filter(|kind| !(may_be_short && is_short(*kind))) {
                strange.push(format!("{}: `{command}`: {kind:?}", page.path));
            }
        }
    }
    assert!(count > 100, "{count} commands");
    assert!(strange.is_empty(), "{}", strange.join("\n"));
}

/// The commands of `deployer` in a block of shell or of a workflow, each as it is started.
fn complete(language: &str, text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let shell: Vec<&str> = match language {
        "sh" => text.lines().collect(),
        "yaml" => text.lines().filter_map(|line| line.split_once("run: ").map(|(_, command)| command)).collect(),
        _ => Vec::new(),
    };
    let lines = shell.iter().map(|line| line.split(" #").next().unwrap_or_default());
    let parts = lines.flat_map(|line| line.split(['|', ';', '&', '(', ')']));
    parts.filter_map(started).collect()
}

/// What a part of a line starts, if that is the deployer: without what comes before it, and without redirections.
fn started(part: &str) -> Option<String> {
    let part = part.trim().replace("cargo run -p deployer --", "deployer");
    let is_before = |word: &&str| ["exec", "env", "-i"].contains(word) || word.contains('=');
    let mut words = part.split_whitespace().skip_while(is_before).peekable();
    words.next_if_eq(&"deployer")?;
    let rest: Vec<&str> = words.take_while(|word| !word.starts_with(['>', '<'])).collect();
    Some(format!("deployer {}", rest.join(" ")))
}

/// Why the command line does not take a command, if it does not. A placeholder may also be a number, or a shell.
fn refused(command: &str) -> Option<ErrorKind> {
    let parse = |placeholder: Option<&str>| {
        let words = command.split_whitespace();
        let words = words.map(|word| placeholder.filter(|_| is_placeholder(word)).unwrap_or(word).trim_matches('"'));
        Cli::try_parse_from(words).err().map(|error| error.kind())
    };
    let first = parse(None)?;
    ["1", "bash", "json"].into_iter().all(|value| parse(Some(value)).is_some()).then_some(first)
}

fn is_placeholder(word: &str) -> bool {
    word.len() > 1 && word.chars().all(|character| character.is_ascii_uppercase() || character == '_')
}

/// Whether a command only lacks what comes after its first words.
fn is_short(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
    )
}

/// `tests/it/examples.rs` runs the first block of each example's README.
#[test]
fn the_quick_start_shows_the_commands_that_the_examples_run() {
    let pages = pages();
    let quick_start = pages.iter().find(|page| page.path == "docs/quick-start.md").unwrap();
    let shell = |page: &Page| {
        let blocks = page.blocks.iter().filter(|(language, _)| language == "sh");
        blocks.map(|(_, text)| text.clone()).collect::<Vec<_>>()
    };
    let shown = shell(quick_start);
    let examples: Vec<_> = pages.iter().filter(|page| page.path.starts_with("deployer/examples/")).collect();
    assert_eq!(examples.len(), 5);
    for example in examples {
        let first = shell(example).into_iter().next().unwrap();
        assert!(shown.contains(&first), "the quick start does not show the commands of {}", example.path);
        let link = format!("../{}", example.path);
        assert!(quick_start.links.contains(&link), "the quick start does not link to {}", example.path);
    }
}

#[test]
fn commands_are_found_wherever_a_line_starts_one() {
    let text = "A=b deployer status\nterraform show -json p >p.json && deployer guard p.json # why\nsource <(deployer completions bash)\n\
                cargo run -p deployer -- local up\nexec deployer build \\\n  --out x\necho deployer status";
    let found = ["status", "guard p.json", "completions bash", "local up", "build --out x"];
    assert_eq!(complete("sh", text), found.map(|command| format!("deployer {command}")));
    assert_eq!(complete("toml", text), Vec::<String>::new());
    let step = "- run: exec env -i HOME=\"$HOME\" deployer build --out artifact # no token";
    assert_eq!(complete("yaml", step), ["deployer build --out artifact"]);
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    for command in ["deployer rollback dev --release 1", "deployer launch dev", "deployer history -n FEW --far"] {
        assert!(refused(command).is_some_and(|kind| !is_short(kind)), "{command}");
    }
    assert_eq!(refused("deployer history dev -n COUNT"), None);
    assert!(refused("deployer promote dev").is_some_and(is_short));
}
