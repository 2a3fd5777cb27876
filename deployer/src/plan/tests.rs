//! Which changes a plan finds, which steps follow, and what it refuses.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::artifact::{Packed, PackedFunction};
use crate::aws::{Alias, Readiness, Settings, Stage, VersionState};
use crate::config::{Architecture, Shift};
use crate::ending::Ending as _;
use crate::failure::Exit;
use crate::ledger::{LedgerState, Lock, MadeVersions};
use crate::observe::Definition;

fn sources(hash: &str) -> Sources {
    Sources { hash: hash.to_owned(), functions: BTreeMap::from([("f".to_owned(), hash.to_owned())]) }
}

fn built(sha256: &str) -> Manifest {
    let package = Packed::Zip { zip: "f.zip".into(), sha256: sha256.into(), size: 1 };
    let zip = PackedFunction { source_hash: "s2".into(), architecture: Architecture::X86, package };
    Manifest {
        schema: 1,
        source_hash: "s2".into(),
        commit: None,
        committed_at: None,
        dirty: false,
        functions: BTreeMap::from([("f".to_owned(), zip)]),
        reads: None,
    }
}

fn version(number: &str) -> VersionState {
    VersionState {
        version: number.to_owned(),
        code_sha256: "zip1".to_owned(),
        revision: "r".to_owned(),
        readiness: Readiness::Ready,
        settings: Settings::with("MemorySize", "128"),
        description: String::new(),
        modified: String::new(),
    }
}

fn release(number: u32, version: &str, zip: &str, deployment: &str) -> Release {
    let parts = json!({"functions": {"f": {"version": version, "code_sha256": zip}}, "deployment": deployment});
    let release = json!({
        "number": number, "kind": "deploy", "state": "live", "parts": parts, "previous_parts": parts, "previous": 6,
        "artifact": {"source_hash": "s1", "functions": {"f": "s1"}}, "definition": "def1",
        "actor": "ada", "started_at": "now", "fencing_token": 3,
    });
    serde_json::from_value(release).unwrap()
}

fn definition(fingerprint: &str) -> Definition {
    Definition { fingerprint: fingerprint.to_owned(), ..Definition::default() }
}

/// Release 7 is live: version 5 of `f` from the sources `s1`, deployment `d1` of the definition `def1`.
fn observed() -> Observed {
    let resource = json!({"name": "f-dev", "alias": "live", "architecture": "x86_64"});
    let api = json!({"kind": "rest", "id": "a", "stage": "dev", "url": "u", "initial_deployment": "d0"});
    let contract = json!({
        "environment": "dev", "account": "1", "region": "r", "functions": {"f": resource.clone()},
        "api": api.clone(),
    });
    let function = ObservedFunction {
        resource: serde_json::from_value(resource).unwrap(),
        alias: Alias {
            version: "5".into(),
            weights: BTreeMap::new(),
            revision: "r".into(),
            description: String::new(),
        },
        live: version("5"),
        latest: version("$LATEST"),
        url: None,
    };
    Observed {
        http_api: None,
        ledger: LedgerState {
            contract: serde_json::from_value(contract).unwrap(),
            lock: Lock::default(),
            live: Some(release(7, "5", "zip1", "d1")),
            last: Some(release(9, "8", "zip8", "d8")),
            made: MadeVersions::default(),
            caller: None,
        },
        functions: BTreeMap::from([("f".to_owned(), function)]),
        api: Some(ObservedApi {
            resource: serde_json::from_value(api).unwrap(),
            stage: Stage { deployment: "d1".into(), mark: Some("d1".into()), ..Stage::default() },
            definition: definition("def1"),
        }),
        alarms: Ok(Vec::new()),
    }
}

fn api(observed: &mut Observed) -> &mut ObservedApi {
    observed.api.as_mut().unwrap()
}

fn wanted(goal: Goal<'_>, traffic: &Traffic, observed: &Observed) -> Result<Plan> {
    plan(Wanted { goal, traffic }, observed)
}

fn planned(source: &str, zip: Option<&str>, observed: &Observed) -> Plan {
    let (sources, manifest) = (sources(source), zip.map(built));
    wanted(Goal::Sources(&sources, manifest.as_ref()), &Traffic::default(), observed).unwrap()
}

