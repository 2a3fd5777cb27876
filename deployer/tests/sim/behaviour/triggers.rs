//! Functions behind an HTTP API, and functions with URLs of their own: releases move only aliases, and checks go through these
//! URLs. Also responses that do not name their version, behind every trigger.

use std::time::Duration;

use serde_json::{Value, json};

use super::{deploy_code, with_releases};
use crate::application::Behavior;
use crate::aws::cloudwatch::State;
use crate::aws::http_api::{FunctionUrl, HttpApis};
use crate::simulation::{Simulation, Snapshot};
use crate::stack::{ALARM, Shape, Trigger, url_id};
use crate::verdict::{Serving, item, releases};

const TRIGGERS: [Trigger; 2] = [Trigger::Http, Trigger::Url];
const CANARY: &str = "strategy = \"canary\"\npercent = 40\nbake_seconds = 180";

/// The functions' responses do not name their version.
fn without_marks(simulation: &Simulation) {
    simulation.configure("[marks]\nversion = \"x-function-version\"\ndeployment = \"x-api-deployment\"\n", "");
}

/// The records of checks of a release, after the switch.
fn after_switch(view: &Value) -> Vec<Value> {
    let checks = view["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["phase"].as_str().unwrap().starts_with("after the")).cloned().collect()
}

#[test]
fn every_command_works_without_a_stage_and_no_request_fails() {
    for trigger in TRIGGERS {
        with_releases(Shape::of(3).behind(trigger), 2).simulate(async |simulation| {
            let deploy = deploy_code(simulation, Behavior::Right);
            let plan = &deploy.replace("deploy", "plan");
            for command in [
                plan,
                "status dev",
                "check dev",
                "history dev",
                &deploy,
                &deploy,
                "promote dev prod",
                "prune dev --yes",
            ] {
                let (ended, calls) = simulation.observed(command).await;
                assert_eq!(ended.code, Some(0), "{trigger:?} {command}: {}", ended.words);
                let of_rest = ["Deployment", "UpdateStage", "GetResources", "GetRestApi"];
                let of_rest = calls.iter().find(|call| of_rest.iter().any(|part| call.name.contains(part)));
                assert!(of_rest.is_none(), "{command}: {of_rest:?}");
            }
            let (ended, failed) =
                simulation.under_visits("dev", simulation.command("rollback dev --to previous")).await;
            assert_eq!((ended.code, failed), (Some(0), vec![]), "{}", ended.words);
            let next = deploy_code(simulation, Behavior::Right);
            let (ended, failed) = simulation.under_visits("dev", simulation.command(&next)).await;
            assert_eq!((ended.code, failed), (Some(0), vec![]), "{}", ended.words);
        });
    }
}

#[test]
fn checks_after_the_switch_use_the_urls_and_show_the_version() {
    for trigger in TRIGGERS {
        with_releases(Shape::of(2).behind(trigger), 1).simulate(async |simulation| {
            let ended = simulation.done(&format!("{} --output json", deploy_code(simulation, Behavior::Right))).await;
            let view = ended.json();
            // Without an API, that of the first function that has one.
            assert_eq!((view["url"].is_string(), &view["stable"]), (true, &json!(true)), "{view}");
            assert_eq!(view["deployment_id"], Value::Null);
            let after = after_switch(&view);
            assert_eq!(after.len(), 2);
            for check in after {
                let response = check["response"].as_str().unwrap();
                assert!(response.starts_with("GET /f") && response.ends_with("-> 200"), "{check}");
                assert!(check["requests"].as_u64() >= Some(3) && check.get("by_invoke").is_none(), "{check}");
            }
        });
    }
}

#[test]
fn a_version_that_fails_checks_gets_no_traffic_or_is_reverted() {
    for trigger in TRIGGERS {
        with_releases(Shape::of(2).behind(trigger), 1).simulate(async |simulation| {
            let before = Serving::of(simulation, "dev");
            for (behavior, expected) in [
                (Behavior::Wrong, "status 500, not 200"),
                (Behavior::Crashes, "the function failed: Unhandled (Runtime.ExitError)"),
                (Behavior::WrongForVisitors, "status 500, not 200"),
                (Behavior::CrashesForVisitors, "the function failed, or took too long"),
            ] {
                let ended = simulation.command(&deploy_code(simulation, behavior)).await;
                assert!(ended.code == Some(6) && ended.words.contains(expected), "{behavior:?}: {}", ended.words);
                assert_eq!(Serving::of(simulation, "dev"), before, "{trigger:?} {behavior:?}");
            }
        });
    }
}

#[test]
fn a_canary_is_shifted_checked_and_reverted_on_alarm() {
    for trigger in TRIGGERS {
        with_releases(Shape::of(2).behind(trigger).moving(CANARY), 1).simulate(async |simulation| {
            simulation.done(&deploy_code(simulation, Behavior::Right)).await;
            let before = Serving::of(simulation, "dev");
            let command = deploy_code(simulation, Behavior::Right);
            let alarm = async {
                tokio::time::sleep(Duration::from_secs(60)).await;
                let now = simulation.now();
                simulation.account("dev", |account| account.alarms.set(ALARM, State::Alarm, now));
            };
            let (ended, ()) = futures::join!(simulation.command(&command), alarm);
            assert_eq!(ended.code, Some(6), "{}", ended.words);
            assert_eq!(Serving::of(simulation, "dev"), before);
        });
    }
}

/// The check of the first function expects what only a complete event has.
fn asks_for_more(simulation: &Simulation, format: &'static str) {
    simulation.configure("request = \"GET /f1\"", "request = \"GET /f1/7?q=a%20b\"");
    for environment in ["dev", "prod"] {
        simulation.account(environment, |account| {
            for api in account.http.apis.values_mut() {
                api.routes[0].key = "GET /f1/{id}".to_owned();
                api.routes[0].format = format;
            }
            let number = &account.lambda.account.clone();
            let api = account.http.only().to_owned();
            let source = format!("arn:aws:execute-api:us-east-1:{number}:{api}/$default/GET/f1/*");
            account.lambda.permit(&crate::stack::function("f1", environment), "live", &source);
        });
    }
}

#[test]
fn a_check_by_invoke_sends_an_event_of_the_functions_trigger() {
    for (trigger, format) in [(Trigger::Http, "2.0"), (Trigger::Http, "1.0"), (Trigger::Url, "2.0")] {
        Snapshot::new(Shape::of(1).behind(trigger), 1).simulate(async |simulation| {
            asks_for_more(simulation, format);
            let command = deploy_code(simulation, Behavior::ReadsItsEvent);
            let ended = simulation.command(&command).await;
            assert_eq!(ended.code, Some(0), "{trigger:?} {format}: {}", ended.words);
        });
    }
}

#[test]
fn a_response_without_a_status_is_a_body_if_the_gateway_allows() {
    for (trigger, format, code) in [(Trigger::Url, "2.0", 0), (Trigger::Http, "2.0", 0), (Trigger::Http, "1.0", 6)] {
        Snapshot::new(Shape::of(1).behind(trigger), 1).simulate(async |simulation| {
            without_marks(simulation);
            simulation.reconfigure(|text| text.replace("status = 200", "status = 200\nbody = { status = \"ok\" }"));
            asks_for_more(simulation, format);
            let ended = simulation.command(&deploy_code(simulation, Behavior::ReturnsJsonAlone)).await;
            assert_eq!(ended.code, Some(code), "{trigger:?} {format}: {}", ended.words);
        });
    }
}

#[test]
fn a_url_that_needs_a_signature_is_recorded_as_unchecked() {
    for trigger in TRIGGERS {
        Snapshot::new(Shape::of(1).behind(trigger), 1).simulate(async |simulation| {
            simulation.account("dev", |account| {
                account
                    .http
                    .apis
                    .values_mut()
                    .flat_map(|api| &mut api.routes)
                    .for_each(|r| r.authorization = "AWS_IAM");
                account.http.urls.values_mut().for_each(|url| url.authorization = "AWS_IAM");
            });
            let command = format!("{} --output json", deploy_code(simulation, Behavior::Right));
            let (ended, calls) = simulation.observed(&command).await;
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            assert!(calls.iter().all(|call| call.name != "URL"), "{trigger:?}");
            let after = after_switch(&ended.json());
            let why = after[0]["by_invoke"].as_str().unwrap();
            assert!(why.contains("an IAM signature"), "{why}");
        });
    }
}

#[test]
fn a_url_that_the_alias_does_not_have_is_refused() {
    with_releases(Shape::of(1).behind(Trigger::Url), 1).simulate(async |simulation| {
        simulation.account("dev", |account| account.http.urls.remove(&url_id("f1", "dev")));
        let refused = simulation.refused(&deploy_code(simulation, Behavior::Right), 4).await;
        assert!(refused.words.contains("alias `live` of `app-f1-dev` has no Function URL"), "{}", refused.words);
    });
}

#[test]
fn responses_need_not_name_their_version() {
    for trigger in [Trigger::Rest, Trigger::Http, Trigger::Url] {
        with_releases(Shape::of(2).behind(trigger), 1).simulate(async |simulation| {
            without_marks(simulation);
            let command = super::deploy(simulation, Behavior::Right).await;
            let (ended, failed) = simulation.under_visits("dev", simulation.command(&command)).await;
            assert_eq!((ended.code, failed), (Some(0), vec![]), "{trigger:?}: {}", ended.words);
            assert_eq!(item(simulation, "dev", "live")["release"]["stable"], true);
            let before = Serving::of(simulation, "dev");
            for behavior in [Behavior::Wrong, Behavior::WrongForVisitors, Behavior::CrashesForVisitors] {
                let command = super::deploy(simulation, behavior).await;
                let ended = simulation.command(&command).await;
                assert_eq!(ended.code, Some(6), "{trigger:?} {behavior:?}: {}", ended.words);
                assert_eq!(Serving::of(simulation, "dev").versions, before.versions, "{trigger:?} {behavior:?}");
            }
            let rolled = simulation.command("rollback dev --to 1").await;
            assert_eq!(rolled.code, Some(0), "{trigger:?}: {}", rolled.words);
        });
    }
}

#[test]
fn a_switch_is_verified_by_invoke_if_responses_do_not_show_it() {
    for trigger in [Trigger::Rest, Trigger::Http, Trigger::Url] {
        with_releases(Shape::of(1).behind(trigger), 1).simulate(async |simulation| {
            without_marks(simulation);
            let (ended, calls) = simulation.observed(&deploy_code(simulation, Behavior::Right)).await;
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            let moved = calls.iter().position(|call| call.name == "UpdateAlias").unwrap();
            let after: Vec<_> = calls[moved..].iter().map(|call| call.name).collect();
            let (first_url, third_invoke) = (
                after.iter().position(|name| *name == "URL").unwrap(),
                after.iter().enumerate().filter(|(_, name)| **name == "Invoke").nth(2).unwrap().0,
            );
            assert!(third_invoke < first_url, "{trigger:?}: {after:?}");
        });
    }
}

#[test]
fn a_failing_functions_last_log_lines_are_shown_but_not_stored() {
    for trigger in [Trigger::Rest, Trigger::Http, Trigger::Url, Trigger::Unknown] {
        with_releases(Shape::of(1).behind(trigger), 1).simulate(async |simulation| {
            let ended = simulation.command(&deploy_code(simulation, Behavior::Crashes)).await;
            let words = &ended.words;
            assert!(words.contains("Logged by `f1` in check `f1`"), "{words}");
            assert!(words.contains("| [ERROR] Runtime.ExitError: exit status 1"), "{words}");
            assert!(!words.contains("RequestId"), "Lambda's own lines: {words}");
            let stored = serde_json::to_string(&releases(simulation, "dev")).unwrap();
            assert!(!stored.contains("[ERROR]"), "{stored}");
        });
    }
}

#[test]
fn a_rollback_does_not_depend_on_the_trigger() {
    for trigger in TRIGGERS {
        with_releases(Shape::of(2).behind(trigger), 2).simulate(async |simulation| {
            simulation.account("dev", |account| {
                account.http.urls.clear();
                account.http.apis.clear();
            });
            let before = Serving::of(simulation, "dev");
            simulation.refused(&deploy_code(simulation, Behavior::Right), 4).await;
            let ended = simulation.done("rollback dev --to previous").await;
            assert_ne!(Serving::of(simulation, "dev").versions, before.versions, "{}", ended.words);
        });
    }
}

#[test]
fn a_request_without_a_route_is_found_before_traffic() {
    with_releases(Shape::of(1).behind(Trigger::Http), 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        simulation.configure("request = \"GET /f1\"", "request = \"GET /nowhere\"");
        let ended = simulation.command(&deploy_code(simulation, Behavior::Right)).await;
        assert_eq!(ended.code, Some(6), "{}", ended.words);
        assert!(ended.words.contains("no route of HTTP API `http11111` takes `GET /nowhere`"), "{}", ended.words);
        assert_eq!(Serving::of(simulation, "dev"), before);
    });
}

