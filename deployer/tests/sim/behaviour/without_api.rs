//! A stack without an API in its contract: functions behind a queue, a schedule, or a foreign API. Checks are events.

use serde_json::json;

use super::{deploy, deploy_code, with_releases};
use crate::application::Behavior;
use crate::fault::Fault;
use crate::simulation::{Simulation, Snapshot};
use crate::stack::{ALARM, Shape, Trigger, function};
use crate::verdict::{Serving, item, releases};

const SHAPE: Shape = Shape::of(2).without_api();

/// The calls of API Gateway's control plane that a command makes.
async fn gateway_calls(simulation: &Simulation, command: &str) -> Vec<&'static str> {
    let (ended, calls) = simulation.observed(command).await;
    assert_eq!(ended.code, Some(0), "{command}: {}", ended.words);
    let of_gateway = |name: &str| {
        ["Stage", "Deployment", "Resources", "RestApi", "Authorizer", "GatewayResponse"]
            .iter()
            .any(|part| name.contains(part))
    };
    calls.iter().map(|call| call.name).filter(|name| of_gateway(name) || *name == "URL").collect()
}

#[test]
fn without_an_api_no_command_reads_one_or_sends_requests() {
    with_releases(SHAPE, 2).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        let deploy = deploy(simulation, Behavior::Right).await;
        let plan = &deploy.replace("deploy", "plan");
        for command in [
            plan,
            "status dev",
            "check dev",
            "history dev",
            "doctor dev",
            &deploy,
            &deploy,
            "promote dev prod",
            "rollback dev --to previous",
            "prune dev --yes",
        ] {
            assert_eq!(gateway_calls(simulation, command).await, Vec::<&str>::new(), "{command}");
        }
        let after = Serving::of(simulation, "dev");
        assert_eq!((after.deployment, &after.versions), (before.deployment, &before.versions));
        assert!(item(simulation, "dev", "live")["release"]["parts"].get("deployment").is_none());
    });
}

#[test]
fn doctor_names_a_queue_that_calls_the_bare_function() {
    with_releases(SHAPE, 1).simulate(async |simulation| {
        simulation.account("dev", |account| {
            account.lambda.map_event_source(&function("f1", "dev"), "live", "arn:aws:sqs:us-east-1:111111111111:right");
            account.lambda.map_event_source(&function("f1", "dev"), "", "arn:aws:sqs:us-east-1:111111111111:wrong");
        });
        let ended = simulation.command("doctor dev").await;
        assert_eq!(ended.code, Some(1), "{}", ended.words);
        assert!(ended.words.contains(":wrong") && !ended.words.contains(":right"), "{}", ended.words);
    });
}

#[test]
fn checks_after_the_switch_invoke_the_alias_and_say_so() {
    with_releases(SHAPE, 1).simulate(async |simulation| {
        let ended = simulation.done(&format!("{} --output json", deploy_code(simulation, Behavior::Right))).await;
        let view = ended.json();
        assert_eq!((&view["url"], &view["deployment_id"], &view["stable"]), (&json!(null), &json!(null), &json!(true)));
        let checks = view["checks"].as_array().unwrap();
        let after: Vec<_> = checks.iter().filter(|check| check["phase"] == "after the aliases").collect();
        assert_eq!(after.len(), 2, "{checks:?}");
        for check in after {
            assert_eq!(check["response"], "event event.json -> version 3 ran as declared", "{check}");
            assert!(check["requests"].as_u64() >= Some(3) && check.get("by_invoke").is_none(), "{check}");
        }
        let shown = simulation.done("history dev --output json").await.json().to_string();
        assert!(!shown.contains("deployment"), "{shown}");
    });
}

