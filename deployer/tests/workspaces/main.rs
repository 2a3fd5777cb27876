//! The content of packages, tested with a table of workspaces: for each, what must change the source hash and what must not.
//!
//! Each test makes its workspace in a temporary folder, with a home, git settings and environment variables of its own.
//! Most only hash; `built` compiles crates of a few lines.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::too_many_lines, reason = "a table has a row for each workspace")]

mod built;
mod crossed;
mod hashed;
mod images;
mod memory;
mod order;
mod outputs;
mod version;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// Runs one test on a runtime of its own.
fn test<F: Future<Output = ()>>(name: &str, run: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(run());
        Ok::<_, Failed>(())
    })
}

fn main() -> ExitCode {
    if memory::is_measured() {
        return ExitCode::SUCCESS;
    }
    let tests = hashed::tests().into_iter().chain(built::tests()).chain(order::tests()).chain(outputs::tests());
    let tests = tests.chain(images::tests()).chain(crossed::tests()).chain(version::tests()).chain(memory::tests());
    libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit_code()
}
