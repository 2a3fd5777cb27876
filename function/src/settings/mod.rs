//! Environment variables -> what the functions need to know.
//!
//! The only reader of environment variables in this crate. What is missing or malformed is an
//! [`SettingsError`], which names the variable and what would be right, but never shows its value.

mod error;

use std::{net::SocketAddr, path::PathBuf};

use crate::{
    cors::AllowedOrigins,
    marks::Marks,
    reply::Frame,
    store::shards::Shards,
    telemetry::{Telemetry, xray::Tracer},
};

pub use error::SettingsError;
pub(crate) use error::TABLE_RULE;
use error::{
    AUTHORITIES, DATABASE, DATABASE_RULE, HOST, HOST_RULE, KEY_RULE, LOGIN, LOGIN_RULE, ORIGIN, ORIGIN_RULE, PARAMETER,
    PARAMETER_RULE, PORT, PORT_RULE, SHARDS, STORE, TABLE, TRACER,
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

/// Reads what Lambda tells every function about AWS, for calling `service`. Once is enough: new keys
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

/// Reads over how many items the total is spread: `COUNTER_SHARDS`, one where it is not set.
///
/// # Errors
///
/// When it is not a number from 1 to [`Shards::MOST`].
pub fn shards() -> Result<Shards, SettingsError> {
    shards_from(&process)
}

/// Reads where metrics and traces belong, as Lambda tells every function: its name, and the X-Ray
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

/// Reads what every answer carries: `ALLOWED_ORIGIN`, and the version that Lambda runs this as.
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

fn shards_from(read: &impl Fn(&str) -> Option<String>) -> Result<Shards, SettingsError> {
    match read(SHARDS) {
        None => Ok(Shards::ONE),
        Some(number) => number.parse().map_err(SettingsError::Shards),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn only(name: &'static str, value: &'static str) -> impl Fn(&str) -> Option<String> {
        move |asked| (asked == name).then(|| value.to_owned())
    }

    #[test]
    fn a_missing_variable_is_named_with_what_would_be_right() {
        let nothing = |_: &str| None;
        let table = table_from(&nothing).unwrap_err().to_string();
        assert!(table.contains("`DYNAMODB_TABLE` is not set"), "{table}");
        assert!(table.contains("such as `ResumeVisitorCounter-dev`"), "{table}");
        let parameter = parameter_from(&nothing).unwrap_err().to_string();
        assert!(parameter.contains("`ADDRESS_KEY_PARAMETER` is not set"), "{parameter}");
        assert!(parameter.contains("such as `/resume-visitor-counter/dev/address-key`"), "{parameter}");
        let origin = frame_from(&nothing).unwrap_err().to_string();
        assert!(origin.contains("`ALLOWED_ORIGIN` is not set"), "{origin}");
        assert!(origin.contains("such as `https://www.example.com`"), "{origin}");
    }

    #[test]
    fn an_empty_variable_is_a_missing_one() {
        let missing = SettingsError::Missing { name: TABLE, rule: TABLE_RULE };
        assert_eq!(table_from(&only(TABLE, " ")), Err(missing));
    }

    #[test]
    fn a_malformed_variable_is_named_but_its_value_is_not_shown() {
        let table = table_from(&only(TABLE, "s3cret/table")).unwrap_err().to_string();
        assert!(table.starts_with("environment variable `DYNAMODB_TABLE` is malformed"), "{table}");
        let origin = frame_from(&only(ORIGIN, "https://a.example,s3cret")).unwrap_err().to_string();
        assert!(origin.contains("`ALLOWED_ORIGIN` is malformed: entry 2"), "{origin}");
        let parameter = parameter_from(&only(PARAMETER, "s3cret key")).unwrap_err().to_string();
        assert!(parameter.starts_with("environment variable `ADDRESS_KEY_PARAMETER` is malformed"), "{parameter}");
        assert!(!format!("{table}{origin}{parameter}").contains("s3cret"));
    }

    #[test]
    fn a_table_name_has_the_length_and_letters_that_dynamodb_allows() {
        assert_eq!(table_from(&only(TABLE, "a.B_c-9")), Ok("a.B_c-9".to_owned()));
        assert_eq!(table_from(&only(TABLE, "ab")), Err(SettingsError::Table));
        let long: &'static str = "a".repeat(256).leak();
        assert_eq!(table_from(&only(TABLE, long)), Err(SettingsError::Table));
    }

    #[test]
    fn a_parameter_has_a_plain_name_or_a_path_without_empty_levels() {
        for sound in ["/resume-visitor-counter/dev/address-key", "key", "/a", "a.B_c-9"] {
            assert_eq!(parameter_from(&only(PARAMETER, sound)), Ok(sound.to_owned()));
        }
        let long: &'static str = "a".repeat(1012).leak();
        for unsound in ["/", "//a", "/a/", "a/b", "/a b", "/a:1", "/ä", long] {
            assert_eq!(parameter_from(&only(PARAMETER, unsound)), Err(SettingsError::Parameter), "{unsound}");
        }
    }

    #[test]
    fn each_service_has_its_own_endpoint_or_the_common_one() {
        let read = |name: &str| match name {
            "AWS_ENDPOINT_URL_SSM" => Some("http://ssm".to_owned()),
            "AWS_ENDPOINT_URL" => Some("http://all".to_owned()),
            _ => Some("set".to_owned()).filter(|_| !name.starts_with("AWS_ENDPOINT")),
        };
        let endpoint = |service| aws_from(&read, service).map(|aws| aws.endpoint);
        assert_eq!(endpoint(Service::Ssm), Ok(Some("http://ssm".to_owned())));
        assert_eq!(endpoint(Service::DynamoDb), Ok(Some("http://all".to_owned())));
    }

    #[test]
    fn a_number_of_shards_need_not_be_set_but_must_be_one() {
        assert_eq!(shards_from(&|_| None), Ok(Shards::ONE));
        assert_eq!(shards_from(&only(SHARDS, "16")), Ok(Shards::ALL));
        let refused = shards_from(&only(SHARDS, "")).unwrap_err().to_string();
        assert_eq!(refused, "environment variable `COUNTER_SHARDS` is malformed: not a number from 1 to 16");
    }

    #[test]
    fn a_store_need_not_be_chosen_but_must_be_one() {
        assert_eq!(store_from(&|_| None), Ok(StoreChoice::DynamoDb));
        assert_eq!(store_from(&only(STORE, "dynamodb")), Ok(StoreChoice::DynamoDb));
        assert_eq!(store_from(&only(STORE, "postgres")), Ok(StoreChoice::Postgres));
        for bad in ["", "Postgres", "postgresql", "s3cret"] {
            let refused = store_from(&only(STORE, bad)).unwrap_err().to_string();
            assert!(refused.starts_with("environment variable `VISIT_STORE` is malformed"), "{refused}");
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }

    /// The settings of a database, of which `name` is `value`, or is not set.
    fn database(name: &str, value: Option<&str>) -> Result<Database, SettingsError> {
        database_from(&|asked| {
            let sound = match asked {
                HOST => "db.example",
                PORT => "5432",
                DATABASE => "visits",
                LOGIN => "arn:aws:secretsmanager:eu-west-1:1:secret:rds!db-1-AbCdEf",
                _ => return None,
            };
            if asked == name { value.map(str::to_owned) } else { Some(sound.to_owned()) }
        })
    }

    #[test]
    fn a_database_has_a_server_a_port_a_name_and_a_secret() {
        let sound = database("", None).unwrap();
        assert_eq!((sound.host.as_str(), sound.port, sound.name.as_str()), ("db.example", 5432, "visits"));
        assert_eq!(sound.authorities, None);
        for (name, bad) in [
            (HOST, "/var/run/s3cret"),
            (HOST, "s3cret,b"),
            (HOST, "s3cret host"),
            (PORT, "0"),
            (PORT, "65536"),
            (PORT, "s3cret"),
            (DATABASE, "s3cret name"),
            (DATABASE, "s3cret'"),
            (LOGIN, "s3cret"),
            (LOGIN, "arn:aws:ssm:eu-west-1:1:secret:s3cret"),
            (LOGIN, "arn:aws:secretsmanager:eu-west-1:1:secret:"),
            (LOGIN, "arn:aws:secretsmanager:eu-west-1:1:secret:s3cret name"),
        ] {
            let refused = database(name, Some(bad)).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("environment variable `{name}` is malformed")), "{bad}: {refused}");
            assert!(!refused.contains("s3cret"), "{refused}");
        }
        for name in [HOST, PORT, DATABASE, LOGIN] {
            let refused = database(name, None).unwrap_err().to_string();
            assert!(refused.contains(&format!("`{name}` is not set: it must be ")), "{refused}");
        }
    }

    #[test]
    fn traces_are_sent_where_lambda_says_and_nowhere_else() {
        let telemetry = |value| telemetry_from(&only(TRACER, value));
        assert!(telemetry("127.0.0.1:2000").unwrap().tracer.is_some());
        assert!(telemetry("").unwrap().tracer.is_none());
        assert_eq!(telemetry("xray.local").unwrap_err(), SettingsError::Tracer);
    }

    #[test]
    fn preflight_needs_the_origin_only() {
        let frame = frame_from(&only(ORIGIN, "https://a.example")).unwrap();
        assert_eq!(frame.marks.version(), "unknown");
    }
}
