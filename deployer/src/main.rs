//! The binary: parse, run, print the error and one hint, exit.

use std::ffi::OsString;
use std::process::ExitCode;

use deployer::cli::{Cli, Command, Global, Output};
use deployer::config::ProcessEnvironment;
use deployer::ending::Ending as _;
use deployer::failure::Exit;
use deployer::report::Report;
use deployer::without_command::first_commands;
use deployer::world::World;

/// Bytes of stack for the run: reserved, not used.
const STACK: usize = 64 << 20;

fn main() -> ExitCode {
    let process = ProcessEnvironment::capture();
    // Before there are threads, and before anything else is printed.
    let arguments: Vec<_> = std::env::args_os().collect();
    if deployer::completions::completed(&process, &arguments) {
        return ExitCode::SUCCESS;
    }
    // Help, the version and usage errors need no thread, no runtime and no certificates.
    let cli = match Cli::of(arguments.iter().cloned()) {
        Ok(cli) => cli,
        Err(message) => return without_run(&message, arguments, process),
    };
    // On a thread of its own: how much stack the first one has is up to the shell, and an unoptimized run needs some megabytes.
    let run = std::thread::Builder::new().stack_size(STACK).spawn(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.map_or(Exit::Error.into(), |runtime| runtime.block_on(run(cli, process)))
    });
    run.ok().and_then(|run| run.join().ok()).unwrap_or_else(|| Exit::Error.into())
}

/// Prints what clap returned instead of a command: help, the version, or a usage error.
fn without_run(message: &clap::Error, arguments: Vec<OsString>, process: ProcessEnvironment) -> ExitCode {
    let report = report(wanted_output(&arguments), &process, &World::real());
    // A program, or the page of a run, gets an error.
    let for_people = |global: &Global| global.output == Output::Text && process.github().is_none();
    let without_command = || Cli::without_command(arguments).filter(for_people);
    match message.use_stderr().then(without_command).flatten() {
        Some(global) => report.first_commands(first_commands(&global, process)).into(),
        None => report.usage(message).into(),
    }
}

fn report(output: Output, process: &ProcessEnvironment, world: &World) -> Report {
    Report::new(output, (process.allows_color(), process.allows_unicode()), process.github(), world)
}

async fn run(cli: Cli, process: ProcessEnvironment) -> ExitCode {
    // Reading a bundle of root certificates is most of the work of a command that sends nothing, or only to the local AWS. `init` looks
    // into an account.
    let local = || cli.global.local || process.local_requested().unwrap_or(false);
    let needs_them = match &cli.command {
        Command::Configured(_) => !local(),
        other => other.sends_requests(),
    };
    let certificates = if needs_them { process.certificates() } else { Ok(Vec::new()) };
    let world = World::trusting(certificates.as_deref().unwrap_or_default());
    let report = report(cli.global.output, &process, &world)
        .with_verbosity(cli.global.verbosity())
        .with_live_lines(process.allows_live_lines());
    // Only fails if a provider was installed before, and none was.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ended = match certificates {
        Ok(_) => deployer::run(cli, process, &world, &report).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            report.error(&error);
            error.exit().into()
        }
    }
}

/// The format that a command line names which is wrong otherwise.
fn wanted_output(arguments: &[OsString]) -> Output {
    let is_json = arguments.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json");
    if is_json || arguments.iter().any(|argument| argument == "--output=json") { Output::Json } else { Output::Text }
}
