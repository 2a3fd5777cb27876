//! What a package is made of, tried over a table of workspaces: for each, what must change the source hash and what must not.
//!
//! Each workspace is made by its trial in a temporary folder, with a home, git settings and a shell's environment of its own.
//! Most only hash; `built` compiles crates of a few lines.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::too_many_lines, reason = "a table has a row for each workspace")]

mod built;
mod crossed;
mod hashed;
mod images;
mod order;
mod outputs;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// Runs one trial on a runtime of its own.
fn trial<F: Future<Output = ()>>(name: &str, run: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(run());
        Ok::<_, Failed>(())
    })
}

fn main() -> ExitCode {
    let trials = hashed::trials().into_iter().chain(built::trials()).chain(order::trials()).chain(outputs::trials());
    let trials = trials.chain(images::trials()).chain(crossed::trials());
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
