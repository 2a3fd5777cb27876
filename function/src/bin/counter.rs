//! The function `counter`: settings -> store and key -> serve. An error in the settings or
//! the key ends it before the first event, with a line in the log and a non-zero exit code.

use std::process::ExitCode;

#[cfg(feature = "dynamodb")]
use function::store::dynamodb::DynamoStore;
#[cfg(feature = "postgres")]
use function::store::postgres::PostgresStore;
use function::{
    handler::Counter,
    key::{AddressKey, ssm::SsmParameter},
    log,
    reply::Frame,
    serve,
    settings::{self, Service, StoreChoice},
    store::Store,
    telemetry::Telemetry,
};

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    log::start();
    match serve::as_task(run()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::stopped(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Each store is built with a feature of its own.
async fn run() -> anyhow::Result<()> {
    let around = Around { frame: settings::frame()?, telemetry: settings::telemetry()?, key: settings::parameter()? };
    match settings::store()? {
        #[cfg(feature = "dynamodb")]
        StoreChoice::DynamoDb => {
            around.serve(DynamoStore::new(settings::table()?, settings::aws(Service::DynamoDb)?)).await
        }
        #[cfg(feature = "postgres")]
        StoreChoice::Postgres => {
            around.serve(PostgresStore::new(settings::database()?, settings::aws(Service::SecretsManager)?)?).await
        }
        #[cfg(not(all(feature = "dynamodb", feature = "postgres")))]
        other => Err(settings::SettingsError::NotBuilt(other.feature()).into()),
    }
}

/// What the counter has over whatever store.
struct Around {
    frame: Frame,
    telemetry: Telemetry,
    /// The parameter with the key for addresses.
    key: String,
}

impl Around {
    async fn serve(self, store: impl Store) -> anyhow::Result<()> {
        let key = AddressKey::new(SsmParameter::new(self.key, settings::aws(Service::Ssm)?));
        // Side by side, and a key that can never be used does not wait for a slow store.
        let warm = async {
            store.warm().await;
            Ok(())
        };
        tokio::try_join!(key.load(), warm)?;
        serve::run(Counter::new(store, key, self.frame, self.telemetry)).await
    }
}
