//! The store in a real PostgreSQL: alone, under the real binary, and under the command `visits`.

mod binary;
mod store;
#[cfg(feature = "visits")]
mod visits;

use std::error::Error as _;

use function::{
    privacy::Pseudonym,
    store::{Store as _, StoreError, postgres::PostgresStore},
    telemetry::Calls,
    visit::Visit,
};
use jiff::Timestamp;

use crate::{
    memory::request,
    server::{Database, Secrets, Server},
};

/// A part of the password of every [`Database`].
const PASSWORD: &str = "p4ssword";

fn visit() -> Visit {
    visit_at(Timestamp::now())
}

fn visit_at(at: Timestamp) -> Visit {
    Visit::new(&request("GET", "/count"), Pseudonym::unknown(), at)
}

async fn count(store: &PostgresStore) -> u64 {
    store.count(&visit(), &Calls::default()).await.unwrap().total
}

async fn total(store: &PostgresStore) -> Result<u64, StoreError> {
    store.total(&Calls::default()).await
}

/// Why reading the total failed, as a log has it, which never has the password.
async fn refusal(store: &PostgresStore) -> String {
    let error = total(store).await.unwrap_err();
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        chain += &format!(": {error}");
        cause = error.source();
    }
    assert!(!format!("{chain}{error:?}").contains(PASSWORD), "{error:?}");
    chain
}

/// A database, the secret with its password, and a store in it.
fn all_new() -> (Database<'static>, Secrets, PostgresStore) {
    let database = Database::new(Server::shared());
    let secrets = Secrets::of(&database);
    let store = database.store(&secrets);
    (database, secrets, store)
}
