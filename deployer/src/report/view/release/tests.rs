//! A release for people, for programs, and on the page of a run.

use serde_json::{Value, json};

use super::*;
use crate::failure::{Exit, Failure};
use crate::verify;

/// A release of the counter, whose stage had not moved yet if it was reverted.
fn moved() -> ApiMove {
    let id = |id: &str| Some(id.to_owned());
    ApiMove { before: id("d1"), after: id("d2"), why: Some("definition x -> y".to_owned()) }
}

fn view(state: ReleaseState) -> ReleaseView {
    let live = state == ReleaseState::Live;
    let part = |version: &str, code: &str| FunctionPart { version: version.to_owned(), code_sha256: code.to_owned() };
    let step = |step: &str, began: Option<&str>, millis| StepRecord {
        step: step.to_owned(),
        started_at: began.map(|second| format!("2026-01-10T10:00:{second}Z")),
        millis,
    };
    let check = CheckRecord {
        name: "health".to_owned(),
        phase: "after the aliases".to_owned(),
        passed: live,
        response: if live { "GET /health -> 200" } else { "GET /health -> 500, not 200" }.to_owned(),
        requests: 3,
        by_invoke: None,
    };
    let counter = FunctionMove {
        before: part("5", "zip1zip1zip1zip1"),
        after: part("6", "zip2zip2zip2zip2"),
        why: vec!["sources a -> b".to_owned()],
    };
    let same = FunctionMove { before: part("2", "p"), after: part("2", "p"), why: Vec::new() };
    ReleaseView {
        environment: "prod".to_owned(),
        changed: true,
        kind: Some(ReleaseKind::Deploy),
        release: 8,
        back_to: None,
        from: None,
        versions: BTreeMap::from([("counter".to_owned(), "6".to_owned()), ("preflight".to_owned(), "2".to_owned())]),
        deployment_id: Some("d2".to_owned()),
        previous: Some(7),
        url: Some("https://api.example/prod".to_owned()),
        checks: vec![check],
        aws_calls: CallsView::of(&crate::aws::Calls::default()),
        state: Some(state),
        stable: live,
        reason: None,
        functions: BTreeMap::from([("counter".to_owned(), counter), ("preflight".to_owned(), same)]),
        api: moved(),
        source_hash: Some("5ource5ource5ource".to_owned()),
        commit: Some("0123456789abcdef".to_owned()),
        dirty: false,
        actor: Some("ada".to_owned()),
        run_url: Some("https://github.example/o/r/actions/runs/7".to_owned()),
        started_at: Some("2026-01-10T10:00:00Z".to_owned()),
        ended_at: Some("2026-01-10T10:00:02.5Z".to_owned()),
        seconds: Some(2.5),
        steps: vec![
            step("publish and check a version of `counter`", Some("00.1"), Some(812)),
            step("move the alias of `counter`", Some("01"), Some(95)),
            step("check through the URL after the aliases", Some("01.1"), live.then_some(400)),
            step("move the stage", live.then_some("02"), live.then_some(120)),
        ],
        timings: Timings::default(),
        chart: Chart::Hidden,
        rollback: live.then(|| "deployer rollback prod --to 7".to_owned()),
        links: vec![Link { title: "version 6 of `counter`".to_owned(), url: "https://console.example/v#6".to_owned() }],
        log_groups: BTreeMap::from([("counter".to_owned(), "/aws/lambda/counter-prod".to_owned())]),
        failed: None,
    }
}

fn failed(view: ReleaseView, error: &anyhow::Error) -> ReleaseView {
    ReleaseView { failed: Some(Failed::of(error)), ..view }
}

fn failing(state: ReleaseState, exit: Exit, message: &str) -> String {
    let error = anyhow::anyhow!("check `health` failed").context(Failure::new(exit, message).hint("fix it"));
    failed(view(state), &error).summary().unwrap().to_string()
}

