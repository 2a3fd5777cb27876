//! One connection, and the queries over it.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::{Client, Config, Statement, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    store::postgres::{
        migrations,
        trouble::{Trouble, within},
    },
    visit::Visit,
};

/// The server gives up a statement before the client does, and returns an error. It ends a session that has been idle for 2 minutes: a
/// container is frozen with its connection open, for as long as Lambda likes, and after a release those of the old version are unused.
pub(super) const OPTIONS: &str =
    "-c statement_timeout=2000 -c idle_in_transaction_session_timeout=10000 -c idle_session_timeout=120000";

/// How long TCP, TLS and the password may take together: with the CPU of a running 128 MB function a TLS
/// handshake takes most of a second.
const CONNECTING: Duration = Duration::from_millis(2_500);
/// How long migrations may take, with those of another start that they wait for.
const MIGRATING: Duration = Duration::from_millis(5_500);
/// How long a response may take.
const RESPONDING: Duration = Duration::from_millis(2_500);

/// Adds a visit and 1 to the total, and returns the total; no row if the visit is known. `shard` is always 0.
const COUNT: &str = r#"
WITH visit AS (
  INSERT INTO visits (visit_id, "timestamp", visitor_ip, user_agent, path, expiration_time)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (visit_id) DO NOTHING RETURNING visit_id
), added AS (
  INSERT INTO totals AS total (shard, count) SELECT 0, 1 FROM visit
  ON CONFLICT (shard) DO UPDATE SET count = total.count + 1 RETURNING count
)
SELECT count FROM added"#;

const TOTAL: &str = "SELECT coalesce(sum(count), 0)::bigint FROM totals";

/// As many as are gone in a moment. Several starts at once take others.
const PRUNE: &str = "
DELETE FROM visits WHERE visit_id = ANY (ARRAY(
  SELECT visit_id FROM visits WHERE expiration_time < now() ORDER BY expiration_time LIMIT 1000 FOR UPDATE SKIP LOCKED))";

/// How often in a row [`PRUNE`] runs.
const PRUNED: usize = 10;

/// A connection to a database with all that this code needs.
pub(super) struct Session {
    client: Client,
    count: Statement,
    total: Statement,
}

/// A query of the store.
#[derive(Clone, Copy)]
pub(super) enum Query<'a> {
    Count(&'a Visit),
    Total,
}

/// The database's response.
pub(super) struct Response {
    pub(super) total: i64,
    /// Whether a visit was added.
    pub(super) new: bool,
}

/// A connection to the database as it is.
pub(super) async fn connect(config: &Config, tls: MakeRustlsConnect) -> Result<Client, Trouble> {
    let (client, connection) = within(CONNECTING, config.connect(tls)).await?;
    // Ends when the client is dropped. The client gets its errors too.
    tokio::spawn(connection);
    Ok(client)
}

impl Query<'_> {
    /// Completes "failed to …", before the database's name.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Count(_) => "count a visit in",
            Self::Total => "read the total from",
        }
    }
}

impl Session {
    /// Connects, migrates, and prepares the queries.
    pub(super) async fn open(config: &Config, tls: MakeRustlsConnect) -> Result<Self, Trouble> {
        let mut client = connect(config, tls).await?;
        within(MIGRATING, migrations::run(&mut client)).await?;
        let prepared = async { tokio::try_join!(client.prepare(COUNT), client.prepare(TOTAL)) };
        let (count, total) = within(RESPONDING, prepared).await?;
        Ok(Self { client, count, total })
    }

    /// Whether the server ended it, as it does when it was idle for long.
    pub(super) fn has_ended(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs `query`.
    pub(super) async fn run(&self, query: Query<'_>) -> Result<Response, Trouble> {
        within(RESPONDING, async {
            match query {
                Query::Count(visit) => match self.count(visit).await? {
                    Some(total) => Ok(Response { total, new: true }),
                    // In a statement of its own: the first may have begun before the known visit was counted.
                    None => self.total().await,
                },
                Query::Total => self.total().await,
            }
        })
        .await
    }

    async fn count(&self, visit: &Visit) -> Result<Option<i64>, tokio_postgres::Error> {
        let Visit { id, at, visitor_ip, user_agent, path } = visit;
        let expires = Timestamp::from_second(visit.expiration_time()).unwrap_or(Timestamp::MAX);
        let values: [&(dyn ToSql + Sync); 6] = [id, at, &visitor_ip.as_str(), user_agent, path, &expires];
        let row = self.client.query_opt(&self.count, &values).await?;
        row.map(|row| row.try_get(0)).transpose()
    }

    async fn total(&self) -> Result<Response, tokio_postgres::Error> {
        let total = self.client.query_one(&self.total, &[]).await?.try_get(0)?;
        Ok(Response { total, new: false })
    }

    /// Deletes visits that have expired, up to 10,000.
    pub(super) async fn prune(&self) -> Result<(), Trouble> {
        for _ in 0..PRUNED {
            if self.client.execute(PRUNE, &[]).await? < 1000 {
                break;
            }
        }
        Ok(())
    }
}
