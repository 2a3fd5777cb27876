//! Why a call of PostgreSQL failed, in words that may be logged: no password, and nothing of a row.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::SqlState;

use crate::signed::Cause;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The server refused. Its `DETAIL` is left out: it may show a whole row.
    #[error("the server returned {} {message}", code.code())]
    Refused { code: SqlState, message: String },
    /// There is no connection, or none any more.
    #[error(transparent)]
    Broken(tokio_postgres::Error),
    /// It took too long.
    #[error("there was no response within {0:?}")]
    Late(Duration),
    /// The secret could not be read.
    #[error(
        "the secret with the password cannot be read; the function's role must be allowed `secretsmanager:GetSecretValue` on it"
    )]
    Secret(#[source] Cause),
    /// The secret is none of RDS's.
    #[error("the secret with the password is not a JSON object with the texts `username` and `password`")]
    NoLogin,
    /// A migration was changed after it had been applied.
    #[error("migration {0} is not the one that the database has: one that was applied may never change")]
    Changed(i32),
}

impl Trouble {
    /// Whether another password could help: RDS changes it.
    pub(super) fn is_about_the_login(&self) -> bool {
        let about = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
        matches!(self, Self::Refused { code, .. } if about.contains(code))
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self::Refused { code: said.code().clone(), message: said.message().to_owned() },
            None => Self::Broken(error),
        }
    }
}

/// Waits for `work`, but no longer than `most`.
pub(super) async fn within<T, E: Into<Trouble>>(
    most: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Trouble> {
    match timeout(most, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(Trouble::Late(most)),
    }
}
