//! The secret in a SecureString parameter of SSM.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    key::{KeyError, KeySource},
    privacy::Secret,
    settings::AwsSettings,
    signed::{Api, Failed, Signed},
};

/// A visit's write waits for it: with what the stores may take it is within the function's 10 s.
const SSM: Api = Api {
    name: "SSM",
    host: "ssm",
    content_type: "application/x-amz-json-1.1",
    patience: Duration::from_millis(1_500),
};

/// A SecureString parameter. No `Debug`, so that no key can reach a log.
pub struct SsmParameter {
    name: String,
    ssm: Signed,
}

impl SsmParameter {
    /// The parameter `name`, reached with `aws`. Calls nothing yet.
    #[must_use]
    pub fn new(name: String, aws: AwsSettings) -> Self {
        Self { name, ssm: Signed::new(SSM, aws) }
    }
}

impl KeySource for SsmParameter {
    async fn fetch(&self) -> Result<Secret, KeyError> {
        let body = json!({"Name": self.name, "WithDecryption": true});
        let parameter = self.name.clone();
        match self.ssm.send("AmazonSSM.GetParameter", &body).await {
            Ok(response) => {
                let Some(value) = response.pointer("/Parameter/Value").and_then(Value::as_str) else {
                    let cause = "SSM's response has no value in it".into();
                    return Err(KeyError::Unavailable { parameter, cause });
                };
                Secret::new(value).ok_or(KeyError::Short { parameter })
            }
            Err(Failed::Passing(cause)) => Err(KeyError::Unavailable { parameter, cause }),
            Err(Failed::Lasting(cause)) => Err(KeyError::Refused { parameter, cause }),
        }
    }
}
