//! The steps from an empty database to the tables that this code needs; `migrations/README.md` has the rules.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use tokio_postgres::{Client, GenericClient, error::SqlState};

use crate::store::postgres::trouble::Trouble;

/// All steps, in order.
const ALL: [Migration; 1] = [Migration::new(1, "visits", include_str!("../../../migrations/V1__visits.sql"))];

const APPLIED: &str = "SELECT version, checksum FROM schema_migrations";

/// The lock's number is any, but always the same. A step may take longer than a visit, and ends before the client
/// gives it up.
const BEGIN: &str = "
SET LOCAL statement_timeout = 5000;
SELECT pg_advisory_xact_lock(7301996012);
CREATE TABLE IF NOT EXISTS schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)";

const APPLY: &str = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)";

/// One step.
struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
}

impl Migration {
    const fn new(version: i32, name: &'static str, sql: &'static str) -> Self {
        Self { version, name, sql }
    }

    /// The SHA-256 of the file, in hexadecimal digits.
    fn checksum(&self) -> String {
        Sha256::digest(self.sql).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Brings the database to where this code needs it. One that is further on already stays as it is.
pub(super) async fn run(client: &mut Client) -> Result<(), Trouble> {
    // Most of the time there is nothing to do, and no lock to wait for.
    if missing(&applied(client).await?)?.is_empty() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction.batch_execute(BEGIN).await?;
    // Another start may have done it since.
    for migration in missing(&applied(&transaction).await?)? {
        transaction.batch_execute(migration.sql).await?;
        transaction.execute(APPLY, &[&migration.version, &migration.name, &migration.checksum()]).await?;
    }
    Ok(transaction.commit().await?)
}

/// The checksums of the steps that the database has, by version.
async fn applied(client: &impl GenericClient) -> Result<BTreeMap<i32, String>, Trouble> {
    match client.query_typed(APPLIED, &[]).await {
        Ok(rows) => Ok(rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, tokio_postgres::Error>>()?),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    }
}

/// The steps that are not among those `applied`. Steps unknown to this code are a newer version's.
fn missing(applied: &BTreeMap<i32, String>) -> Result<Vec<&'static Migration>, Trouble> {
    let changed = |step: &&Migration| applied.get(&step.version).is_some_and(|known| *known != step.checksum());
    match ALL.iter().find(changed) {
        Some(step) => Err(Trouble::Changed(step.version)),
        None => Ok(ALL.iter().filter(|step| !applied.contains_key(&step.version)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_step_and_every_step_a_file() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = names.filter(|name| name.ends_with(".sql")).collect();
        let mut steps: Vec<_> = ALL.iter().map(|step| format!("V{}__{}.sql", step.version, step.name)).collect();
        files.sort();
        steps.sort();
        assert_eq!(files, steps);
        assert!(ALL.iter().zip(1..).all(|(step, number)| step.version == number), "in order, without gaps");
    }

    #[test]
    fn what_is_missing_is_what_the_database_does_not_name() {
        let versions = |applied: &BTreeMap<i32, String>| {
            missing(applied).map(|steps| steps.iter().map(|step| step.version).collect::<Vec<_>>())
        };
        let first = (1, ALL[0].checksum());
        assert_eq!(versions(&BTreeMap::new()).unwrap()[0], 1);
        assert_eq!(versions(&BTreeMap::from([first.clone(), (99, "newer".to_owned())])).unwrap().len(), ALL.len() - 1);
        let changed = versions(&BTreeMap::from([(1, "other".to_owned())])).unwrap_err();
        assert!(changed.to_string().starts_with("migration 1 is not the one"), "{changed}");
    }
}
