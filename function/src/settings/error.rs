//! The variables by name, what each must be, and the errors if it is not.

use crate::cors::NotAnOrigin;

pub(super) const TABLE: &str = "DYNAMODB_TABLE";
/// What a table's name must be.
pub(crate) const TABLE_RULE: &str =
    "a table's name: 3 to 255 letters, digits, `_`, `-` or `.`, such as `ResumeVisitorCounter-dev`";
pub(super) const ORIGIN: &str = "ALLOWED_ORIGIN";
pub(super) const ORIGIN_RULE: &str = "origins as browsers send them, separated by commas: \
     `https://host[:port]`, lower case, without path or default port, such as `https://www.example.com`; \
     `http` for localhost, 127.0.0.1 and [::1] only";
pub(super) const PARAMETER: &str = "ADDRESS_KEY_PARAMETER";
pub(super) const PARAMETER_RULE: &str = "the name of an SSM parameter: up to 1011 letters, digits, `_`, `-`, `.` and `/`, \
     such as `/resume-visitor-counter/dev/address-key`";
pub(super) const STORE: &str = "VISIT_STORE";
pub(super) const HOST: &str = "DATABASE_HOST";
pub(super) const HOST_RULE: &str =
    "the database server's name, as in its certificate, such as `visits.abc123.us-east-1.rds.amazonaws.com`";
pub(super) const PORT: &str = "DATABASE_PORT";
pub(super) const PORT_RULE: &str = "a port, such as `5432`";
pub(super) const DATABASE: &str = "DATABASE_NAME";
pub(super) const DATABASE_RULE: &str = "a database's name: up to 63 letters, digits, `_` or `-`, such as `visits`";
pub(super) const LOGIN: &str = "DATABASE_SECRET";
pub(super) const LOGIN_RULE: &str = "the ARN of a secret in Secrets Manager, such as \
     `arn:aws:secretsmanager:us-east-1:123456789012:secret:visits-AbCdEf`";
pub(super) const AUTHORITIES: &str = "DATABASE_CA";
pub(super) const TRACER: &str = "AWS_XRAY_DAEMON_ADDRESS";
const TRACER_RULE: &str = "an address and a port, as Lambda sets it";
pub(super) const KEY_RULE: &str = "a part of the role's key, as Lambda sets it";

/// A variable that keeps a function from starting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is not set, is empty, or is not Unicode.
    #[error("environment variable `{name}` is not set: it must be {rule}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// `DYNAMODB_TABLE` is not a table's name.
    #[error("environment variable `{TABLE}` is malformed: it must be {TABLE_RULE}")]
    Table,
    /// `ADDRESS_KEY_PARAMETER` is not a parameter's name.
    #[error("environment variable `{PARAMETER}` is malformed: it must be {PARAMETER_RULE}")]
    Parameter,
    /// `VISIT_STORE` is not a store.
    #[error("environment variable `{STORE}` is malformed: it must be `dynamodb` or `postgres`, or not set")]
    Store,
    /// The code has no such store.
    #[error(
        "environment variable `{STORE}` names a store that this binary was built without: put `features = [\"{0}\"]` \
         under `[functions.counter]` in `deployer.toml`"
    )]
    NotBuilt(&'static str),
    /// `DATABASE_HOST` is not a host's name.
    #[error("environment variable `{HOST}` is malformed: it must be {HOST_RULE}")]
    Host,
    /// `DATABASE_PORT` is not a port.
    #[error("environment variable `{PORT}` is malformed: it must be {PORT_RULE}")]
    Port,
    /// `DATABASE_NAME` is not a database's name.
    #[error("environment variable `{DATABASE}` is malformed: it must be {DATABASE_RULE}")]
    Database,
    /// `DATABASE_SECRET` is not a secret's ARN.
    #[error("environment variable `{LOGIN}` is malformed: it must be {LOGIN_RULE}")]
    Login,
    /// `DATABASE_CA` names a file without certificates.
    #[error("environment variable `{AUTHORITIES}` is malformed: it must be the path of a PEM file with certificates")]
    Authorities,
    /// `AWS_XRAY_DAEMON_ADDRESS` is not an address.
    #[error("environment variable `{TRACER}` is malformed: it must be {TRACER_RULE}")]
    Tracer,
    /// `ALLOWED_ORIGIN` is not a list of origins.
    #[error("environment variable `{ORIGIN}` is malformed: {0}; it must be {ORIGIN_RULE}")]
    Origin(NotAnOrigin),
}
