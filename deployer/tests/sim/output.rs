//! Whether what `--output json` prints is what `docs/output.schema.json` says: strictly, so that a name without documentation fails too.

use std::sync::OnceLock;

use serde_json::Value;

const SCHEMA: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/output.schema.json"));

/// Keywords that only say something to people.
const REMARKS: [&str; 4] = ["description", "title", "default", "format"];

fn schema() -> &'static Value {
    static PARSED: OnceLock<Value> = OnceLock::new();
    PARSED.get_or_init(|| serde_json::from_str(SCHEMA).unwrap())
}

/// What is wrong with the documents that a command printed among its words, if it was to print one.
pub(crate) fn wrong_documents(arguments: &[String], words: &str) -> Vec<String> {
    if !arguments.windows(2).any(|pair| pair == ["--output", "json"]) {
        return Vec::new();
    }
    let lines: Vec<&str> = words.lines().skip_while(|line| *line != "{").collect();
    let end = lines.iter().position(|line| *line == "}").map_or(0, |end| end + 1);
    if lines[end..].contains(&"{") {
        return vec!["more than one document".to_owned()];
    }
    match serde_json::from_str(&lines[..end].join("\n")) {
        Ok(document) => wrong_document(&arguments.join(" "), &document),
        Err(error) => vec![format!("no document: {error}")],
    }
}

/// What is wrong with the document of a command.
fn wrong_document(command: &str, document: &Value) -> Vec<String> {
    let mut document = document.clone();
    let version = document.as_object_mut().and_then(|document| document.remove("schema"));
    if version.as_ref() != Some(&schema()["properties"]["schema"]["const"]) {
        return vec![format!("its schema is {version:?}")];
    }
    let commands = schema()["x-commands"].as_object().unwrap();
    // `status dev --idle` is `status --idle`, and that before `status`.
    let is_meant = |name: &&String| name.split(' ').all(|word| command.split(' ').any(|given| given == word));
    let meant = commands.keys().filter(is_meant).max_by_key(|name| name.len());
    let meant = meant.map_or(&schema()["x-commands"]["an error"], |name| &commands[name]);
    let wrong = differences(meant, &document, "$");
    if wrong.is_empty() || differences(&commands["an error"], &document, "$").is_empty() { Vec::new() } else { wrong }
}

/// How a value differs from a schema.
fn differences(schema_of: &Value, value: &Value, path: &str) -> Vec<String> {
    let Some(keywords) = schema_of.as_object() else { return Vec::new() };
    let mut wrong = Vec::new();
    for (keyword, wanted) in keywords {
        match keyword.as_str() {
            "$ref" => {
                let name = wanted.as_str().and_then(|path| path.strip_prefix("#/$defs/")).unwrap();
                wrong.extend(differences(&with(schema_of, &schema()["$defs"][name]), value, path));
            }
            "type" => {
                let types: Vec<&str> = wanted.as_array().map_or_else(
                    || vec![wanted.as_str().unwrap()],
                    |all| all.iter().filter_map(Value::as_str).collect(),
                );
                if !types.iter().any(|wanted| is_of(wanted, value)) {
                    wrong.push(format!("{path} is not {}: {value}", types.join(" or ")));
                }
            }
            "const" if wanted != value => wrong.push(format!("{path} is not {wanted}: {value}")),
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                wrong.push(format!("{path} is none of {wanted}: {value}"));
            }
            "minimum" if value.is_number() && value.as_f64() < wanted.as_f64() => {
                wrong.push(format!("{path} is below {wanted}: {value}"));
            }
            "maximum" if value.is_number() && value.as_f64() > wanted.as_f64() => {
                wrong.push(format!("{path} is above {wanted}: {value}"));
            }
            "required" => {
                let names = wanted.as_array().unwrap().iter().filter_map(Value::as_str);
                wrong.extend(
                    names.filter(|name| value.get(name).is_none()).map(|name| format!("{path} has no `{name}`")),
                );
            }
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                wrong.extend(items.flat_map(|(index, item)| differences(wanted, item, &format!("{path}[{index}]"))));
            }
            "prefixItems" => {
                let pairs = wanted.as_array().unwrap().iter().zip(value.as_array().into_iter().flatten());
                wrong.extend(pairs.flat_map(|(wanted, item)| differences(wanted, item, path)));
            }
            "anyOf" | "oneOf" => {
                let branches =
                    wanted.as_array().unwrap().iter().map(|branch| differences(&with(schema_of, branch), value, path));
                let best = branches.min_by_key(Vec::len).unwrap_or_default();
                wrong.extend(best);
            }
            "properties" => {}
            "const" | "enum" | "minimum" | "maximum" | "minItems" | "maxItems" | "additionalProperties" => {}
            remark if REMARKS.contains(&remark) => {}
            other => wrong.push(format!("the checker does not know the keyword `{other}`")),
        }
    }
    wrong.extend(members(schema_of, value, path));
    wrong
}

/// A branch with the properties beside it: what is flattened.
fn with(around: &Value, branch: &Value) -> Value {
    let mut whole = branch.clone();
    for (name, property) in around["properties"].as_object().into_iter().flatten() {
        whole["properties"][name] = property.clone();
    }
    whole
}

fn members(schema_of: &Value, value: &Value, path: &str) -> Vec<String> {
    let (Some(object), Some(properties)) = (value.as_object(), schema_of["properties"].as_object()) else {
        let rest = &schema_of["additionalProperties"];
        let members = value.as_object().filter(|_| rest.is_object()).into_iter().flatten();
        return members.flat_map(|(name, value)| differences(rest, value, &format!("{path}.{name}"))).collect();
    };
    let mut wrong = Vec::new();
    for (name, value) in object {
        let path = format!("{path}.{name}");
        match properties.get(name) {
            Some(property) => wrong.extend(differences(property, value, &path)),
            None if ["oneOf", "anyOf", "$ref"].iter().any(|word| schema_of[word] != Value::Null) => {}
            None => wrong.push(format!("{path} is not documented")),
        }
    }
    wrong
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("an unknown type `{other}`"),
    }
}

#[test]
fn a_document_that_is_not_as_documented_is_found() {
    let wrong = |command: &str, document: Value| wrong_document(command, &document).join("; ");
    let good = serde_json::json!({"schema": 1, "environment": "dev", "idle": true});
    assert_eq!(wrong("status dev --idle", good.clone()), "");
    let changed = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        document
    };
    assert_eq!(wrong("status dev --idle", changed("more", 1.into())), "$.more is not documented");
    assert_eq!(wrong("status dev --idle", changed("idle", 1.into())), "$.idle is not boolean: 1");
    assert!(wrong("status dev --idle", changed("schema", 2.into())).contains("its schema is"));
    assert!(wrong("status dev", good.clone()).contains("has no `environments`"));
    let error = serde_json::json!({"schema": 1, "error": {"exit": 3, "message": "m", "hint": null}});
    assert_eq!(wrong("status dev", error), "");
}
