//! The secret that addresses are hashed with: read once, during init.
//!
//! A key that can never be used, going by AWS's error, keeps the function from starting. One that
//! cannot be read just now does not: visits are counted all the same, of `unknown` visitors, and
//! each visit tries again until the key is there. It never shows the secret.

#[cfg(feature = "counter")]
pub mod ssm;

use std::{error::Error, sync::OnceLock, time::Duration};

use futures::lock::Mutex;
use jiff::Timestamp;
use tokio::time::sleep;

use crate::{
    log,
    privacy::{Address, Pseudonym, SECRET_MINIMUM, Secret},
};

/// The pauses before the second attempt during init, and before the third. No visitor waits yet, and
/// Lambda gives an init 10 s.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// Where the secret is kept.
pub trait KeySource: Send + Sync {
    /// Reads the secret: one attempt, which ends well before a visitor would lose patience.
    fn fetch(&self) -> impl Future<Output = Result<Secret, KeyError>> + Send;
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be read just now: the next attempt may succeed.
    #[error("failed to read parameter `{parameter}`")]
    Unavailable {
        /// The parameter's name.
        parameter: String,
        /// What went wrong.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// It may not be read, or does not exist.
    #[error(
        "parameter `{parameter}` cannot be read; it must exist, and the function's role be allowed \
         `ssm:GetParameter` on it, and `kms:Decrypt` where it has a KMS key of its own"
    )]
    Refused {
        /// The parameter's name.
        parameter: String,
        /// The error response.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// It is not a secret.
    #[error("parameter `{parameter}` is too short: it must be at least {SECRET_MINIMUM} bytes of random text")]
    Short {
        /// The parameter's name.
        parameter: String,
    },
}

/// The secret, as soon as its source gave it.
#[derive(Debug)]
pub struct AddressKey<K> {
    source: K,
    secret: OnceLock<Secret>,
    turn: Mutex<()>,
}

impl<K: KeySource> AddressKey<K> {
    /// The secret that `source` keeps. Reads nothing yet.
    pub fn new(source: K) -> Self {
        Self { source, secret: OnceLock::new(), turn: Mutex::new(()) }
    }

    /// Reads the secret during init, in up to three attempts. Where none of them got through, that
    /// is logged, and the function may start.
    ///
    /// # Errors
    ///
    /// When the secret may not be read, does not exist, or is too short.
    pub async fn load(&self) -> Result<(), KeyError> {
        for pause in PAUSES {
            match self.read().await {
                Err(KeyError::Unavailable { .. }) => sleep(pause).await,
                known => return known,
            }
        }
        match self.read().await {
            Err(error @ KeyError::Unavailable { .. }) => {
                log::keyless(&error);
                Ok(())
            }
            known => known,
        }
    }

    /// Who `address` is on the day of `at`. Without a secret it reads it once more, unless another
    /// visit is just doing so; if that fails, it is logged, and the visitor is unknown.
    pub async fn pseudonym(&self, address: Option<&Address>, at: Timestamp) -> Pseudonym {
        let Some(address) = address else {
            return Pseudonym::unknown();
        };
        if self.secret.get().is_none()
            && let Some(_turn) = self.turn.try_lock()
            && let Err(error) = self.read().await
        {
            log::keyless(&error);
        }
        let known = |secret: &Secret| secret.pseudonym(address, at);
        self.secret.get().map_or_else(Pseudonym::unknown, known)
    }

    async fn read(&self) -> Result<(), KeyError> {
        let secret = self.source.fetch().await?;
        let _ = self.secret.set(secret); // set already: by another attempt, with the same
        Ok(())
    }
}
