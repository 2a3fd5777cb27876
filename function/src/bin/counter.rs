//! The function `counter`: settings -> store -> warm -> serve. What is wrong with the settings ends
//! it before the first event, with a line in the log and a non-zero exit code.

use std::process::ExitCode;

use function::{handler::Counter, log, serve, settings, store::dynamodb::DynamoStore};

#[tokio::main(flavor = "current_thread")]
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
    let frame = settings::frame()?;
    let store = DynamoStore::new(settings::table()?, settings::aws()?);
    store.warm().await;
    serve::run(Counter::new(store, frame)).await
}
