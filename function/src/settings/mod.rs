//! Environment variables -> the functions' settings.
//!
//! The only reader of environment variables in this crate. What is missing or malformed is an
//! [`SettingsError`], which names the variable and what would be right, but never shows its value.

mod error;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, path::PathBuf};

use crate::{
    cors::AllowedOrigins,
    marks::Marks,
    reply::Frame,
    telemetry::{Telemetry, xray::Tracer},
};

pub use error::SettingsError;
pub(crate) use error::TABLE_RULE;
use error::{
    AUTHORITIES, DATABASE, DATABASE_RULE, HOST, HOST_RULE, KEY_RULE, LOGIN, LOGIN_RULE, ORIGIN, ORIGIN_RULE, PARAMETER,
    PARAMETER_RULE, PORT, PORT_RULE, STORE, TABLE, TRACER,
};

/// A service of AWS that the functions call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Where visits are stored.
    DynamoDb,
    /// Where the key for addresses is kept.
    Ssm,
    /// Where the database's password is kept.
    SecretsManager,
}

impl Service {
    /// The variable that names an endpoint for this service alone, as in every AWS SDK.
    fn endpoint(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::Ssm => "AWS_ENDPOINT_URL_SSM",
            Self::SecretsManager => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        }
    }
}

/// Where and as whom to call AWS. No `Debug`, so that no key can reach a log.
pub struct AwsSettings {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL_` with the service's name, else `AWS_ENDPOINT_URL`; none for AWS's own.
    pub endpoint: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`; a role's keys always come with one.
    pub session_token: Option<String>,
}

/// Which store keeps the visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// `dynamodb`, or where nothing is chosen.
    DynamoDb,
    /// `postgres`.
    Postgres,
}

impl StoreChoice {
    /// The cargo feature with which it is built.
    #[must_use]
    pub fn feature(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Postgres => "postgres",
        }
    }
}

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// `DATABASE_HOST`: a name or an address, which its certificate must have.
    pub host: String,
    /// `DATABASE_PORT`.
    pub port: u16,
    /// `DATABASE_NAME`.
    pub name: String,
    /// `DATABASE_SECRET`: the ARN of the secret with the user's name and password.
    pub secret: String,
    /// `DATABASE_CA`: a PEM file with the authorities of a server that is not RDS.
    pub authorities: Option<PathBuf>,
}

/// Reads which store keeps the visits: `VISIT_STORE`, `dynamodb` where it is not set.
///
/// # Errors
///
/// When it is neither `dynamodb` nor `postgres`.
pub fn store() -> Result<StoreChoice, SettingsError> {
    store_from(&process)
}

/// Reads where the database is: the variables `DATABASE_…`.
///
/// # Errors
///
/// When one of them is missing or malformed.
pub fn database() -> Result<Database, SettingsError> {
    database_from(&process)
}

/// Reads Lambda's variables about AWS, for calling `service`. Once is enough: new keys
/// of the role come with a new process.
///
/// # Errors
///
/// When the region or a key is missing, as it never is in Lambda.
pub fn aws(service: Service) -> Result<AwsSettings, SettingsError> {
    aws_from(&process, service)
}

/// Reads where `service` is called: nothing for AWS's own address.
#[must_use]
pub fn endpoint(service: Service) -> Option<String> {
    endpoint_from(&process, service)
}

/// Reads the name of the counter's table: `DYNAMODB_TABLE`.
///
/// # Errors
///
/// When it is missing or could not be a table's name.
pub fn table() -> Result<String, SettingsError> {
    table_from(&process)
}

/// Reads Lambda's variables for metrics and traces: the function's name, and the X-Ray
/// daemon's address where traces are active.
///
/// # Errors
///
/// When the daemon's address is malformed, as it never is in Lambda.
pub fn telemetry() -> Result<Telemetry, SettingsError> {
    telemetry_from(&process)
}

/// Reads the name of the SSM parameter with the key for addresses: `ADDRESS_KEY_PARAMETER`.
///
/// # Errors
///
/// When it is missing or could not be a parameter's name.
pub fn parameter() -> Result<String, SettingsError> {
    parameter_from(&process)
}

