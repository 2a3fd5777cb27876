//! Prune, adopt, and what history tells.

use serde_json::{Value, json};

use crate::harness::SENTENCE;
use crate::stack;
use crate::strict::{Call, Front};

const CHANGED: &str = "There is nothing to see.";
const ALIAS: &str = "/2015-03-31/functions/resume-visitor-counter-dev/aliases/live";
const KEEP_TWO: [(&str, &str); 2] = [("releases = 10", "releases = 2"), ("grace_hours = 24", "grace_hours = 0")];

fn front() -> Front {
    Front::before(stack().checkout.port("dev"))
}

fn versions() -> Vec<String> {
    let path = "/2015-03-31/functions/resume-visitor-counter-dev/versions";
    let answer = stack().behind("dev", "GET", path, None, &Value::Null);
    let all = answer["Versions"].as_array().unwrap().clone();
    all.iter().map(|version| version["Version"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn prune_shows_first_and_removes_only_what_nothing_needs() {
    let (stack, front) = (stack(), front());
    // What somebody else made and something else names.
    let own = stack.behind(
        "dev",
        "POST",
        "/2015-03-31/functions/resume-visitor-counter-dev/versions",
        None,
        &json!({"Description": "mine"}),
    );
    let before = versions();
    let (ended, calls) = stack.checkout.through_with(&front, "dev", &KEEP_TWO, "prune dev --output json");
    let shown = ended.expect(0).json();
    assert!(!calls.iter().any(Call::writes), "{calls:?}");
    let rows = shown["dispensable"].as_array().unwrap().clone();
    assert!(!rows.is_empty() && shown["removed"].is_null(), "{shown}");
    assert!(
        rows.iter().all(|row| row["description"]
            .as_str()
            .unwrap()
            .starts_with("deployer: resume-visitor-counter/dev release ")),
        "{shown}"
    );
    assert_eq!(versions(), before);
    let (ended, calls) = stack.checkout.through_with(&front, "dev", &KEEP_TWO, "prune dev --yes --output json");
    assert_eq!(ended.expect(0).json()["removed"], rows.len());
    assert!(calls.iter().all(|call| call.status.is_none_or(|status| status < 400)), "AWS refused a removal: {calls:?}");
    let after = versions();
    assert!(after.contains(&"1".to_owned()), "Terraform's version is gone");
    if let Some(own) = own["Version"].as_str() {
        assert!(after.contains(&own.to_owned()), "somebody else's version is gone");
    }
    let status = stack.status("dev");
    assert!(after.contains(&status["functions"]["counter"]["version"].as_str().unwrap().to_owned()));
    assert_eq!(status["drift"], Value::Null);
    // What is kept can be gone back to, and what was pruned is refused by name.
    let first = stack.ledger_item("dev", "release#00000001");
    let version = first["parts"]["M"]["functions"]["M"]["counter"]["M"]["version"]["S"].as_str().unwrap();
    if !after.contains(&version.to_owned()) {
        stack.checkout.deployer("rollback dev --to 1").expect(4).says(["release 1 cannot be restored"]);
    }
    let nothing = stack.checkout.through_with(&front, "dev", &KEEP_TWO, "prune dev").0.expect(0).stdout;
    assert!(nothing.contains("nothing to remove"), "{nothing}");
    stack.checkout.deployer("rollback dev --to previous").expect(0);
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
}

pub(crate) fn after_a_release_what_it_made_dispensable_goes() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let one = [("releases = 10", "releases = 1"), ("grace_hours = 24", "grace_hours = 0")];
    for artifact in [&changed, &base] {
        let (ended, _) = stack.checkout.through_with(&front, "dev", &one, &format!("deploy dev --artifact {artifact}"));
        ended.expect(0);
    }
    // One stable release, its rollback target, and Terraform's own are left of what the deployer made.
    let left = stack.checkout.through_with(&front, "dev", &one, "prune dev").0.expect(0).stdout;
    assert!(left.contains("nothing to remove"), "{left}");
    stack.checkout.deployer("rollback dev --to previous").expect(0);
    stack.released("dev", &base);
}

pub(crate) fn adopt_records_what_was_moved_behind_the_deployers_back() {
    let stack = stack();
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let version = stack.status("dev")["functions"]["counter"]["version"].clone();
    stack.released("dev", &changed);
    let number = stack.last_number("dev");
    stack.behind("dev", "PUT", ALIAS, None, &json!({"FunctionVersion": version}));
    for command in
        [format!("deploy dev --artifact {base}"), "rollback dev --to previous".to_owned(), "plan dev".to_owned()]
    {
        stack.checkout.deployer(&command).expect(4).says(["drift: alias `live`", "`--adopt`"]);
    }
    assert_eq!(stack.last_number("dev"), number, "nothing was written");
    // The adopted release has the code of the base, so nothing is left to release.
    let ended = stack.checkout.deployer(&format!("deploy dev --artifact {base} --adopt --output json"));
    assert_eq!(ended.expect(0).says(["Adopted", "its checks pass"]).json()["changed"], false);
    let adopted = stack.release("dev", number + 1);
    assert_eq!(
        (&adopted["kind"], &adopted["state"], &adopted["stable"]),
        (&json!("adopt"), &json!("live"), &json!(true))
    );
    assert_eq!(stack.status("dev")["drift"], Value::Null);
}

pub(crate) fn an_alias_that_splits_its_traffic_or_names_latest_cannot_be_adopted() {
    let stack = stack();
    let version = stack.status("dev")["functions"]["counter"]["version"].clone();
    for (routing, words) in [
        (
            json!({"FunctionVersion": version, "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}}),
            "splits its traffic",
        ),
        (json!({"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {}}}), "names `$LATEST`"),
    ] {
        stack.behind("dev", "PUT", ALIAS, None, &routing);
        let ended = stack.checkout.deployer("deploy dev --adopt");
        let back = json!({"FunctionVersion": version, "RoutingConfig": {"AdditionalVersionWeights": {}}});
        stack.behind("dev", "PUT", ALIAS, None, &back);
        ended.expect(4).says([words, "cannot be adopted", "hint: "]);
    }
    assert_eq!(stack.status("dev")["drift"], Value::Null);
}

pub(crate) fn history_tells_kinds_states_who_commit_and_durations() {
    let stack = stack();
    let view = stack.checkout.deployer("history dev --limit 1000 --output json").expect(0).json();
    let releases = view["releases"].as_array().unwrap();
    let kinds: std::collections::BTreeSet<_> =
        releases.iter().map(|release| release["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains("deploy") && kinds.contains("rollback"), "{kinds:?}");
    let live: Vec<_> = releases.iter().filter(|release| release["state"] == "live").collect();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["release"], stack.live("dev"));
    for release in releases {
        assert!(
            release["commit"].is_string() && release["actor"].is_string() && release["seconds"].is_f64(),
            "{release}"
        );
    }
    let numbers: Vec<_> = releases.iter().map(|release| release["release"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=stack.last_number("dev")).rev().collect::<Vec<_>>());
    let text = stack.checkout.deployer("history --limit 2").expect(0).stdout;
    assert!(text.contains("older ones"), "{text}");
}
