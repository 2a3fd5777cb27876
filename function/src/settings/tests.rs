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

/// The settings of a database, in which `name` is `value`, or is not set.
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