#[test]
fn the_page_of_a_release_shows_changes_checks_and_the_way_back() {
    let expected = "\
## ✅ prod: release 8 is live

A deploy: live, stable; `0123456789ab`, sources `5ource5ource`, by `ada`, in 2.5 s.

|  | before | after | why |
| --- | --- | --- | --- |
| `counter` | version `5`, code `zip1zip1zip1` | version `6`, code `zip2zip2zip2` | sources a -&gt; b |
| `preflight` | version `2`, code `p` | unchanged |  |
| API | deployment `d1` | deployment `d2` | definition x -&gt; y |

### Checks

| check | when | result | request -&gt; response | requests |
| --- | --- | --- | --- | --- |
| `health` | after the aliases | passed | GET /health -&gt; 200 | 3 |

### Timeline

```mermaid
gantt
    dateFormat x
    axisFormat %s.%L s
    todayMarker off
    1 publish and check a version of counter :done, 0, 812
    2 move the alias of counter :done, 900, 995
    3 check through the URL after the aliases :done, 1000, 1400
    4 move the stage :done, 1900, 2020
```

### The way back

```sh
deployer rollback prod --to 7
```

[the URL](<https://api.example/prod>) · [this run](<https://github.example/o/r/actions/runs/7>) · [version 6 of `counter`](<https://console.example/v#6>)
";
    assert_eq!(view(ReleaseState::Live).summary().unwrap().to_string(), expected);
}

#[test]
fn the_page_of_a_reverted_release_says_what_is_live_and_what_to_do() {
    let expected = "\
## ❌ prod: release 8 failed and was reverted, release 7 is live

A deploy: reverted; `0123456789ab`, sources `5ource5ource`, by `ada`, in 2.5 s.

**What happened:** release 8 failed and was reverted to release 7: check `health` failed

**What to do:** fix it

|  | live now | was to be live | why |
| --- | --- | --- | --- |
| `counter` | version `5`, code `zip1zip1zip1` | version `6`, code `zip2zip2zip2` | sources a -&gt; b |
| `preflight` | version `2`, code `p` | unchanged |  |
| API | deployment `d1` | deployment `d2` | definition x -&gt; y |

| step | result |
| --- | --- |
| publish and check a version of `counter` | done (812 ms) |
| move the alias of `counter` | done (95 ms) |
| check through the URL after the aliases | ❌ failed or interrupted |
| move the stage | not started |

### Checks

| check | when | result | request -&gt; response | requests |
| --- | --- | --- | --- | --- |
| `health` | after the aliases | ❌ failed | GET /health -&gt; 500, not 200 | 3 |

### Timeline

```mermaid
gantt
    dateFormat x
    axisFormat %s.%L s
    todayMarker off
    1 publish and check a version of counter :done, 0, 812
    2 move the alias of counter :done, 900, 995
    3 check through the URL after the aliases :crit, 1000, 2400
```

[the URL](<https://api.example/prod>) · [this run](<https://github.example/o/r/actions/runs/7>) · [version 6 of `counter`](<https://console.example/v#6>)
";
    let seen = failing(ReleaseState::Reverted, Exit::Reverted, "release 8 failed and was reverted to release 7");
    assert_eq!(seen, expected);
}

#[test]
fn the_first_line_distinguishes_every_end() {
    let cases = [
        (
            ReleaseState::Failed,
            Exit::Error,
            "## ❌ prod: release 8 failed before any traffic moved, release 7 is live\n",
        ),
        (ReleaseState::Shifting, Exit::NotReverted, "## 🚨 prod: release 8 failed and is NOT reverted\n"),
        (ReleaseState::Shifting, Exit::Locked, "## ❌ prod: release 8 is now ended by another run\n"),
        (ReleaseState::Live, Exit::NotReverted, "## ⚠️ prod: release 8 is live, but did not end well\n"),
    ];
    for (state, exit, expected) in cases {
        let seen = failing(state, exit, "it failed");
        assert!(seen.starts_with(expected), "{seen}");
    }
    let first = ReleaseView { previous: Some(0), ..view(ReleaseState::Failed) };
    let first = failed(first, &anyhow::anyhow!("x"));
    assert!(first.summary().unwrap().to_string().contains("moved, the placeholder is live"));
}

#[test]
fn a_version_that_was_not_made_is_not_called_unchanged() {
    let mut view = view(ReleaseState::Failed);
    view.functions.get_mut("counter").unwrap().after = view.functions["counter"].before.clone();
    let page = failed(view, &anyhow::anyhow!("x")).summary().unwrap().to_string();
    assert!(page.contains("code `zip1zip1zip1` | a new one, not made | sources"), "{page}");
}

#[test]
fn nothing_that_a_release_carries_breaks_its_page() {
    let hostile = "a|b\n## c\n```\n::error::d\n`e|f` <script> %0A;#";
    let mut view = view(ReleaseState::Live);
    view.environment = hostile.to_owned();
    view.actor = Some(hostile.to_owned());
    view.checks[0].response = hostile.to_owned();
    view.steps[0].step = hostile.to_owned();
    let page = failed(view, &anyhow::anyhow!(hostile.replace('\n', " "))).summary().unwrap().to_string();
    let fences = page.lines().filter(|line| line.starts_with("```")).count();
    let headings = page.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!((fences, headings), (4, 4), "{page}");
    for lost in ["<script>", "\n::error"] {
        assert!(!page.contains(lost), "{page}");
    }
    let widths: Vec<_> =
        page.lines().filter(|line| line.starts_with('|')).map(|row| row.matches('|').count()).collect();
    assert_eq!(widths, [5, 5, 5, 5, 5, 3, 3, 3, 3, 3, 3, 6, 6, 6], "{page}");
}

#[test]
fn nothing_to_do_is_a_line_and_no_chart() {
    let idle = ReleaseView {
        changed: false,
        kind: None,
        previous: None,
        functions: BTreeMap::new(),
        checks: Vec::new(),
        steps: Vec::new(),
        rollback: None,
        seconds: None,
        ..view(ReleaseState::Live)
    };
    let page = idle.summary().unwrap().to_string();
    assert!(page.starts_with("## ✅ prod: nothing to do, release 8 is live\n\nThe release: live, stable; "), "{page}");
    assert!(!page.contains("| ") && !page.contains("```"), "{page}");
    assert_eq!(idle.outputs()[5], ("previous", String::new()));
    let confirmed = ReleaseView { checks: view(ReleaseState::Live).checks, ..idle };
    assert!(confirmed.summary().unwrap().to_string().contains("### Checks\n\n| check "));
}

#[test]
fn later_steps_get_what_they_branch_on() {
    let expected = [
        ("release", "8"),
        ("versions", r#"{"counter":"6","preflight":"2"}"#),
        ("deployment_id", "d2"),
        ("url", "https://api.example/prod"),
        ("changed", "true"),
        ("previous", "7"),
    ];
    assert_eq!(view(ReleaseState::Live).outputs(), expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn later_steps_of_a_failed_release_get_what_is_live() {
    let cases = [
        (ReleaseState::Pending, "false"),
        (ReleaseState::Failed, "false"),
        (ReleaseState::Reverted, "false"),
        (ReleaseState::Shifting, "true"),
        (ReleaseState::Live, "true"),
    ];
    for (state, changed) in cases {
        let expected = [("url", "https://api.example/prod"), ("changed", changed), ("previous", "7")];
        let seen = failed(view(state), &anyhow::anyhow!("x")).outputs();
        assert_eq!(seen, expected.map(|(name, value)| (name, value.to_owned())), "{state}");
    }
}

#[test]
fn people_and_programs_see_the_same_release() {
    let view = view(ReleaseState::Live);
    assert_eq!(
        view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)),
        "prod: release 8 is live (0 AWS calls, 0 of them writes)\nhttps://api.example/prod\n"
    );
    let seen: Value = serde_json::to_value(&view).unwrap();
    assert_eq!(seen["functions"]["counter"]["after"], json!({"version": "6", "code_sha256": "zip2zip2zip2zip2"}));
    assert_eq!(seen["api"], json!({"before": "d1", "after": "d2", "why": "definition x -> y"}));
    assert_eq!((&seen["state"], &seen["steps"][1]["millis"]), (&json!("live"), &json!(95)));
    assert_eq!(seen["rollback"], "deployer rollback prod --to 7");
}

fn ended(state: ReleaseState, exit: Exit, error: anyhow::Error) -> String {
    let error = error.context(Failure::new(exit, "release 8 failed").hint("fix it"));
    failed(view(state), &error).ending(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)).unwrap()
}

fn failed_check() -> anyhow::Error {
    let record = CheckRecord { passed: false, ..view(ReleaseState::Reverted).checks[0].clone() };
    let difference = verify::Difference {
        of: "status".to_owned(),
        expected: "200".to_owned(),
        got: r#"500, body {"error":"no table"}"#.to_owned(),
    };
    let log = verify::Log(vec!["ERROR no table `orders`".to_owned()]);
    verify::Failed {
        record,
        function: "counter".to_owned(),
        blame: verify::Blame::Application,
        difference: Some(difference),
        log,
    }
    .explain()
}

#[test]
fn a_reverted_release_ends_with_what_failed_what_is_live_and_links() {
    let expected = r#"
prod: release 8 failed and was reverted, release 7 is live
  live now  release 7: `counter` version 5, `preflight` version 2, deployment d1
  log of    `counter`: /aws/lambda/counter-prod
  links     version 6 of `counter`: https://console.example/v#6
            this run: https://github.example/o/r/actions/runs/7
"#;
    assert_eq!(ended(ReleaseState::Reverted, Exit::Reverted, failed_check()), expected);
}

#[test]
fn the_time_of_a_failed_release_is_shown_too() {
    let timed = failed(view(ReleaseState::Reverted).timed(Chart::Shown), &failed_check());
    let ending = timed.ending(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)).unwrap();
    assert!(ending.contains("\nwhere the time went: "), "{ending}");
}

#[test]
fn a_log_group_is_either_linked_or_named() {
    let mut view = view(ReleaseState::Reverted);
    view.links.push(Link { title: "logs of `counter`".to_owned(), url: "https://console.example/l".to_owned() });
    let ending = failed(view, &failed_check()).ending(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)).unwrap();
    assert!(ending.contains("logs of `counter`: https") && !ending.contains("log of "), "{ending}");
}

