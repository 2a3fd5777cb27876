//! Completions in a shell: the script that sets them up, and the candidates that the script gets for each key press.
//!
//! The shell runs the binary with the words of its command line and the variable [`VARIABLE`]. What completes an environment is read from
//! `deployer.toml` alone; the releases come from the ledger, if it responds within [`LONGEST`]. Nothing is printed but candidates: a
//! completion that fails is an empty one.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use crate::aws::Reader;
use crate::cli::{Cli, Global};
use crate::config::{Config, ProcessEnvironment};
use crate::ledger::{Ledger, Release};
use crate::world::World;

/// Its value is the shell that asks for candidates.
const VARIABLE: &str = "DEPLOYER_COMPLETE";

/// How long a key press may wait for the ledger.
const LONGEST: Duration = Duration::from_secs(1);

/// How many releases are offered: a screen of them.
const OFFERED: usize = 20;

/// Bash would complete `dev@12` as three words.
const ONE_WORD: &str = "COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}\n";

/// The script that sets up completions in a shell.
///
/// # Errors
/// There is none for this shell.
pub fn script(shell: clap_complete::Shell) -> Result<Vec<u8>> {
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string()).with_context(|| format!("no completions for `{shell}`"))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "deployer", "deployer", "deployer", &mut script)?;
    if shell == clap_complete::Shell::Bash {
        script.extend_from_slice(ONE_WORD.as_bytes());
    }
    Ok(script)
}

/// Prints candidates if a shell asks for them. Returns whether one does.
pub fn completed(process: &ProcessEnvironment, arguments: &[OsString]) -> bool {
    if process.get(VARIABLE).is_none_or(|shell| shell.is_empty() || shell == "0") {
        return false;
    }
    let line = Line::of(process, arguments);
    let completion = CompleteEnv::with_factory(|| with_candidates(Cli::command(), &line)).var(VARIABLE);
    let here = std::env::current_dir().ok();
    // An unknown shell, or a closed pipe: nobody reads a message about it.
    let _ = completion.try_complete(arguments.to_vec(), here.as_deref());
    true
}

/// The command with what completes the values of its arguments.
fn with_candidates(command: Command, line: &Line) -> Command {
    let of = |candidates: fn(&Line, &str) -> Vec<CompletionCandidate>| {
        let line = line.clone();
        ArgValueCompleter::new(move |typed: &OsStr| {
            typed.to_str().map(|typed| candidates(&line, typed)).unwrap_or_default()
        })
    };
    let name = command.get_name().to_owned();
    command
        .mut_args(|argument| match (name.as_str(), argument.get_id().as_str()) {
            (_, "environment") if name != "init" => argument.add(of(Line::environments)),
            ("promote", "from") => argument.add(of(Line::origins)),
            ("promote", "to") => argument.add(of(Line::environments)),
            ("rollback", "to") => argument.add(of(Line::targets)),
            _ => argument,
        })
        .mut_subcommands(|command| with_candidates(command, line))
}

/// A command line that is not complete yet.
#[derive(Debug, Clone)]
struct Line {
    process: ProcessEnvironment,
    matches: ArgMatches,
}

impl Line {
    /// Of the arguments that the script passes: its own, `--`, and the words of the command line.
    fn of(process: &ProcessEnvironment, arguments: &[OsString]) -> Self {
        let words = arguments.iter().skip_while(|argument| *argument != "--").skip(1);
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(words);
        Self { process: process.clone(), matches: matches.unwrap_or_default() }
    }

    fn config(&self) -> Option<Config> {
        let global = Global::from_arg_matches(&self.matches).ok()?;
        Config::load(&global, self.process.clone()).ok()
    }

    fn environments(&self, typed: &str) -> Vec<CompletionCandidate> {
        let config = self.config();
        let names = config.iter().flat_map(Config::environments).map(|environment| environment.name.clone());
        names.filter(|name| name.starts_with(typed)).map(CompletionCandidate::new).collect()
    }

    /// `FROM`, and after an `@` its releases.
    fn origins(&self, typed: &str) -> Vec<CompletionCandidate> {
        let Some((environment, number)) = typed.split_once('@') else { return self.environments(typed) };
        let releases = self.releases(Some(environment));
        let stable = releases.iter().filter(|release| release.stable && release.number.to_string().starts_with(number));
        stable.map(|release| candidate(format!("{environment}@{}", release.number), release)).collect()
    }

