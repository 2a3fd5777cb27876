//! Where a run may have left something, and how a secret is looked for there.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Value, json};

use super::{ACTOR, AGENT, Runs, VARIABLE, canary};
use crate::infrastructure::said_at;
use crate::stack;

pub(super) fn scan(environment: &str, table: &str) -> String {
    let (mut all, mut start) = (String::new(), Value::Null);
    loop {
        let mut body = json!({"TableName": format!("{table}-{environment}"), "ConsistentRead": true});
        if !start.is_null() {
            body["ExclusiveStartKey"] = start;
        }
        let page = stack().behind(environment, "POST", "/", Some("DynamoDB_20120810.Scan"), &body);
        all += &page.to_string();
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return all;
        }
    }
}

fn logs(environment: &str, group: &str) -> String {
    let name = format!("/aws/lambda/{group}-{environment}");
    let (mut all, mut token) = (String::new(), Value::Null);
    loop {
        let mut body = json!({"logGroupName": name});
        if token.is_string() {
            body["nextToken"] = token;
        }
        let port = stack().checkout.port(environment);
        all += &said_at(port, environment, "logs", Some("Logs_20140328.FilterLogEvents"), "/", &body);
        let page: Value = serde_json::from_str(&all[all.rfind("{\"events\"").unwrap_or(0)..]).unwrap_or_default();
        token = page["nextToken"].clone();
        if !token.is_string() {
            return all;
        }
    }
}

/// A file's text; of a zip, what is packed in it.
fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut all = bytes.clone();
    if let Ok(mut zip) = zip::ZipArchive::new(std::io::Cursor::new(bytes)) {
        for index in 0..zip.len() {
            zip.by_index(index).unwrap().read_to_end(&mut all).unwrap();
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        // The emulator's own: what AWS itself keeps, a function's variables for one. And Terraform's providers.
        match kind.is_dir() {
            true if entry.file_name() != "scratch" && entry.file_name() != "providers" => files(&path, found),
            false if kind.is_file() => found.push(path),
            _ => {}
        }
    }
}

/// Where a run may have left something, with what is there.
pub(super) fn places(runs: &Runs<'_>) -> Vec<(String, String)> {
    let (root, mut places, mut found) = (&stack().checkout.root, runs.said.clone(), Vec::new());
    for folder in [".deployer", "artifact-secrets"] {
        files(&root.join(folder), &mut found);
    }
    files(&runs.github, &mut found);
    places.extend(found.into_iter().map(|path| (path.display().to_string(), text(&path))));
    for environment in ["dev", "prod"] {
        places.push((format!("ledger {environment}"), scan(environment, "resume-visitor-counter-ledger")));
        for function in ["resume-visitor-counter", "resume-visitor-counter-options"] {
            places.push((format!("logs {function} {environment}"), logs(environment, function)));
        }
    }
    places
}

/// The spellings in which a secret may lie around.
fn spellings(secret: &str) -> [String; 3] {
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    [secret.to_owned(), base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret), hex]
}

pub(super) fn has(text: &str, secret: &str) -> bool {
    spellings(secret).iter().any(|spelling| text.contains(spelling.as_str()))
}

/// Text that is not secret is found in its place, and a secret is found in every place and spelling.
pub(super) fn the_search_finds_what_is_there(places: &[(String, String)], visits: &str) {
    let holds = |place: &str, text: &str| places.iter().any(|(name, all)| name.contains(place) && has(all, text));
    for (place, text) in [
        ("ledger dev", ACTOR),
        ("what `history dev`", ACTOR),
        ("what `plan dev`", VARIABLE),
        ("github-secrets/summary", VARIABLE),
        ("github-secrets/output", "deployment"),
        ("logs resume-visitor-counter dev", "responded"),
        ("manifest.json", "source_hash"),
        ("emulator.log", "lambda"),
    ] {
        assert!(
            holds(place, text),
            "`{text}` should be in {place}, of {:?}",
            places.iter().map(|(name, _)| name).collect::<Vec<_>>()
        );
    }
    assert!(visits.contains(AGENT), "{visits}");
    let (_, secret) = canary("planted");
    for (place, text) in places {
        assert!(!has(text, &secret));
        let planted = spellings(&secret).map(|spelling| format!("{text}{spelling}"));
        assert!(planted.iter().all(|text| has(text, &secret)), "{place}");
    }
}