#[test]
fn other_failures_end_with_what_is_live_too() {
    let alarm = || anyhow::anyhow!("alarm `errors` is in ALARM: 3 errors");
    let before = ended(ReleaseState::Failed, Exit::Error, alarm());
    assert!(before.contains("failed before any traffic moved, release 7 is live"), "{before}");
    assert!(before.contains("  live now  release 7:"), "{before}");
    let stuck = ended(ReleaseState::Shifting, Exit::NotReverted, alarm());
    let mixture = "live now  release 7 or release 8, or parts of both: `deployer status prod` shows which\n";
    assert!(stuck.contains("is NOT reverted") && stuck.contains(mixture), "{stuck}");
}

#[test]
fn the_page_shows_expected_beside_got_and_the_log() {
    let page = failed(view(ReleaseState::Reverted), &failed_check()).summary().unwrap().to_string();
    let table = "|  | expected | got |\n| --- | --- | --- |\n| status | 200 | 500, body {\"error\":\"no table\"} |\n";
    assert!(page.contains(table), "{page}");
    assert!(page.contains("The function logged:\n\n```text\nERROR no table `orders`\n```\n"), "{page}");
    let json = serde_json::to_value(failed(view(ReleaseState::Reverted), &failed_check())).unwrap();
    assert_eq!(
        (&json["error"]["check"]["name"], &json["error"]["check"]["expected"]),
        (&json!("health"), &json!("200"))
    );
}
