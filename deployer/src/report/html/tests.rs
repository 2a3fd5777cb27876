use serde_json::json;

use super::*;

fn release(number: u32, state: &str, began: &str, more: &serde_json::Value) -> Release {
    let parts = json!({"functions": {}});
    let mut release = json!({
        "number": number, "kind": "deploy", "state": state, "parts": parts, "previous_parts": parts, "previous": number - 1,
        "artifact": {"source_hash": "s", "functions": {}, "commit": "0123456789abcdef"}, "actor": "ada", "fencing_token": 1,
        "started_at": began, "ended_at": began,
    });
    for (name, value) in more.as_object().unwrap() {
        release[name] = value.clone();
    }
    serde_json::from_value(release).unwrap()
}

fn page(lanes: Vec<Lane>) -> String {
    let repository = Repository::of("https://github.com/acme/shop");
    Page::new("shop", lanes, repository, "2026-11-28T13:20:00Z".parse().unwrap()).html()
}

fn promoted() -> Vec<Lane> {
    let from = json!({"kind": "promote", "from": {"environment": "dev", "release": 1}});
    let dev = vec![release(1, "live", "2026-11-27T10:00:00Z", &json!({}))];
    let prod = vec![release(3, "live", "2026-11-28T10:00:00Z", &from)];
    vec![Lane::new("a-prod", prod, 9), Lane::new("dev", dev, 9)]
}

#[test]
fn a_promotion_is_an_edge_to_an_environment_further_down() {
    let page = page(promoted());
    assert_eq!(page.matches("<path class=\"edge\"").count(), 1);
    assert!(page.find("<h3>dev</h3>").unwrap() < page.find("<h3>a-prod</h3>").unwrap());
    assert!(page.contains("<a href=\"#dev-1\">release 1 of dev</a>"), "{page}");
}

#[test]
fn every_mark_leads_to_the_release_in_the_list() {
    let page = page(promoted());
    let mut names: Vec<_> = page.split("class=\"mark ").skip(1).map(|mark| mark.split('"').nth(2).unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["#a-prod-3", "#dev-1"]);
    for name in names {
        assert!(page.contains(&format!("<li id=\"{}\"", &name[1..])), "{name}");
    }
}

#[test]
fn nothing_of_the_ledger_is_markup_or_a_script() {
    let hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let more = json!({
        "actor": hostile, "reason": hostile, "run_url": "javascript:alert(1)",
        "artifact": {"source_hash": hostile, "functions": {}, "commit": hostile},
        "checks": [{"name": hostile, "phase": hostile, "passed": false, "response": hostile, "requests": 1}],
    });
    let lane = Lane::new(hostile, vec![release(1, "failed", "2026-11-27T10:00:00Z", &more)], 9);
    let page = page(vec![lane, Lane::unknown("x", &anyhow::anyhow!(hostile))]);
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(!page.contains("<img") && !page.contains("href=\"javascript:"), "{page}");
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let page = page(promoted());
    for foreign in ["<script src", "<link rel=\"stylesheet", "@import", "url(", "<iframe", " style=\"", " onclick"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let addresses = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for address in addresses {
        assert!(
            address.starts_with(['#'])
                || address == "data:,"
                || address.starts_with("https://github.com/acme/shop/commit/"),
            "{address}"
        );
    }
}

#[test]
fn ten_thousand_releases_make_a_small_page_that_names_what_is_missing() {
    let releases = (1..=10_000)
        .rev()
        .map(|number| release(number, "superseded", "2026-11-27T10:00:00Z", &json!({"reason": "r".repeat(200)})));
    let page = page(vec![Lane::new("dev", releases.collect(), usize::MAX)]);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert!(page.contains("9000 older releases of dev"), "the footer says nothing of it");
    assert_eq!(page.matches("class=\"mark ").count(), DRAWN);
}

#[test]
fn environments_that_cannot_be_read_or_are_empty_say_so() {
    let page = page(vec![Lane::new("dev", Vec::new(), 9), Lane::unknown("prod", &anyhow::anyhow!("no credentials"))]);
    assert!(page.contains("No releases yet") && page.contains("<b>Could not be read.</b> no credentials"), "{page}");
    assert!(!page.contains("<section aria-labelledby=\"timeline\">"));
}

#[test]
fn promotions_in_a_circle_are_drawn_all_the_same() {
    let from = |environment: &str| json!({"kind": "promote", "from": {"environment": environment, "release": 1}});
    let lane = |name: &str, from: &serde_json::Value| {
        Lane::new(name, vec![release(1, "live", "2026-11-27T10:00:00Z", from)], 9)
    };
    assert_eq!(page(vec![lane("a", &from("b")), lane("b", &from("a"))]).matches("<path class=\"edge\"").count(), 2);
}
