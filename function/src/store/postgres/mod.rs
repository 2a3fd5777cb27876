//! The store in PostgreSQL: a row for each visit, and one row with the total.
//!
//! A visit and its addition are one statement: both are made, or neither. A visit whose key exists adds
//! nothing, so a statement whose response was lost may be sent again. There is one connection, because a
//! container has one visitor at a time. After any failure it is closed and opened again, with the [`migrations`]
//! that the database lacks. Every connection uses TLS.

mod login;
mod migrations;
mod session;
mod tls;
mod trouble;

#[cfg(feature = "visits")]
use std::error::Error;
use std::time::Duration;

use futures::lock::Mutex;
use tokio::time::timeout;
#[cfg(feature = "visits")]
use tokio_postgres::Client;
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    log,
    settings::{AwsSettings, Database, SettingsError},
    store::{Counted, Store, StoreError},
    telemetry::{Calls, Service},
    visit::Visit,
};
use login::{Login, LoginSecret};
use session::{Query, Response, Session};
use trouble::{Trouble, within};

/// How long a visitor waits, all attempts included: with the second and a half in which the key for addresses may
/// be read, well within the function's 10 s, so that it is our response and not a bare 502.
const WHOLE: Duration = Duration::from_secs(7);
/// How long init may take to open a connection and migrate. Lambda gives it 10 s.
const INIT: Duration = Duration::from_secs(6);
/// How long init may take to delete what has expired.
const PRUNING: Duration = Duration::from_secs(2);
/// How long TCP alone may take, for each of the host's addresses.
const TCP: Duration = Duration::from_secs(2);

/// Visits and their total in a PostgreSQL database. No `Debug`, so that no password can reach a log.
pub struct PostgresStore {
    database: Database,
    secret: LoginSecret,
    tls: MakeRustlsConnect,
    service: Service,
    link: Mutex<Link>,
}

/// What lasts from one visit to the next.
#[derive(Default)]
struct Link {
    login: Option<Login>,
    session: Option<Session>,
}

impl PostgresStore {
    /// A store in `database`, whose secret is read with `aws`. Calls nothing yet.
    ///
    /// # Errors
    ///
    /// When the file of certificate authorities cannot be read, or has none.
    pub fn new(database: Database, aws: AwsSettings) -> Result<Self, SettingsError> {
        let tls = tls::connector(database.authorities.as_deref()).ok_or(SettingsError::Authorities)?;
        let resource = format!("{}@{}", database.name, database.host);
        let service = Service { name: "PostgreSQL", resource, region: None };
        let secret = LoginSecret::new(database.secret.clone(), aws);
        Ok(Self { database, secret, tls, service, link: Mutex::default() })
    }

    /// Runs `query`, and once more over a new connection if the existing one fails.
    async fn run(&self, query: Query<'_>) -> Result<Response, Trouble> {
        let link = &mut *self.link.lock().await;
        // Taken: whatever ends this early, no connection is left in the middle of a response.
        if let Some(session) = link.session.take().filter(|session| !session.has_ended()) {
            match session.run(query).await {
                Ok(response) => {
                    link.session = Some(session);
                    return Ok(response);
                }
                Err(error) => log::lost(&error),
            }
        }
        let session = self.open(&mut link.login).await?;
        let response = session.run(query).await?;
        link.session = Some(session);
        Ok(response)
    }

    /// Opens a connection with the password as it was last read, or as it is now where the server refuses that one.
    async fn open(&self, login: &mut Option<Login>) -> Result<Session, Trouble> {
        if let Some(known) = login {
            match self.connect(known).await {
                Err(error) if error.is_about_the_login() => {}
                opened => return opened,
            }
        }
        let read = login.insert(self.secret.read().await?);
        self.connect(read).await
    }

    async fn connect(&self, login: &Login) -> Result<Session, Trouble> {
        let mut config = self.config(login);
        config.options(session::OPTIONS);
        Session::open(&config, self.tls.clone()).await
    }

    fn config(&self, login: &Login) -> Config {
        let mut config = Config::new();
        config.host(&self.database.host).port(self.database.port).dbname(&self.database.name);
        config.user(&login.username).password(&login.password).application_name("visitor-counter");
        config.ssl_mode(SslMode::Require).connect_timeout(TCP);
        // A server that went away while the container was frozen sends nothing.
        config.keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(TCP);
        config
    }

    /// A connection for who reads the visits, and has more time than a visitor. It migrates nothing.
    ///
    /// # Errors
    ///
    /// When the password cannot be read, or the server not be reached.
    #[cfg(feature = "visits")]
    pub(crate) async fn reader(&self) -> Result<Client, Box<dyn Error + Send + Sync>> {
        let login = self.secret.read().await?;
        Ok(session::connect(&self.config(&login), self.tls.clone()).await?)
    }

    /// `query` within the time that a visitor waits.
    async fn respond(&self, query: Query<'_>) -> Result<Counted, StoreError> {
        let action = || format!("{} `{}`", query.action(), self.service.resource);
        let response = within(WHOLE, self.run(query)).await;
        let response = response.map_err(|error| StoreError::Unavailable { action: action(), cause: error.into() })?;
        let total = u64::try_from(response.total).map_err(|_| StoreError::Malformed { action: action() })?;
        Ok(Counted { total, new: response.new })
    }

    /// Opens the connection and deletes what has expired.
    async fn start(&self) -> Result<(), Trouble> {
        let link = &mut *self.link.lock().await;
        let session = within(INIT, self.open(&mut link.login)).await?;
        match timeout(PRUNING, session.prune()).await {
            Ok(Err(error)) => log::kept(&error),
            Ok(Ok(())) => link.session = Some(session),
            // In the middle of a response: the first visitor gets a connection of his own.
            Err(_) => {}
        }
        Ok(())
    }
}

impl Store for PostgresStore {
    fn service(&self) -> &Service {
        &self.service
    }

    async fn warm(&self) {
        if let Err(error) = self.start().await {
            let action = format!("connect to `{}`", self.service.resource);
            log::cold(&StoreError::Unavailable { action, cause: error.into() });
        }
    }

    async fn count(&self, visit: &Visit, calls: &Calls) -> Result<Counted, StoreError> {
        calls.note("Count", self.respond(Query::Count(visit))).await
    }

    async fn total(&self, calls: &Calls) -> Result<u64, StoreError> {
        Ok(calls.note("Total", self.respond(Query::Total)).await?.total)
    }
}
