//! The function `preflight`: settings -> serve. An error in the settings ends it before the
//! first event, with a line in the log and a non-zero exit code.

use std::process::ExitCode;

use function::{handler::Preflight, log, serve, settings};

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    log::start();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::stopped(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    serve::run(Preflight::new(settings::frame()?)).await
}