#[test]
fn a_version_that_returns_something_else_gets_no_traffic() {
    with_releases(SHAPE, 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        for (behavior, expected) in [
            (Behavior::Wrong, "the payload differs at `$.statusCode`"),
            (Behavior::Crashes, "the function failed: Unhandled (Runtime.ExitError)"),
        ] {
            let ended = simulation.command(&deploy_code(simulation, behavior)).await;
            assert!(ended.code == Some(6) && ended.words.contains(expected), "{:?}: {}", ended.code, ended.words);
            assert_eq!(Serving::of(simulation, "dev"), before);
        }
        let last = releases(simulation, "dev").into_iter().map(|release| release["state"].clone()).collect::<Vec<_>>();
        assert_eq!(last, [json!("live"), json!("failed"), json!("failed")]);
    });
}

#[test]
fn an_alarm_during_the_canary_reverts_it() {
    let shape = SHAPE.moving("strategy = \"canary\"\npercent = 40\nbake_seconds = 180");
    with_releases(shape, 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        let command = deploy_code(simulation, Behavior::Right);
        let alarm = async {
            tokio::time::sleep(std::time::Duration::from_secs(30)).await;
            let now = simulation.now();
            simulation.account("dev", |account| account.alarms.set(ALARM, crate::aws::cloudwatch::State::Alarm, now));
        };
        let (ended, ()) = futures::join!(simulation.command(&command), alarm);
        assert_eq!(ended.code, Some(6), "{}", ended.words);
        assert_eq!(Serving::of(simulation, "dev").versions, before.versions);
    });
}

#[test]
fn a_check_that_sends_a_request_is_refused_by_name() {
    Snapshot::new(SHAPE, 1).simulate(async |simulation| {
        simulation.configure(
            "name = \"f2\"\nfunction = \"f2\"\nevent = \"event.json\"\npayload = { statusCode = 200 }",
            "name = \"f2\"\nfunction = \"f2\"\nrequest = \"GET /f2\"\nstatus = 200",
        );
        let refused = simulation.refused(&deploy_code(simulation, Behavior::Right), 4).await;
        assert!(
            refused.words.contains(
                "check `f2` sends a request, but the stack contract of `dev` names neither an API nor a Function URL for `f2`"
            ),
            "{}",
            refused.words
        );
    });
}

#[test]
fn an_invalid_event_is_refused_with_its_file() {
    for (from, to, expected) in [
        ("\"event.json\"", "\"nowhere.json\"", "the event `nowhere.json` of check `f1` cannot be read"),
        ("\"event.json\"", "\"deployer.toml\"", "the event `deployer.toml` of check `f1` is not JSON"),
        (
            "event = ",
            "status = 200\nevent = ",
            "check `f1` has `status`, `headers` or `body`, which are for a `request`",
        ),
        ("event = ", "writes = true\nevent = ", "check `f1` must not have `writes`"),
        ("event = \"event.json\"\n", "", "check `f1` must have either `request` or `event`"),
    ] {
        Snapshot::new(SHAPE, 1).simulate(async |simulation| {
            simulation.reconfigure(|text| text.replacen(from, to, 1));
            let (ended, calls) = simulation.observed("deploy dev").await;
            assert_eq!((ended.code, calls.len()), (Some(3), 0), "{}", ended.words);
            assert!(ended.words.contains(expected), "`{expected}`: {}", ended.words);
        });
    }
}

#[test]
fn an_api_added_later_gets_a_deployment_that_rollbacks_keep() {
    with_releases(SHAPE, 1).simulate(async |simulation| {
        let mut contract = item(simulation, "dev", "stack");
        contract["api"] = simulation.account("dev", |account| {
            let id = account.api.only();
            json!({"kind": "rest", "id": id, "stage": "dev", "url": account.api.url(&id, "dev")})
        });
        simulation.put("dev", &contract);
        let before = Serving::of(simulation, "dev");
        simulation.done(&deploy_code(simulation, Behavior::Right)).await;
        let after = Serving::of(simulation, "dev");
        assert!(after.deployment != before.deployment && after.versions != before.versions);
        let refused = simulation.refused("rollback dev --to 1", 4).await;
        assert!(refused.words.contains("it was made before the stack had a REST API"), "{}", refused.words);
        assert_eq!(Serving::of(simulation, "dev"), after);
    });
}

