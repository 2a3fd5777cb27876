//! The function `counter`: settings -> store and key -> serve. What is wrong with the settings or
//! the key ends it before the first event, with a line in the log and a non-zero exit code.

use std::process::ExitCode;

use function::{
    handler::Counter,
    key::{AddressKey, ssm::SsmParameter},
    log, serve,
    settings::{self, Service},
    store::dynamodb::DynamoStore,
};

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
    let frame = settings::frame()?;
    let telemetry = settings::telemetry()?;
    let (table, parameter) = (settings::table()?, settings::parameter()?);
    let store = DynamoStore::new(table, settings::shards()?, settings::aws(Service::DynamoDb)?);
    let key = AddressKey::new(SsmParameter::new(parameter, settings::aws(Service::Ssm)?));
    // Side by side, and a key that can never be used does not wait for a slow store.
    let warm = async {
        store.warm().await;
        Ok(())
    };
    tokio::try_join!(key.load(), warm)?;
    serve::run(Counter::new(store, key, frame, telemetry)).await
}
