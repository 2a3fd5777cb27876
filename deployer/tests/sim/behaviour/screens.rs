//! What people see of environments and releases: `status`, `history`, `diff` and `--timings`.

use serde_json::{Value, json};

use super::{deploy, deploy_code, deployed, with_releases};
use crate::application::Behavior;
use crate::outside::Sent;
use crate::simulation::Simulation;
use crate::stack::{Shape, attributes, ledger};
use crate::verdict::item;

/// Gives dev's ledger the newest two hundred of this many releases.
fn add_releases(simulation: &Simulation, last: u64) {
    let release = item(simulation, "dev", "release#00000001");
    simulation.account("dev", |account| {
        for number in last - 199..=last {
            let mut release = release.clone();
            (release["number"], release["sk"]) = (json!(number), json!(format!("release#{number:08}")));
            release["state"] = json!("superseded");
            account.dynamodb.put(&ledger("dev"), &attributes(&release)["M"]);
        }
    });
}

fn queries(calls: &[Sent]) -> usize {
    calls.iter().filter(|call| call.name == "Query").count()
}

#[test]
fn of_ten_thousand_releases_only_those_shown_are_read() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        add_releases(simulation, 10_000);
        let (ended, calls) = simulation.observed("history dev").await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert!(ended.words.starts_with("dev: 10,000 releases\n"), "{}", ended.words);
        assert!(ended.words.contains("and 9,980 older releases: `--limit` shows more"), "{}", ended.words);
        assert_eq!((calls.len(), queries(&calls)), (4, 3), "both ends of the ledger, and the newest twenty: {calls:?}");
        let (ended, calls) = simulation.observed("history dev --limit 100 --output json").await;
        let view = ended.json();
        assert_eq!((view["releases"].as_array().unwrap().len(), &view["total"]), (100, &json!(10_000)));
        assert!(queries(&calls) < 6, "{} pages", queries(&calls));
    });
}

#[test]
fn status_shows_all_environments_and_which_cannot_be_reached() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        // The credentials of this run are of dev's account.
        let shown = simulation.done("status").await.words;
        let row = |environment: &str| shown.lines().find(|line| line.starts_with(environment)).unwrap().to_owned();
        let words = |line: String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let dev = words(row("dev "));
        assert_eq!(dev[..3], ["dev", "1", "live"]);
        assert!(dev.ends_with(&["ada", "1", "ok", "free"].map(str::to_owned)), "{shown}");
        assert_eq!(words(row("prod ")), ["prod", "unreachable"]);
        assert!(!shown.contains("FUNCTION"), "{shown}");
        for whole in ["status dev", "status --wide"] {
            let shown = simulation.done(whole).await.words;
            assert!(shown.contains("FUNCTION") && shown.contains("app-f2-dev"), "{shown}");
        }
        let view = simulation.done("status --output json").await.json();
        assert_eq!(view["environments"][0]["alarm_states"], json!({"ok": 1, "in_alarm": 0, "no_data": 0}));
    });
}

#[test]
fn a_diff_shows_what_a_promotion_would_bring_and_writes_nothing() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        let (empty, _) = simulation.observed("diff dev prod").await;
        assert!(empty.words.contains("dev (release 1) compared with prod (no release)"), "{}", empty.words);
        simulation.done("promote dev prod --allow-definition-diff").await;
        deployed(simulation).await;
        let (ended, calls) = simulation.observed("diff dev prod --output json").await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert!(calls.iter().all(|call| !call.writes()), "{calls:?}");
        assert_eq!(calls.iter().filter(|call| call.name == "AssumeRole").count(), 1, "dev is read by its reader role");
        let view = ended.json();
        assert_eq!((&view["from"]["release"], &view["to"]["release"]), (&json!(2), &json!(1)));
        assert_eq!((&view["functions"]["f1"]["code"], &view["differs"]), (&json!("different"), &json!(true)));
        assert!(!view["definition"].as_object().unwrap().is_empty(), "{view}");
        assert!(view["commits"]["unknown"].as_str().unwrap().contains("does not name its commit"), "{view}");
        let same = simulation.done("diff dev@1 prod --output json").await.json();
        assert_eq!(
            (&same["functions"]["f1"]["code"], &same["functions"]["f2"]["code"]),
            (&json!("same"), &json!("same"))
        );
    });
}

#[test]
fn a_diff_of_what_does_not_exist_is_refused() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        simulation.refused("diff dev dev", 3).await;
        simulation.refused("diff dev nowhere", 3).await;
        simulation.refused("diff dev@9999 prod", 4).await;
    });
}

#[test]
fn a_release_keeps_where_its_time_went_and_shows_it_if_asked() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        let plain = simulation.done(&deploy(simulation, Behavior::Right).await).await;
        assert!(!plain.words.contains("where the time went"), "{}", plain.words);
        let timed = simulation.done(&format!("{} --timings", deploy_code(simulation, Behavior::Right))).await;
        for words in ["where the time went: ", "publish and check a version of f1", "take the lock", "write the record"]
        {
            assert!(timed.words.contains(words), "no `{words}` in {}", timed.words);
        }
        let timings = &item(simulation, "dev", "release#00000003")["timings"];
        assert!(["read", "build", "lock", "read_again"].iter().all(|name| timings[*name].is_u64()), "{timings}");
        let back = simulation.done("rollback dev --to previous --timings --output json").await.json();
        assert!(back["timings"]["record"].is_u64() && back["timings"]["build"] == Value::Null, "{back}");
        let moved = simulation.done("promote dev prod --allow-definition-diff --timings").await;
        assert!(moved.words.contains("fetch the packages"), "{}", moved.words);
    });
}
