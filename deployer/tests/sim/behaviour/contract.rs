//! The stack contract: from the ledger, or from `deployer.toml`.

use serde_json::json;

use super::{deploy, deployed};
use crate::application::Behavior;
use crate::simulation::{Simulation, Snapshot};
use crate::stack::{APP, Shape};
use crate::verdict::item;

/// Declares dev's contract as `contract show` prints it, changed like this.
async fn declared(simulation: &Simulation, change: impl FnOnce(String) -> String) {
    let shown = simulation.done("contract show dev").await.words;
    let stack = change(shown[shown.find("[environments.dev.stack]").unwrap()..].to_owned());
    simulation.reconfigure(|text| format!("{text}\n{stack}"));
}

#[test]
fn a_declared_contract_is_all_that_a_release_needs() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        declared(simulation, |stack| stack).await;
        // An app without a contract in the ledger.
        simulation.configure(&format!("app = \"{APP}\""), "app = \"other\"");
        deployed(simulation).await;
        deployed(simulation).await;
        simulation.done("rollback dev --to previous").await;
        let status = simulation.done("status dev --output json").await.json();
        assert_eq!(status["environments"][0]["release"], 3, "two deploys and a rollback: {status}");
    });
}

#[test]
fn a_declared_contract_must_match_the_ledger() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        declared(simulation, |stack| stack).await;
        deployed(simulation).await;
        simulation.configure("alarms = [\"errors\"]", "alarms = []");
        for command in ["rollback dev --to previous", "status dev", "doctor dev"] {
            let ended = simulation.command(command).await;
            assert!(ended.words.contains("in `deployer.toml` differ in `alarms`"), "{command}: {}", ended.words);
            assert!(ended.words.contains("deployer contract write dev --yes"), "{command}: {}", ended.words);
        }
        let refused = simulation.refused("contract write dev", 4).await;
        assert!(refused.words.contains("in `alarms`"), "{}", refused.words);
        let written = simulation.done("contract write dev --yes").await;
        assert!(written.words.contains("dev: the contract was replaced"), "{}", written.words);
        let kept = item(simulation, "dev", "stack");
        assert_eq!((&kept["schema"], kept.get("alarms")), (&json!(2), None), "{kept}");
        deployed(simulation).await;
    });
}

#[test]
fn a_contract_is_written_once() {
    Snapshot::new(Shape::of(1).without_api(), 1).simulate(async |simulation| {
        declared(simulation, |stack| stack).await;
        simulation.configure(&format!("app = \"{APP}\""), "app = \"other\"");
        let written = simulation.done("contract write dev --output json").await.json();
        assert_eq!(written, json!({"schema": 1, "environment": "dev", "written": true, "replaced": false}));
        let (again, calls) = simulation.observed("contract write dev").await;
        assert!(again.words.contains("nothing was written") && !calls.iter().any(|call| call.writes()), "{calls:?}");
        let shown = simulation.done("contract show dev --output json").await.json();
        assert_eq!(shown["functions"], json!({"f1": {"name": "app-f1-dev", "alias": "live", "architecture": "arm64"}}));
    });
}

#[test]
fn a_contract_that_cannot_be_written_changes_nothing() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        let none = simulation.refused("contract write dev", 3).await;
        assert!(none.words.contains("declares no `[environments.dev.stack]`"), "{}", none.words);
        declared(simulation, |stack| stack.replace("account = \"111111111111\"", "account = \"999999999999\"")).await;
        let foreign = simulation.refused("contract write dev --yes", 4).await;
        assert!(foreign.words.contains("the credentials are for account `111111111111`"), "{}", foreign.words);
        let plan = simulation.refused("rollback dev --to 1", 4).await;
        assert!(plan.words.contains("the credentials are for account `111111111111`"), "{}", plan.words);
        simulation.configure("alias = \"live\"", "alias = \"../live\"");
        let odd = simulation.refused("contract write dev --yes", 3).await;
        assert!(odd.words.contains("has \"../live\" for an alias, which is not a valid name"), "{}", odd.words);
    });
}

#[test]
fn a_function_is_released_only_to_environments_that_have_it() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        let both = item(simulation, "prod", "stack");
        let mut contract = both.clone();
        contract["functions"].as_object_mut().unwrap().remove("f2");
        simulation.put("prod", &contract);
        let command = deploy(simulation, Behavior::Right).await;
        simulation.done(&command).await;
        // This is not declared as intended yet.
        let refused = simulation.refused("promote dev prod --allow-definition-diff", 4).await;
        assert!(refused.words.contains("the stack contract of `prod` has [\"f1\"]"), "{}", refused.words);
        assert!(refused.words.contains("`environments = [\"dev\"]`"), "{}", refused.words);

        simulation.configure("[functions.f2]\n", "[functions.f2]\nenvironments = [\"dev\"]\n");
        simulation.done("promote dev prod --allow-definition-diff").await;
        let versions =
            |environment: &str| item(simulation, environment, "live")["release"]["parts"]["functions"].clone();
        assert_eq!((versions("dev").as_object().unwrap().len(), versions("prod").as_object().unwrap().len()), (2, 1));
        // The build has both, for every environment.
        let another = deploy(simulation, Behavior::Right).await;
        for command in [another.clone(), another.replace("deploy dev", "deploy prod")] {
            simulation.done(&command).await;
        }
        // Once prod has it too, it is released there, although its sources are unchanged.
        simulation.configure("environments = [\"dev\"]\n", "");
        simulation.put("prod", &both);
        let ended = simulation.done(&another.replace("deploy dev", "deploy prod")).await;
        assert!(ended.words.contains("Switched `f2` to version "), "{}", ended.words);
        for environment in ["dev", "prod"] {
            for command in ["check", "status", "rollback --to previous"] {
                let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
                simulation.done(format!("{verb} {environment} {rest}").trim()).await;
            }
        }
    });
}

#[test]
fn an_unknown_environment_of_a_function_is_named() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        simulation.configure("[functions.f1]\n", "[functions.f1]\nenvironments = [\"staging\"]\n");
        let refused = simulation.refused("plan dev", 3).await;
        assert!(
            refused.words.contains("function `f1` names `staging`, which is not in `environments`"),
            "{}",
            refused.words
        );
    });
}
