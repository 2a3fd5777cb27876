//! The reference of every key of `deployer.toml`, and its JSON schema for editors. Both are generated from the types that read the file,
//! and kept in `docs`. A test generates them again, and fails if the files differ.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::check::Request;
use super::file::{File, GlibcVersion};
use super::role::Role;
use super::traffic::{self, Lock, Retention, Traffic};

/// A type that is read as another one first has the schema of that one.
macro_rules! read_as {
    ($($whole:ty: $read:ty),*) => {$(
        impl JsonSchema for $whole {
            fn inline_schema() -> bool {
                <$read>::inline_schema()
            }

            fn schema_name() -> Cow<'static, str> {
                <$read>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$read>::json_schema(generator)
            }
        }
    )*};
}

read_as!(
    Traffic: traffic::Declared,
    Lock: traffic::DeclaredLock,
    Retention: traffic::DeclaredRetention,
    Role: String,
    GlibcVersion: String,
    Request: String
);

const BEFORE: &str = "\
# `deployer.toml`

Every key of the configuration file. `deployer` looks for `deployer.toml` in the current folder and the folders above it; `--config FILE`
names another file. An unknown key is an error.

For completion and checks in an editor, put `#:schema PATH` into the first line, with the path of [the JSON
schema](deployer.schema.json). This page and the schema are generated from the code that reads the file.
";

/// An example of each table. Together they are a valid file.
const EXAMPLES: [(&str, &str); 17] = [
    ("", "app = \"shop\"\ndefault_environment = \"dev\""),
    ("build", "[build]\ntarget = \"aarch64-unknown-linux-musl\"\npass_env = [\"npm_config_registry\"]"),
    (
        "[checks]",
        "[[checks]]\nname = \"orders\"\nfunction = \"orders\"\nrequest = \"GET /orders/1\"\nstatus = 200\nbody = { id = 1 }",
    ),
    (
        "environments.NAME",
        "[environments.dev]\nledger = \"shop-ledger-dev\"\nregion = \"eu-west-1\"\nprofile = \"shop-dev\"",
    ),
    ("environments.NAME.stack", "[environments.dev.stack]\naccount = \"111111111111\"\nalarms = [\"shop-dev-errors\"]"),
    (
        "environments.NAME.stack.api of kind rest",
        "[environments.dev.stack.api]\nkind = \"rest\"\nid = \"a1b2c3d4e5\"\nstage = \"dev\"\nurl = \"https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/dev\"",
    ),
    (
        "environments.NAME.stack.functions.NAME",
        "[environments.dev.stack.functions.orders]\nname = \"shop-orders-dev\"\nalias = \"live\"",
    ),
    (
        "environments.NAME.traffic",
        "[environments.dev.traffic]\nstrategy = \"linear\"\nstep_percent = 25\ninterval_seconds = 180",
    ),
    ("functions.NAME", "[functions.orders]\npackage = \"shop\"\nfeatures = [\"lambda\"]"),
    (
        "functions.NAME.build",
        "[functions.mails.build]\ncommand = \"npm ci && npm run build\"\noutput = \"dist\"\ninputs = [\"src\", \"package.json\", \"package-lock.json\"]\n\n[functions.render.build]\nimage_command = \"./push-image\"\ninputs = [\"render\"]",
    ),
    ("local", "[local]\nterraform = \"infrastructure\""),
    ("local.NAME", "[local.dev]\nport = 24566\naccount = \"111111111111\""),
    ("lock", "[lock]\nlease_seconds = 30"),
    ("marks", "[marks]\nversion = \"x-function-version\""),
    ("retention", "[retention]\nreleases = 20\ngrace_hours = 48"),
    ("traffic", "[traffic]\nstrategy = \"canary\"\npercent = 10\nbake_seconds = 300\nwatch_seconds = 180"),
    ("verify", "[verify]\nin_a_row = 3\ntimeout_seconds = 60"),
];

/// What `docs/configuration.md` must be.
fn page(schema: &Value) -> String {
    let mut text = BEFORE.to_owned();
    let mut tables = vec![(String::new(), schema.clone())];
    while !tables.is_empty() {
        let (path, table) = tables.remove(0);
        write_table(&mut text, &path, &table, schema);
        let below = members(&table).flat_map(|(name, member)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            nested(&path, member, schema)
        });
        let below: Vec<_> = below.collect();
        tables.splice(0..0, below);
    }
    text
}