fn steps(plan: &Plan) -> Vec<String> {
    plan.phases().iter().map(|phase| phase.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")).collect()
}

#[test]
fn unchanged_sources_settings_and_definition_make_an_empty_plan() {
    let plan = planned("s1", None, &observed());
    assert!(plan.is_empty() && !plan.needs_code());
}

#[test]
fn the_next_number_follows_the_last_one_not_the_live_one() {
    assert_eq!(planned("s2", None, &observed()).release, 10);
}

#[test]
fn changed_sources_that_build_the_same_bytes_are_no_change() {
    let observed = observed();
    assert!(planned("s2", None, &observed).needs_code());
    assert!(!planned("s2", Some("zip2"), &observed).is_empty());
    assert!(planned("s2", Some("zip1"), &observed).is_empty());
}

#[test]
fn other_bytes_of_the_same_sources_are_a_change() {
    let plan = planned("s1", Some("zip2"), &observed());
    assert_eq!(plan.functions["f"].changes, [FunctionChange::Code("zip1".to_owned(), "zip2".to_owned())]);
    assert_eq!(plan.functions["f"].after, After::NewCode(Some("zip2".to_owned())));
}

#[test]
fn changed_code_moves_aliases_and_no_stage() {
    let code =
        ["publish and check a version of `f`", "move the alias of `f`", "check through the URL after the aliases"];
    assert_eq!(steps(&planned("s2", None, &observed())), code);
}

#[test]
fn a_changed_definition_moves_the_stage_and_no_alias() {
    let mut observed = observed();
    api(&mut observed).definition = definition("def2");
    let stage = ["create an API deployment", "move the stage", "check through the URL after the stage"];
    assert_eq!(steps(&planned("s1", None, &observed)), stage);
}

#[test]
fn if_both_change_aliases_are_checked_under_the_old_definition() {
    let mut observed = observed();
    api(&mut observed).definition = definition("def2");
    let both = [
        "publish and check a version of `f` + create an API deployment",
        "move the alias of `f`",
        "check through the URL after the aliases",
        "move the stage",
        "check through the URL after the stage",
    ];
    assert_eq!(steps(&planned("s2", None, &observed)), both);
}

#[test]
fn settings_that_terraform_changed_need_a_version_and_no_build() {
    let mut observed = observed();
    observed.functions.get_mut("f").unwrap().latest.settings = Settings::with("MemorySize", "256");
    let plan = planned("s1", None, &observed);
    assert_eq!(plan.functions["f"].changes, [FunctionChange::Settings(vec!["MemorySize".to_owned()])]);
    assert!(!plan.needs_code());
}

#[test]
fn before_the_first_release_everything_is_new() {
    let mut observed = observed();
    observed.ledger.live = None;
    api(&mut observed).stage.deployment = "d0".into();
    let plan = planned("s1", None, &observed);
    assert_eq!((plan.live, plan.phases().len()), (0, 5));
}

#[test]
fn changes_from_outside_are_refused_by_name() {
    let refused = |observed: &Observed| {
        let error = wanted(Goal::Sources(&sources("s2"), None), &Traffic::default(), observed).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        error.to_string()
    };
    let (mut alias, mut weight, mut stage, mut code) = (observed(), observed(), observed(), observed());
    alias.functions.get_mut("f").unwrap().alias.version = "4".into();
    assert!(
        refused(&alias).contains("alias `live` of `f-dev` points to version 4, but release 7 left it at version 5")
    );
    weight.functions.get_mut("f").unwrap().alias.weights.insert("6".into(), 0.1);
    assert!(refused(&weight).contains("splits its traffic"));
    api(&mut stage).stage.deployment = "d9".into();
    assert!(refused(&stage).contains("is at deployment `d9`, but release 7 left it at `d1`"));
    let part = FunctionPart { version: "5".into(), code_sha256: "other".into() };
    code.ledger.live.as_mut().unwrap().parts.functions.insert("f".into(), part);
    assert!(refused(&code).contains("other code than release 7"));
}

#[test]
fn a_stage_variable_with_another_deployment_is_drift() {
    let mut observed = observed();
    api(&mut observed).stage.mark = Some("d0".into());
    assert!(drift(&observed).unwrap().contains("does not name `d1`"));
}

#[test]
fn a_promotion_publishes_only_changed_bytes_or_settings() {
    let (same, other) = (release(3, "1", "zip1", "dx"), release(4, "2", "zip2", "dx"));
    let mut observed = observed();
    assert!(wanted(Goal::Bytes(&same), &Traffic::default(), &observed).unwrap().is_empty());
    let plan = wanted(Goal::Bytes(&other), &Traffic::default(), &observed).unwrap();
    assert_eq!(plan.functions["f"].changes, [FunctionChange::Code("zip1".into(), "zip2".into())]);
    assert_eq!(plan.functions["f"].after, After::NewCode(Some("zip2".into())));
    observed.functions.get_mut("f").unwrap().latest.settings = Settings::with("MemorySize", "256");
    let plan = wanted(Goal::Bytes(&same), &Traffic::default(), &observed).unwrap();
    assert_eq!(plan.functions["f"].after, After::LiveCode);
}

#[test]
fn a_rollback_moves_the_stage_first_and_creates_nothing() {
    let back = release(4, "2", "zip2", "d0");
    let plan = wanted(Goal::Parts(&back), &Traffic::default(), &observed()).unwrap();
    let all = [
        "move the stage",
        "check through the URL after the stage went back",
        "move the alias of `f`",
        "check through the URL after the stage",
    ];
    assert_eq!((steps(&plan), plan.back_to), (all.map(str::to_owned).to_vec(), Some(4)));
    let code_only = release(4, "2", "zip2", "d1");
    let plan = wanted(Goal::Parts(&code_only), &Traffic::default(), &observed()).unwrap();
    assert_eq!(steps(&plan), ["move the alias of `f`", "check through the URL after the aliases"]);
    assert!(wanted(Goal::Parts(&release(4, "5", "zip1", "d1")), &Traffic::default(), &observed()).unwrap().is_empty());
}

#[test]
fn a_rollback_to_a_rollback_names_the_original_release() {
    let mut back = release(29, "2", "zip2", "d0");
    back.back_to = Some(27);
    assert_eq!(wanted(Goal::Parts(&back), &Traffic::default(), &observed()).unwrap().back_to, Some(27));
}

fn canary() -> Traffic {
    let bake = Duration::from_secs(180);
    Traffic { shift: Shift::Canary { percent: 10, bake }, watch: Duration::from_secs(60) }
}

#[test]
fn a_canary_is_checked_and_watched_before_the_rest_follows() {
    let sources = sources("s2");
    let mut watched = observed();
    watched.ledger.contract.alarms = vec!["errors".to_owned()];
    let plan = wanted(Goal::Sources(&sources, None), &canary(), &watched).unwrap();
    let all = [
        "publish and check a version of `f`",
        "give the new version of `f` 10 % of the traffic",
        "check through the URL during the shift",
        "watch the alarms for 3 min",
        "move the alias of `f`",
        "check through the URL after the aliases",
        "watch the alarms for 1 min",
    ];
    assert_eq!(steps(&plan), all);

    watched.ledger.contract.alarms.clear();
    let plan = wanted(Goal::Sources(&sources, None), &canary(), &watched).unwrap();
    assert_eq!(steps(&plan)[3], "wait 3 min, with no alarms to watch");
}

#[test]
fn a_first_release_and_a_way_back_are_never_slow() {
    let mut first = observed();
    first.ledger.live = None;
    api(&mut first).stage.deployment = "d0".into();
    let sources = sources("s2");
    assert_eq!(wanted(Goal::Sources(&sources, None), &canary(), &first).unwrap().traffic, Traffic::default());
    let back = release(4, "2", "zip2", "d1");
    assert_eq!(wanted(Goal::Parts(&back), &canary(), &observed()).unwrap().traffic, Traffic::default());
}

#[test]
fn a_function_added_by_terraform_is_not_drift_but_new() {
    let mut observed = observed();
    let added = observed.functions["f"].clone();
    observed.functions.insert("g".to_owned(), added);
    assert_eq!(drift(&observed), None);
    let mut sources = sources("s1");
    sources.functions.insert("g".to_owned(), "s9".to_owned());
    let plan = wanted(Goal::Sources(&sources, None), &Traffic::default(), &observed).unwrap();
    assert_eq!(plan.moved().collect::<Vec<_>>(), ["g"]);
    // A release from before it says nothing of it.
    let back = release(4, "2", "zip2", "d1");
    let plan = wanted(Goal::Parts(&back), &Traffic::default(), &observed).unwrap();
    assert_eq!(plan.moved().collect::<Vec<_>>(), ["f"]);
}