#[test]
fn a_restored_version_that_crashes_fails_its_rollback() {
    for (behavior, code, expected) in [
        (Behavior::Crashes, 6, "the function failed: Unhandled (Runtime.ExitError)"),
        (Behavior::Wrong, 0, "the payload differs at `$.statusCode`"),
    ] {
        with_releases(SHAPE, 2).simulate(async |simulation| {
            let before = Serving::of(simulation, "dev");
            // A dependency of the code has changed: the same package behaves differently.
            let first = releases(simulation, "dev")[0]["parts"]["functions"]["f1"]["code_sha256"].clone();
            simulation.account("dev", |account| account.application.knows(first.as_str().unwrap(), behavior));
            let ended = simulation.command("rollback dev --to 1").await;
            assert!(ended.code == Some(code) && ended.words.contains(expected), "{:?}: {}", ended.code, ended.words);
            assert_eq!(Serving::of(simulation, "dev") == before, code == 6, "{}", ended.words);
        });
    }
}

#[test]
fn a_function_without_free_concurrency_is_not_reverted() {
    with_releases(SHAPE, 1).simulate(async |simulation| {
        let prepared = simulation.prepare(&deploy_code(simulation, Behavior::Right));
        let run = std::sync::Arc::clone(&prepared.run);
        let throttle = async {
            super::until(|| run.calls().iter().any(|call| call.name == "UpdateAlias")).await;
            run.fault_of("Invoke", Fault::Refused(429));
        };
        let (ended, ()) = futures::join!(prepared.end(), throttle);
        assert_eq!(ended.code, Some(7), "{}", ended.words);
        assert!(ended.words.contains("the concurrency of the function or the account is used up"), "{}", ended.words);
        assert_eq!(item(simulation, "dev", "live")["release"]["stable"], false);
    });
}

#[test]
fn a_function_without_checks_is_released_with_a_warning() {
    for trigger in [Trigger::Unknown, Trigger::Rest, Trigger::Http] {
        Snapshot::new(Shape::of(2).behind(trigger), 1).simulate(async |simulation| {
            simulation.reconfigure(|text| {
                let second = text.find("[[checks]]\nname = \"f2\"").unwrap();
                let after = text.find("[environments.dev]").unwrap();
                format!("{}{}", &text[..second], &text[after..])
            });
            crate::matrix::in_use(simulation, "dev");
            let before = Serving::of(simulation, "dev");
            let command = deploy(simulation, Behavior::Right).await;
            let (ended, failed) = simulation.under_visits("dev", simulation.command(&command)).await;
            assert_eq!((ended.code, failed), (Some(0), vec![]), "{}", ended.words);
            let warned = "function `f2` has no check: its new version takes traffic untested";
            assert!(ended.words.contains(warned), "{}", ended.words);
            // A version without a check may be a placeholder: it is not adopted.
            assert_eq!(item(simulation, "dev", "release#00000001")["kind"], "deploy");
            assert_ne!(Serving::of(simulation, "dev").versions, before.versions);
            let status = simulation.done("status dev").await.words;
            assert!(status.contains("of `f2`: a release counts as stable once its alias has moved"), "{status}");
            let again = simulation.done(&command).await;
            assert!(!again.words.contains("has no check"), "{}", again.words);
        });
    }
}

#[test]
fn rollbacks_and_reading_commands_need_no_event() {
    with_releases(SHAPE, 2).simulate(async |simulation| {
        simulation.reconfigure(|text| text.replace("\"event.json\"", "\"nowhere.json\""));
        for command in ["status dev", "history dev"] {
            simulation.done(command).await;
        }
        for command in ["plan dev", "deploy dev", "promote dev prod", "check dev"] {
            let (ended, calls) = simulation.observed(command).await;
            assert_eq!((ended.code, calls.len()), (Some(3), 0), "{command}: {}", ended.words);
            assert!(ended.words.contains("the event `nowhere.json` of check `f1` cannot be read"), "{}", ended.words);
        }
        let before = Serving::of(simulation, "dev");
        simulation.done("rollback dev --to previous").await;
        assert_ne!(Serving::of(simulation, "dev"), before);
    });
}