fn write_table(text: &mut String, path: &str, table: &Value, schema: &Value) {
    let of_kind = table["properties"]["kind"]["const"].as_str().map(|kind| format!(" of kind {kind}"));
    let title = format!("{path}{}", of_kind.as_deref().unwrap_or_default());
    if !path.is_empty() {
        let _ = write!(text, "\n## `[{path}]`{}\n", of_kind.unwrap_or_default());
    }
    let required: Vec<&str> = table["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    text.push_str("\n| Key | Type | Default | Description |\n|---|---|---|---|\n");
    for (name, member) in members(table) {
        let default = match &member["default"] {
            _ if required.contains(&name.as_str()) || member["const"].is_string() => "required".to_owned(),
            Value::Null => String::new(),
            default => format!("`{default}`"),
        };
        let said = match member["const"].as_str() {
            Some(only) if name == "kind" => format!("`{only}` for an API of this kind."),
            _ => description(member, schema).unwrap_or_default(),
        };
        let said = said.replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(text, "| `{name}` | {} | {default} | {said} |", kind(member, schema));
    }
    if let Some((_, example)) = EXAMPLES.iter().find(|(of, _)| *of == title) {
        let _ = write!(text, "\n```toml\n{example}\n```\n");
    }
}

/// The description of a key, or else of the type of its value.
fn description(member: &Value, schema: &Value) -> Option<String> {
    let of_type = resolved(member, schema);
    member["description"].as_str().or_else(|| of_type["description"].as_str()).map(str::to_owned)
}

fn members(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table["properties"].as_object().into_iter().flatten()
}

/// The target of a reference, with the members beside it; for an optional value, the value.
fn resolved(value: &Value, schema: &Value) -> Value {
    if let Some(name) = value["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        let mut found = resolved(&schema["$defs"][name], schema);
        for (key, member) in members(value) {
            found["properties"][key] = member.clone();
        }
        return found;
    }
    let some = value["anyOf"].as_array().filter(|all| all.iter().any(|one| one["type"] == "null"));
    match some.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        Some(some) => resolved(some, schema),
        None => value.clone(),
    }
}

/// The tables that a key opens, each with its path.
fn nested(path: &str, member: &Value, schema: &Value) -> Vec<(String, Value)> {
    let found = resolved(member, schema);
    let mut by_name = Vec::new();
    if found["additionalProperties"].is_object() {
        by_name = nested(&format!("{path}.NAME"), &found["additionalProperties"], schema);
    }
    if found["properties"].is_object() {
        return [vec![(path.to_owned(), found)], by_name].concat();
    }
    if !by_name.is_empty() {
        return by_name;
    }
    if found["items"].is_object() {
        let items = nested(path, &found["items"], schema);
        return items.into_iter().map(|(path, table)| (format!("[{path}]"), table)).collect();
    }
    let either = found["anyOf"].as_array().or_else(|| found["oneOf"].as_array()).into_iter().flatten();
    either.flat_map(|one| nested(path, one, schema)).collect()
}

/// The type of a value, in words.
fn kind(member: &Value, schema: &Value) -> String {
    let found = resolved(member, schema);
    if let Some(only) = found["const"].as_str() {
        return format!("`\"{only}\"`");
    }
    if let Some(names) = found["enum"].as_array() {
        return names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    }
    let either = found["anyOf"].as_array().or_else(|| found["oneOf"].as_array());
    if let Some(either) = either {
        let mut kinds: Vec<_> = either.iter().map(|one| kind(one, schema)).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    let first = match &found["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match first.as_str() {
        Some("string") => "string".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") if found["items"]["type"] == "string" => "list of strings".to_owned(),
        Some("array") => "list of tables".to_owned(),
        Some("object") if found["additionalProperties"]["type"] == "string" => "table of strings".to_owned(),
        Some("object") if found["additionalProperties"].is_object() => "table of tables".to_owned(),
        Some("object") => "table".to_owned(),
        _ => "any value".to_owned(),
    }
}

fn without_shape(members: &mut Map<String, Value>) {
    for member in members.values_mut().filter(|member| member["default"]["shift"].is_string()) {
        member.as_object_mut().map(|member| member.remove("default"));
    }
}

fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = serde_json::to_value(settings.into_generator().into_root_schema_for::<File>()).unwrap();
    schema["title"] = "deployer.toml".into();
    // A default that is read as another type would be shown as what it is read into.
    for table in schema["$defs"].as_object_mut().into_iter().flatten().map(|(_, table)| table) {
        table["properties"].as_object_mut().map(without_shape);
    }
    schema["properties"].as_object_mut().map(without_shape);
    schema.as_object_mut().map(|members: &mut Map<String, Value>| members.remove("description"));
    schema
}

/// Compares a file of `docs` with its wanted content, and rewrites it if it differs.
pub(crate) fn is_kept(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::fs::read_to_string(&path).is_ok_and(|found| found == wanted) {
        return;
    }
    std::fs::write(&path, wanted).unwrap();
    panic!("`docs/{name}` was out of date, and has been rewritten: check it, and commit it");
}

#[test]
fn the_reference_and_the_schema_are_up_to_date() {
    let schema = schema();
    is_kept("deployer.schema.json", &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
    is_kept("configuration.md", &page(&schema));
}

#[test]
fn every_key_is_explained() {
    let schema = schema();
    let tables = schema["$defs"].as_object().unwrap().iter().map(|(name, table)| (name.as_str(), table));
    for (name, table) in tables.chain([("the file", &schema)]) {
        for (key, member) in members(table) {
            assert!(description(member, &schema).is_some(), "`{key}` of {name} has no description");
        }
    }
}

#[test]
fn the_examples_are_valid_and_cover_every_table() {
    let text: Vec<_> = EXAMPLES.iter().map(|(_, example)| *example).collect();
    let text = format!("{}\n[environments.dev.stack.functions.mails]\nname = \"m\"\nalias = \"live\"", text.join("\n"));
    File::parse(&text, Path::new("examples.toml")).unwrap();
    let page = page(&schema());
    for (of, example) in EXAMPLES {
        assert!(page.contains(example), "the page has no table `{of}`");
    }
}
