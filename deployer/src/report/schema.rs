//! The JSON schema of everything that `--output json` prints, and the page about it: both made of the types that are printed, and kept
//! in `docs`. A test makes them again, and fails where the files differ.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::view;
use super::{SCHEMA, Unsuccessful};
use crate::config::reference::is_kept;

const BEFORE: &str = "\
# `--output json`

With `--output json` a command prints one JSON document to stdout and nothing else there; messages go to stderr. This page is generated,
like [the JSON schema](output.schema.json).

Every document has a `schema`, the version of its shape, which is 1. It grows when a name goes away or changes its meaning. Names may be
added without that: ignore those that you do not use. Times are RFC 3339 in UTC, except `committed_at`, in seconds since 1970;
durations are in the unit that their name has.

An error before there is a result prints a document too, with the exit code of the process:

```json
{
  \"schema\": 1,
  \"error\": {
    \"exit\": 3,
    \"message\": \"unknown environment `stage`\",
    \"hint\": \"`deployer.toml` has `dev`, `prod`\"
  }
}
```

A release that failed, and a plan of Terraform that `guard` refuses, print their whole document with an `error` in it.
`completions`, `man` and `history --html -` print text, not JSON.
";

/// What each command prints, as one writes it.
fn documents(generator: &mut SchemaGenerator) -> Vec<(&'static str, Value)> {
    fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
        let schema = generator.subschema_for::<T>();
        schema.to_value()
    }
    vec![
        ("init", of::<view::InitView>(generator)),
        ("build", of::<view::BuildView>(generator)),
        ("plan", of::<view::PlanView>(generator)),
        ("deploy", of::<view::ReleaseView>(generator)),
        ("promote", of::<view::ReleaseView>(generator)),
        ("rollback", of::<view::ReleaseView>(generator)),
        ("check", of::<view::CheckView>(generator)),
        ("status", of::<view::StatusView>(generator)),
        ("status --idle", of::<view::IdleView>(generator)),
        ("history", of::<view::HistoryView>(generator)),
        ("history --html", of::<super::PageView>(generator)),
        ("diff", of::<view::DiffView>(generator)),
        ("prune", of::<view::PruneView>(generator)),
        ("unlock", of::<view::UnlockView>(generator)),
        ("doctor", of::<view::DoctorView>(generator)),
        ("contract show", of::<view::ContractView>(generator)),
        ("contract write", of::<view::WrittenView>(generator)),
        ("local", of::<crate::local::Local>(generator)),
        ("guard", of::<view::GuardView>(generator)),
        ("an error", of::<Unsuccessful>(generator)),
    ]
}

fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let documents = documents(&mut generator);
    let commands: serde_json::Map<_, _> =
        documents.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let mut any: Vec<Value> = commands.values().cloned().collect();
    any.sort_by_key(ToString::to_string);
    any.dedup();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deployer --output json",
        "type": "object",
        "properties": {"schema": {"description": "The version of the document's shape.", "const": SCHEMA}},
        "required": ["schema"],
        "anyOf": any,
        "x-commands": commands,
        "$defs": generator.take_definitions(true),
    })
}

/// What `docs/output.md` must be.
fn page(schema: &Value) -> String {
    let mut text = BEFORE.to_owned();
    let mut written: Vec<&str> = Vec::new();
    text.push_str("\n| command | document |\n|---|---|\n");
    for (command, document) in members(&schema["x-commands"]) {
        let _ = writeln!(text, "| `{command}` | {} |", kind(document));
    }
    let mut waiting: Vec<&str> = members(&schema["x-commands"]).flat_map(|(_, document)| names(document)).collect();
    while !waiting.is_empty() {
        let name = waiting.remove(0);
        if written.contains(&name) {
            continue;
        }
        written.push(name);
        let table = &schema["$defs"][name];
        let _ = write!(text, "\n## {name}\n\n{}\n", described(table).unwrap_or_default());
        write_table(&mut text, table);
        let below: Vec<&str> = names(table).collect();
        waiting.splice(0..0, below);
    }
    text
}

fn write_table(text: &mut String, table: &Value) {
    if table["properties"].is_object() {
        text.push_str("\n| name | value | |\n|---|---|---|\n");
        for (name, member) in members(&table["properties"]) {
            let _ = writeln!(
                text,
                "| `{name}` | {} | {} |",
                kind(member),
                described(member).unwrap_or_default().replace('|', "\\|")
            );
        }
    }
    for either in ["oneOf", "anyOf"].iter().filter_map(|word| table[word].as_array()).flatten() {
        let words = described(either).map_or_else(String::new, |words| format!(": {words}"));
        let _ = writeln!(text, "\n- {}{words}", kind(either));
    }
}

fn described(value: &Value) -> Option<String> {
    value["description"].as_str().map(|words| words.replace('\n', " "))
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The names of the tables that a value refers to, in order.
fn names(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::Object(all) => Box::new(all.iter().flat_map(|(name, value)| match (name.as_str(), value.as_str()) {
            ("$ref", Some(path)) => {
                Box::new(path.strip_prefix("#/$defs/").into_iter()) as Box<dyn Iterator<Item = &str>>
            }
            _ => names(value),
        })),
        Value::Array(all) => Box::new(all.iter().flat_map(names)),
        _ => Box::new(std::iter::empty()),
    }
}

/// What a value is, in words.
fn kind(value: &Value) -> String {
    if let Some(name) = value["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(only) = value["const"].as_str() {
        return format!("`\"{only}\"`");
    }
    if let Some(all) = value["enum"].as_array() {
        return all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(all) = value["anyOf"].as_array().or_else(|| value["oneOf"].as_array()) {
        return all.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let types: Vec<&str> = match &value["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let words = types.iter().map(|name| match *name {
        "array" if value["items"].is_object() => format!("list of {}", kind(&value["items"])),
        "array" => "list".to_owned(),
        "object" if value["additionalProperties"].is_object() => {
            format!("by name, {}", kind(&value["additionalProperties"]))
        }
        "object" => members(&value["properties"])
            .map(|(name, value)| format!("`{name}`: {}", kind(value)))
            .collect::<Vec<_>>()
            .join(", "),
        name => name.to_owned(),
    });
    let words: Vec<_> = words.filter(|words| !words.is_empty()).collect();
    if words.is_empty() { "any".to_owned() } else { words.join(" or ") }
}

#[test]
fn the_schema_of_the_output_is_what_the_code_prints() {
    let schema = schema();
    is_kept("output.schema.json", &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
    is_kept("output.md", &page(&schema));
}
