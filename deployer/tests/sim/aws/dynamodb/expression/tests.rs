use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::value::Item;
use super::{Terms, projected};

fn item() -> Item {
    let item = json!({
        "pk": { "S": "a" },
        "fence": { "N": "7" },
        "notes": { "S": "release#9" },
        "tree": { "M": { "leaves": { "L": [{ "N": "1" }, { "M": { "deep": { "BOOL": true } } }] } } },
        "tags": { "SS": ["x", "y"] },
    });
    item.as_object().unwrap().clone()
}

fn body(field: &str, text: &str) -> Value {
    let values =
        json!({ ":seven": { "N": "7.0" }, ":ten": { "N": "10" }, ":r": { "S": "release" }, ":x": { "S": "x" } });
    let used: Item =
        values.as_object().unwrap().clone().into_iter().filter(|(name, _)| text.contains(name.as_str())).collect();
    let mut body = json!({ field: text });
    if !used.is_empty() {
        body["ExpressionAttributeValues"] = json!(used);
    }
    if text.contains("#n") {
        body["ExpressionAttributeNames"] = json!({ "#n": "fence" });
    }
    body
}

fn message(fault: Fault) -> String {
    let reply = fault.reply().expect("a refusal");
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    body["message"].as_str().unwrap_or_default().to_owned()
}

fn holds(text: &str) -> Result<bool, String> {
    let body = body("ConditionExpression", text);
    let mut terms = Terms::of(&body).map_err(message)?;
    let condition = terms.condition(&body, "ConditionExpression").map_err(message)?.unwrap();
    terms.finish().map_err(message)?;
    Ok(condition.holds(&item()))
}

#[test]
fn conditions_follow_their_grammar() {
    for (text, expected) in [
        ("#n = :seven", true),
        ("fence > :ten", false),
        ("fence < :r", false),
        ("gone = :seven", false),
        ("gone <> :seven", true),
        ("NOT attribute_exists(gone) AND attribute_not_exists(tree.twig)", true),
        // AND binds closer than OR, NOT closer than AND.
        ("attribute_exists(pk) OR attribute_exists(gone) AND attribute_exists(gone)", true),
        ("(attribute_exists(pk) OR attribute_exists(gone)) and attribute_exists(gone)", false),
        ("not attribute_exists(gone) and attribute_exists(gone)", false),
        ("fence BETWEEN :seven AND :ten AND begins_with(notes, :r)", true),
        ("attribute_exists(tree.leaves[1].deep) AND attribute_not_exists(tree.leaves[2])", true),
        ("fence IN (:ten, :seven)", true),
        ("contains(tags, :x) AND contains(notes, :r)", true),
        ("size(tags) < :ten", true),
    ] {
        assert_eq!(holds(text), Ok(expected), "{text}");
    }
}

#[test]
fn an_invalid_condition_is_refused_with_the_message_of_aws() {
    for (text, words) in [
        ("", "Invalid ConditionExpression: The expression can not be empty;"),
        ("status = :x", "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: status"),
        (
            "pk = :gone",
            "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :gone",
        ),
        (
            "#gone = :x",
            "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #gone",
        ),
        ("exists(pk)", "Invalid ConditionExpression: Invalid function name; function: exists"),
        ("pk = = :x", "Invalid ConditionExpression: Syntax error; token: \"=\", near: \"= = :x\""),
        ("pk", "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"pk\""),
    ] {
        assert_eq!(holds(text), Err(words.to_owned()), "{text}");
    }
    let unused =
        json!({ "ConditionExpression": "attribute_exists(pk)", "ExpressionAttributeValues": { ":v": { "S": "x" } } });
    let mut terms = Terms::of(&unused).unwrap();
    terms.condition(&unused, "ConditionExpression").unwrap();
    let words = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}";
    assert_eq!(message(terms.finish().unwrap_err()), words);
}

fn updated(text: &str) -> Result<Item, String> {
    let body = body("UpdateExpression", text);
    let update = Terms::of(&body).unwrap().update(&body).map_err(message)?.unwrap();
    let mut item = item();
    update.apply(&mut item).map(|()| item)
}

#[test]
fn updates_read_the_item_as_it_was_before() {
    let item =
        updated("SET fence = fence + :ten, twin = fence, tree.leaves[0] = :r REMOVE notes, gone, tree.leaves[1]")
            .unwrap();
    assert_eq!((&item["fence"], &item["twin"]), (&json!({ "N": "17" }), &json!({ "N": "7" })));
    assert_eq!(item["tree"], json!({ "M": { "leaves": { "L": [{ "S": "release" }] } } }));
    assert!(!item.contains_key("notes"));
    let item = updated("set made = if_not_exists(made, :seven) - :ten").unwrap();
    assert_eq!(item["made"], json!({ "N": "-3" }));
}

#[test]
fn impossible_updates_have_a_reason() {
    for (text, words) in [
        ("SET gone.deep = :x", "The document path provided in the update expression is invalid for update"),
        ("SET a = gone", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET a = notes + :ten", "An operand in the update expression has an incorrect data type"),
        (
            "SET a = :x SET b = :x",
            "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;",
        ),
        (
            "SET tree.leaves = :x REMOVE tree",
            "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these \
             paths; path one: [tree, leaves], path two: [tree]",
        ),
    ] {
        assert_eq!(updated(text).unwrap_err(), words, "{text}");
    }
}

#[test]
fn a_projection_keeps_the_path_to_what_it_names() {
    let body = json!({ "ProjectionExpression": "pk, tree.leaves[1].deep, gone.deep" });
    let paths = Terms::of(&body).unwrap().projection(&body).unwrap().unwrap();
    let expected =
        json!({ "pk": { "S": "a" }, "tree": { "M": { "leaves": { "L": [{ "M": { "deep": { "BOOL": true } } }] } } } });
    assert_eq!(json!(projected(&item(), Some(&paths))), expected);
}
