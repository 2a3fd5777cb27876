//! Sizes that AWS takes and the emulator does not look at, each as its documentation has it.

use serde_json::Value;

use super::super::answer::Answer;
use super::Exchange;

/// A zip that is sent with the call: 50 MB (Lambda quotas), as base64 within a request of 70,167,211 bytes.
const REQUEST: usize = 70_167_211;
/// Of a version and of an alias.
const DESCRIPTION: usize = 256;
/// An item with its names; a transaction has so many at most, and each of them once (DynamoDB quotas).
const ITEM: usize = 400 * 1024;
const ITEMS: usize = 100;
/// A page of a Query ends at 1 MB: with items of some 10 kB, as releases are, at about so many.
const PAGE: u64 = 100;

/// Refuses what is too big.
pub(super) fn within(call: &Exchange<'_>) -> Result<(), Answer> {
    match call.name {
        "UpdateFunctionCode" if call.body.len() > REQUEST => {
            let words = format!("Request must be smaller than {REQUEST} bytes for the UpdateFunctionCode operation");
            Err(call.refuse(413, "RequestEntityTooLargeException", &words))
        }
        "PublishVersion" | "UpdateAlias" => description(call),
        "UpdateStage" => variables(call),
        "TransactWriteItems" => transaction(call),
        _ => Ok(()),
    }
}

fn description(call: &Exchange<'_>) -> Result<(), Answer> {
    match call.json()["Description"].as_str() {
        Some(text) if text.chars().count() > DESCRIPTION => {
            let words = "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must \
                         have length less than or equal to 256";
            Err(call.refuse(400, "ValidationException", words))
        }
        _ => Ok(()),
    }
}

/// A stage variable has letters, digits and some signs that an address may have.
fn variables(call: &Exchange<'_>) -> Result<(), Answer> {
    let sound = |text: &str| text.chars().all(|sign| sign.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(sign));
    let request = call.json();
    let patches = request["patchOperations"].as_array().cloned().unwrap_or_default();
    let mut variables =
        patches.iter().filter(|patch| patch["path"].as_str().is_some_and(|path| path.starts_with("/variables/")));
    match variables.find(|patch| !patch["value"].as_str().is_some_and(sound)) {
        Some(patch) => {
            let words = format!(
                "Stage variable value {} is invalid. Please use values with alphanumeric characters and the symbols ' ',-', '.', '_', ':', '/', '?', '&', '=', and ','.",
                patch["value"]
            );
            Err(call.refuse(400, "BadRequestException", &words))
        }
        None => Ok(()),
    }
}

fn transaction(call: &Exchange<'_>) -> Result<(), Answer> {
    let request = call.json();
    let items = request["TransactItems"].as_array().cloned().unwrap_or_default();
    let invalid = |words: &str| Err(call.refuse(400, "ValidationException", words));
    if items.len() > ITEMS {
        return invalid("Member must have length less than or equal to 100");
    }
    let mut keys: Vec<String> = items.iter().map(key).collect();
    keys.sort();
    keys.dedup();
    if keys.len() < items.len() {
        return invalid("Transaction request cannot include multiple operations on one item");
    }
    if items.iter().any(|item| item["Put"]["Item"].to_string().len() > ITEM) {
        return invalid("Item size has exceeded the maximum allowed size");
    }
    Ok(())
}

/// The table and the key of what an element of a transaction is about.
pub(super) fn key(item: &Value) -> String {
    let Some((_, what)) = item.as_object().and_then(|item| item.iter().next()) else { return String::new() };
    let key = if what["Item"].is_null() { &what["Key"] } else { &what["Item"] };
    format!("{} {} {}", what["TableName"], key["pk"], key["sk"])
}

/// A Query ends where its page does, and says so.
pub(super) async fn query(call: &Exchange<'_>) -> Answer {
    let mut request = call.json();
    if request["Limit"].as_u64().is_none_or(|limit| limit > PAGE) {
        request["Limit"] = PAGE.into();
    }
    call.forward_with(request.to_string()).await
}
