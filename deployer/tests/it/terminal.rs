//! The real binary on a real terminal, and with outputs that are closed or full. No command here needs an AWS.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use tempfile::TempDir;

const PROJECT: &str = "app = \"notes\"\ndefault_environment = \"dev\"\n\n[functions.api]\n\
    build = { command = \"rm -rf dist && cp -R src dist\", output = \"dist\", inputs = [\"src\"] }\n\n\
    [environments.dev]\nledger = \"notes-ledger-dev\"\nregion = \"us-east-1\"\n";

/// A project whose function is built by `cp`.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("deployer.toml"), PROJECT).unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/index.py"), "def handler(event, context): return {}\n").unwrap();
    folder
}

/// The same, whose build writes to the terminal.
fn noisy_project() -> TempDir {
    let folder = project();
    let noisy = PROJECT.replace("rm -rf", "echo from the compiler >&2; rm -rf");
    std::fs::write(folder.path().join("deployer.toml"), noisy).unwrap();
    folder
}

fn variables() -> Vec<(String, String)> {
    let path = crate::harness::bare().into_iter().filter(|(name, _)| name == "PATH");
    let terminal = [("LANG", "C.UTF-8"), ("TERM", "xterm-256color")];
    path.chain(terminal.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// Runs a command on a terminal of this width. Returns the exit code and the screen at the end.
fn on_a_terminal(folder: &Path, width: u16, arguments: &[&str], more: &[(&str, &str)]) -> (u32, String) {
    let size = PtySize { rows: 40, cols: width, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_deployer"));
    command.args(arguments);
    command.cwd(folder);
    command.env_clear();
    variables().into_iter().for_each(|(name, value)| command.env(name, value));
    more.iter().for_each(|(name, value)| command.env(name, value));
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let (mut parser, mut buffer) = (vt100::Parser::new(40, width, 0), [0; 4096]);
    // Linux reports the end of a terminal as an error.
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        parser.process(&buffer[..length]);
    }
    (child.wait().unwrap().exit_code(), parser.screen().contents())
}

fn ran(folder: &Path, arguments: &[&str], stdout: Stdio, stderr: Stdio) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deployer"));
    command.args(arguments).current_dir(folder).env_clear().envs(variables());
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).output().unwrap()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// A pipe that nothing reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

pub(crate) fn a_build_on_a_terminal_shows_the_compilers_output_between_whole_lines() {
    let project = noisy_project();
    let (code, screen) = on_a_terminal(project.path(), 80, &["build"], &[]);
    assert_eq!(code, 0, "{screen}");
    let at = |text: &str| screen.find(text).unwrap_or_else(|| panic!("no `{text}`: {screen}"));
    assert!(at("    Building api\n") < at("from the compiler\n"), "{screen}");
    let quiet = on_a_terminal(project.path(), 80, &["build", "--quiet"], &[]).1;
    assert!(!quiet.contains("Building"), "{quiet}");
}

pub(crate) fn an_error_on_a_terminal_of_twenty_columns_is_whole() {
    let project = project();
    for more in [&[][..], &[("TERM", "dumb")], &[("NO_COLOR", "1")], &[("LANG", "C")]] {
        let (code, screen) = on_a_terminal(project.path(), 20, &["status", "staging"], more);
        assert_eq!(code, 3, "{more:?}: {screen}");
        let text = screen.replace('\n', "");
        assert!(
            text.contains("error: ") && text.contains("`staging`") && text.contains("hint: "),
            "{more:?}: {screen}"
        );
    }
}

pub(crate) fn a_result_that_cannot_be_written_changes_no_exit_code_of_what_was_done() {
    let project = project();
    for stdout in [full, closed] {
        let done = ran(project.path(), &["build"], stdout(), Stdio::piped());
        let words = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(0), "{words}");
        assert!(words.contains("warning: cannot write the result to stdout"), "{words}");
        let read = ran(project.path(), &["completions", "bash"], stdout(), Stdio::piped());
        let words = String::from_utf8(read.stderr).unwrap();
        assert_eq!(read.status.code(), Some(1), "{words}");
        assert!(words.contains("error: cannot write"), "{words}");
    }
}

pub(crate) fn a_stderr_that_is_closed_or_full_changes_nothing() {
    let project = project();
    for stderr in [full, closed] {
        let done = ran(project.path(), &["build"], Stdio::piped(), stderr());
        assert_eq!(done.status.code(), Some(0));
        assert!(!done.stdout.is_empty());
        assert_eq!(ran(project.path(), &["status", "staging"], Stdio::piped(), stderr()).status.code(), Some(3));
        assert_eq!(ran(project.path(), &["frobnicate"], Stdio::piped(), stderr()).status.code(), Some(64));
    }
}
