//! The visits in PostgreSQL, in the database that the function's variables `DATABASE_…` name. The secret with
//! its password is read with the user's own credentials.

use std::{error::Error, pin::pin};

use anyhow::Context as _;
use aws_config::BehaviorVersion;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures::TryStreamExt as _;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    settings::{self, AwsSettings, Service},
    store::postgres::PostgresStore,
    visits::{
        failure::Failed,
        log::{Seen, VisitLog},
    },
};

/// By the index on the moment. No visitor's address is read.
const VISITS: &str = r#"
SELECT ("timestamp" AT TIME ZONE 'UTC')::date, path, user_agent FROM visits WHERE "timestamp" >= $1 AND "timestamp" < $2"#;

const UNREACHED: &str = "check that you may read the secret, and that this machine reaches the server under the name in its \
     certificate: it is in a private network";
const UNREAD: &str = "run it again; if the table is missing, the function creates it when it first connects";

/// The visits in a PostgreSQL database.
pub struct PostgresLog {
    store: PostgresStore,
    name: String,
}

impl PostgresLog {
    /// The log in the database that the variables name. Does not connect yet.
    ///
    /// # Errors
    ///
    /// When a variable is missing or malformed, or there are no credentials.
    pub async fn connect() -> anyhow::Result<Self> {
        let database = settings::database()?;
        let name = format!("{}@{}", database.name, database.host);
        let store = PostgresStore::new(database, credentials(&name).await?)?;
        Ok(Self { store, name })
    }

    /// The database and its host.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn failed(&self, error: &dyn Error, hint: &str) -> Failed {
        let why = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        Failed::new(format!("read the visits in `{}`", self.name), why, Some(hint.to_owned()))
    }
}

impl VisitLog for PostgresLog {
    async fn each(&self, days: &[Date], mut see: impl FnMut(Seen)) -> anyhow::Result<()> {
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
        let client = self.store.reader().await.map_err(|error| self.failed(&*error, UNREACHED))?;
        let unread = |error| self.failed(&error, UNREAD);
        let bounds = [start_of(*first)?, start_of(last.tomorrow()?)?];
        let mut rows = pin!(client.query_raw(VISITS, &bounds).await.map_err(unread)?);
        while let Some(row) = rows.try_next().await.map_err(unread)? {
            see(Seen { day: row.try_get(0)?, path: row.try_get(1)?, user_agent: row.try_get(2)? });
        }
        Ok(())
    }
}

/// The first moment of `day`, UTC.
fn start_of(day: Date) -> anyhow::Result<Timestamp> {
    Ok(day.to_zoned(TimeZone::UTC)?.timestamp())
}

/// Found as every AWS tool finds them.
async fn credentials(name: &str) -> anyhow::Result<AwsSettings> {
    let tls = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(tls.build_https()).load().await;
    let missing = |why: &str| {
        let hint = "set `AWS_REGION`, and log in (`aws sso login`) or set `AWS_PROFILE`".to_owned();
        Failed::new(format!("read the password of `{name}`"), why, Some(hint))
    };
    let region = config.region().ok_or_else(|| missing("no region is set"))?.to_string();
    let provider = config.credentials_provider().ok_or_else(|| missing("there are no credentials"))?;
    let found = provider.provide_credentials().await;
    let found = found.with_context(|| missing("there are no credentials"))?;
    Ok(AwsSettings {
        region,
        endpoint: settings::endpoint(Service::SecretsManager),
        access_key_id: found.access_key_id().to_owned(),
        secret_access_key: found.secret_access_key().to_owned(),
        session_token: found.session_token().map(str::to_owned),
    })
}