/// Reads what every response carries: `ALLOWED_ORIGIN`, and the version that Lambda runs this as.
///
/// # Errors
///
/// When `ALLOWED_ORIGIN` is missing or not a list of origins.
pub fn frame() -> Result<Frame, SettingsError> {
    frame_from(&process)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn endpoint_from(read: &impl Fn(&str) -> Option<String>, service: Service) -> Option<String> {
    let optional = |name| read(name).filter(|value| !value.is_empty());
    optional(service.endpoint()).or_else(|| optional("AWS_ENDPOINT_URL"))
}

fn aws_from(read: &impl Fn(&str) -> Option<String>, service: Service) -> Result<AwsSettings, SettingsError> {
    let optional = |name| read(name).filter(|value| !value.is_empty());
    Ok(AwsSettings {
        region: required(read, "AWS_REGION", "the function's region, as Lambda sets it")?,
        endpoint: endpoint_from(read, service),
        access_key_id: required(read, "AWS_ACCESS_KEY_ID", KEY_RULE)?,
        secret_access_key: required(read, "AWS_SECRET_ACCESS_KEY", KEY_RULE)?,
        session_token: optional("AWS_SESSION_TOKEN"),
    })
}

fn table_from(read: &impl Fn(&str) -> Option<String>) -> Result<String, SettingsError> {
    let name = required(read, TABLE, TABLE_RULE)?;
    if is_table(&name) { Ok(name) } else { Err(SettingsError::Table) }
}

/// Whether `name` could be a table's.
pub(crate) fn is_table(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (3..=255).contains(&name.len()) && name.bytes().all(allowed)
}

/// A name in a hierarchy begins with `/`, and none of its levels is empty.
fn parameter_from(read: &impl Fn(&str) -> Option<String>) -> Result<String, SettingsError> {
    let name = required(read, PARAMETER, PARAMETER_RULE)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let level = |level: &str| !level.is_empty() && level.bytes().all(allowed);
    let levels = name.strip_prefix('/').map_or_else(|| level(&name), |path| path.split('/').all(level));
    if levels && name.len() <= 1011 { Ok(name) } else { Err(SettingsError::Parameter) }
}

fn store_from(read: &impl Fn(&str) -> Option<String>) -> Result<StoreChoice, SettingsError> {
    match read(STORE).as_deref() {
        None | Some("dynamodb") => Ok(StoreChoice::DynamoDb),
        Some("postgres") => Ok(StoreChoice::Postgres),
        Some(_) => Err(SettingsError::Store),
    }
}

fn database_from(read: &impl Fn(&str) -> Option<String>) -> Result<Database, SettingsError> {
    let host = required(read, HOST, HOST_RULE)?;
    let port = required(read, PORT, PORT_RULE)?;
    let name = required(read, DATABASE, DATABASE_RULE)?;
    let secret = required(read, LOGIN, LOGIN_RULE)?;
    let sound = |text: &str, others: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || others.contains(&b));
    // Also no path: what begins with `/` would be a socket, and that has no TLS.
    if !(sound(&host, b".-:") && host.len() <= 253) {
        return Err(SettingsError::Host);
    }
    let port = port.parse().ok().filter(|port| *port > 0).ok_or(SettingsError::Port)?;
    if !(sound(&name, b"_-") && name.len() <= 63) {
        return Err(SettingsError::Database);
    }
    let parts: Vec<_> = secret.splitn(7, ':').collect();
    match parts.as_slice() {
        ["arn", _, "secretsmanager", _, _, "secret", id] if !id.is_empty() && sound(&secret, b":/_+=.@!-") => {}
        _ => return Err(SettingsError::Login),
    }
    let authorities = read(AUTHORITIES).filter(|path| !path.is_empty()).map(PathBuf::from);
    Ok(Database { host, port, name, secret, authorities })
}

fn telemetry_from(read: &impl Fn(&str) -> Option<String>) -> Result<Telemetry, SettingsError> {
    let function = read("AWS_LAMBDA_FUNCTION_NAME").filter(|name| !name.is_empty());
    let daemon = read(TRACER).filter(|address| !address.is_empty());
    let daemon = daemon.map(|address| address.parse::<SocketAddr>()).transpose();
    let daemon = daemon.map_err(|_| SettingsError::Tracer)?;
    Ok(Telemetry { function, tracer: daemon.and_then(Tracer::new) })
}

fn frame_from(read: &impl Fn(&str) -> Option<String>) -> Result<Frame, SettingsError> {
    let origins = required(read, ORIGIN, ORIGIN_RULE)?;
    let origins = origins.parse::<AllowedOrigins>().map_err(SettingsError::Origin)?;
    let version = read("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or_default();
    Ok(Frame { origins, marks: Marks::new(&version) })
}

fn required(
    read: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    rule: &'static str,
) -> Result<String, SettingsError> {
    let value = read(name).filter(|value| !value.trim().is_empty());
    value.ok_or(SettingsError::Missing { name, rule })
}
