//! The command `visits`: parse -> run -> print the error and one hint, exit.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use function::visits::{self, cli::Cli, failure::Failed};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match visits::run(&cli, &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, the exit code remains.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            if let Some(hint) = error.downcast_ref::<Failed>().and_then(Failed::hint) {
                let _ = writeln!(io::stderr(), "hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}