    /// What `rollback --to` takes.
    fn targets(&self, typed: &str) -> Vec<CompletionCandidate> {
        let environment = self.matches.subcommand().and_then(|(_, matches)| matches.get_one::<String>("environment"));
        let releases = self.releases(environment.map(String::as_str));
        let stable = releases.iter().filter(|release| release.stable);
        let numbers = stable.map(|release| candidate(release.number.to_string(), release));
        let previous = CompletionCandidate::new("previous").help(Some("the stable release before".into()));
        let all = std::iter::once(previous).chain(numbers);
        all.filter(|candidate| candidate.get_value().to_str().is_some_and(|value| value.starts_with(typed))).collect()
    }

    /// The newest releases of an environment, the newest first.
    fn releases(&self, environment: Option<&str>) -> Vec<Release> {
        let read = async {
            let config = self.config()?;
            let environment = config.environment(environment).ok()?;
            let _ = rustls::crypto::ring::default_provider().install_default();
            let world = World::trusting(&self.process.certificates().ok()?);
            let reader = Reader::open(environment, &world).await;
            Ledger::new(&reader.table, &config.app).recent(|seen| seen.len() >= OFFERED).await.ok()
        };
        let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() else {
            return Vec::new();
        };
        let read = runtime.block_on(async { tokio::time::timeout(LONGEST, read).await });
        // A name that is still being resolved is not waited for.
        runtime.shutdown_background();
        let releases = read.ok().flatten().unwrap_or_default();
        releases.into_iter().take(OFFERED).collect()
    }
}

/// A release with what people recognize it by.
fn candidate(value: String, release: &Release) -> CompletionCandidate {
    let commit = release.artifact.commit.as_deref().map_or("no commit", crate::plan::short);
    let day = release.started_at.get(..10).unwrap_or_default();
    let help: String = format!("{}, {commit}, {day}, by {}", release.kind, release.actor);
    let help = help.chars().filter(|letter| !letter.is_control()).collect::<String>();
    CompletionCandidate::new(value).help(Some(help.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "app = \"a\"\ndefault_environment = \"dev\"\n[environments.dev]\nledger = \"l\"\nregion = \"r\"\n\
                        [environments.prod]\nledger = \"l\"\nregion = \"r\"\n[functions.f]\n[local]\ndev = { port = 24566, account = \"111111111111\" }\n";

    fn names(words: &str, typed: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deployer.toml");
        std::fs::write(&file, FILE).unwrap();
        let line = format!("deployer -- deployer --config {} {words}", file.display());
        let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        let line = Line::of(&ProcessEnvironment::default(), &arguments);
        let found = line.environments(typed);
        found.iter().map(|found| found.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn environments_come_from_the_file_that_the_line_names() {
        assert_eq!(names("deploy ", ""), ["dev", "prod"]);
        assert_eq!(names("rollback dev --to ", "p"), ["prod"]);
        assert_eq!(names("deploy --local ", ""), ["dev"]);
    }

    #[test]
    fn every_argument_that_names_an_environment_is_completed() {
        fn uncompleted(command: &Command, found: &mut Vec<String>) {
            let named = command.get_arguments().filter(|argument| argument.get_id() == "environment");
            let bare = named.filter(|argument| argument.get::<ArgValueCompleter>().is_none());
            found.extend(bare.map(|_| command.get_name().to_owned()));
            command.get_subcommands().for_each(|command| uncompleted(command, found));
        }
        let line = Line::of(&ProcessEnvironment::default(), &[]);
        let mut found = Vec::new();
        uncompleted(&with_candidates(Cli::command(), &line), &mut found);
        assert_eq!(found, ["init"], "`init` names an environment that is not there yet");
    }

    #[test]
    fn every_shell_has_a_script() {
        use clap::ValueEnum as _;
        for shell in clap_complete::Shell::value_variants() {
            let script = String::from_utf8(script(*shell).unwrap()).unwrap();
            assert!(script.contains(VARIABLE), "{script}");
        }
    }
}
