//! What people, programs and the page of a run see of a release.

use serde_json::{Value, json};

use super::*;
use crate::failure::{Exit, Failure};

/// A release of the counter, of which the stage did not come to move if it was reverted.
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
fn the_page_of_a_release_shows_what_changed_how_it_was_checked_and_the_way_back() {
    let expected = "\
## ✅ prod: release 8 is live

A deploy: live, stable; `0123456789ab`, sources `5ource5ource`, by `ada`, in 2.5 s.

|  | before | after | why |
| --- | --- | --- | --- |
| `counter` | version `5`, code `zip1zip1zip1` | version `6`, code `zip2zip2zip2` | sources a -&gt; b |
| `preflight` | version `2`, code `p` | unchanged |  |
| API | deployment `d1` | deployment `d2` | definition x -&gt; y |

### Checks

| check | when | verdict | request -&gt; response | requests |
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

[the API](<https://api.example/prod>) · [this run](<https://github.example/o/r/actions/runs/7>) · [version 6 of `counter`](<https://console.example/v#6>)
";
    assert_eq!(view(ReleaseState::Live).summary().unwrap().to_string(), expected);
}

#[test]
fn the_page_of_a_release_that_was_reverted_says_what_is_live_what_was_done_and_what_to_do() {
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

| step | how far it came |
| --- | --- |
| publish and check a version of `counter` | done (812 ms) |
| move the alias of `counter` | done (95 ms) |
| check through the URL after the aliases | ❌ failed, or was broken off |
| move the stage | not begun |

### Checks

| check | when | verdict | request -&gt; response | requests |
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

[the API](<https://api.example/prod>) · [this run](<https://github.example/o/r/actions/runs/7>) · [version 6 of `counter`](<https://console.example/v#6>)
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
        (ReleaseState::Shifting, Exit::LockHeld, "## ❌ prod: release 8 is no longer this run's to end\n"),
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
fn what_was_meant_and_not_made_is_not_called_unchanged() {
    let mut view = view(ReleaseState::Failed);
    view.functions.get_mut("counter").unwrap().after = view.functions["counter"].before.clone();
    let page = failed(view, &anyhow::anyhow!("x")).summary().unwrap().to_string();
    assert!(page.contains("code `zip1zip1zip1` | a new one, which was not made | sources"), "{page}");
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
fn of_a_release_that_failed_later_steps_get_what_is_true_of_what_is_live() {
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
        "prod: release 8 is live (0 AWS calls, 0 of them able to write)\nhttps://api.example/prod\n"
    );
    let seen: Value = serde_json::to_value(&view).unwrap();
    assert_eq!(seen["functions"]["counter"]["after"], json!({"version": "6", "code_sha256": "zip2zip2zip2zip2"}));
    assert_eq!(seen["api"], json!({"before": "d1", "after": "d2", "why": "definition x -> y"}));
    assert_eq!((&seen["state"], &seen["steps"][1]["millis"]), (&json!("live"), &json!(95)));
    assert_eq!(seen["rollback"], "deployer rollback prod --to 7");
}
