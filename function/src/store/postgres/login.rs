//! The database's user and password, which RDS keeps in Secrets Manager and changes every few days.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    settings::AwsSettings,
    signed::{Api, Signed},
    store::postgres::trouble::Trouble,
};

const SECRETS_MANAGER: Api = Api {
    name: "Secrets Manager",
    host: "secretsmanager",
    content_type: "application/x-amz-json-1.1",
    patience: Duration::from_millis(1_500),
};

/// Where user and password are kept.
pub(super) struct LoginSecret {
    arn: String,
    secrets: Signed,
}

/// User and password. No `Debug`, so that they can reach no log.
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

impl LoginSecret {
    /// The secret `arn`, reached with `aws`. Reads nothing yet.
    pub(super) fn new(arn: String, aws: AwsSettings) -> Self {
        Self { arn, secrets: Signed::new(SECRETS_MANAGER, aws) }
    }

    /// Reads the secret as it is now: one attempt.
    pub(super) async fn read(&self) -> Result<Login, Trouble> {
        let body = json!({"SecretId": self.arn});
        let response = self.secrets.send("secretsmanager.GetSecretValue", &body).await;
        let response = response.map_err(|failed| Trouble::Secret(failed.cause()))?;
        Login::from_response(&response).ok_or(Trouble::NoLogin)
    }
}

impl Login {
    /// Never through an error of `serde_json`, which could show what it found.
    fn from_response(response: &Value) -> Option<Self> {
        let secret: Value = serde_json::from_str(response.get("SecretString")?.as_str()?).ok()?;
        let text = |name| secret.get(name)?.as_str().map(str::to_owned);
        Some(Self { username: text("username")?, password: text("password")? })
    }
}