#[test]
fn a_response_by_the_gateway_itself_is_waited_out() {
    for marks in [true, false] {
        with_releases(Shape::of(1).behind(Trigger::Http), 1).simulate(async |simulation| {
            if !marks {
                without_marks(simulation);
            }
            // For 20 s the API has no such route.
            let command = deploy_code(simulation, Behavior::Right);
            let prepared = simulation.prepare(&command);
            let run = std::sync::Arc::clone(&prepared.run);
            let meanwhile = async {
                super::until(|| run.calls().iter().any(|call| call.name == "UpdateAlias")).await;
                let set = |key: &str| {
                    simulation.account("dev", |account| {
                        account.http.apis.values_mut().for_each(|api| key.clone_into(&mut api.routes[0].key));
                    });
                };
                set("GET /gone");
                tokio::time::sleep(Duration::from_secs(20)).await;
                set("GET /f1");
            };
            let (ended, ()) = futures::join!(prepared.end(), meanwhile);
            assert_eq!(ended.code, Some(0), "marks {marks}: {}", ended.words);
        });
    }
}

#[test]
fn a_function_url_works_beside_a_rest_api() {
    for marks in [true, false] {
        with_releases(Shape::of(2), 1).simulate(async |simulation| {
            if !marks {
                without_marks(simulation);
            }
            let mut contract = item(simulation, "dev", "stack");
            // The first check is for the function without a stage.
            contract["functions"]["f1"]["url"] = json!(format!("https://{}/", HttpApis::host_of_function("own")));
            simulation.put("dev", &contract);
            simulation.account("dev", |account| {
                let (function, alias) = (crate::stack::function("f1", "dev"), "live".to_owned());
                account.http.urls.insert("own".to_owned(), FunctionUrl { function, alias, authorization: "NONE" });
            });
            let before = Serving::of(simulation, "dev");
            let command = super::deploy(simulation, Behavior::Right).await;
            let (ended, failed) = simulation.under_visits("dev", simulation.command(&command)).await;
            assert_eq!((ended.code, failed), (Some(0), vec![]), "marks {marks}: {}", ended.words);
            let after = Serving::of(simulation, "dev");
            assert!(after.deployment != before.deployment && after.versions != before.versions);
            let ended = simulation.done("rollback dev --to previous").await;
            assert_eq!(Serving::of(simulation, "dev"), before, "marks {marks}: {}", ended.words);
        });
    }
}
