//! API Gateway's own behaviour that can disturb a release.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{CANARY, deploy, until_seen, with_releases};
use crate::application::Behavior;
use crate::aws::apigateway::{Canary, Definition, Integration, Route, State};
use crate::fault::Fault;
use crate::simulation::{Simulation, Snapshot, account_of};
use crate::stack::{Shape, attributes, function, ledger};
use crate::verdict::{Serving, item};

/// Makes every route call an alias that does not exist: once a stage serves the definition, visitors get a 500.
fn break_routes(simulation: &Simulation) {
    simulation.account("dev", |account| {
        let api = account.api.only();
        account.api.change_definition(&api, |definition| {
            for route in &mut definition.routes {
                if let Integration::Lambda { uri, .. } = &mut route.integration {
                    *uri = uri.replace(":live/", ":nowhere/");
                }
            }
        });
    });
}

#[test]
fn a_stage_that_returns_only_errors_is_reverted() {
    for traffic in [Shape::of(1).traffic, CANARY] {
        for functions in [1, 4, 5] {
            with_releases(Shape::of(functions).moving(traffic), 1).simulate(async |simulation| {
                let before = Serving::of(simulation, "dev");
                let command = deploy(simulation, Behavior::Right).await;
                break_routes(simulation);
                let ended = simulation.command(&command).await;
                assert_eq!(ended.code, Some(6), "{functions}: {}", ended.words);
                assert_eq!(Serving::of(simulation, "dev"), before, "{functions}");
            });
        }
    }
}

#[test]
fn a_slow_stage_fails_no_release_and_keeps_the_request_budget() {
    for functions in [1, 5] {
        for seed in 0..4 {
            with_releases(Shape::of(functions), 1).seeded(seed).simulate(async |simulation| {
                simulation.account("dev", |account| account.api.rules.propagation = Duration::from_secs(20));
                let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
                let run = Arc::clone(&prepared.run);
                let ended = prepared.end().await;
                assert_eq!(ended.code, Some(0), "{functions}, {seed}: {}", ended.words);
                let sent = run.calls().iter().filter(|call| call.name == "URL").count();
                assert!(sent <= 40, "{sent}: {}", ended.words);
            });
        }
    }
}

/// Changes the definition and the deployment of dev's stage, as infrastructure code would before the first release.
async fn prepare_api(simulation: &Simulation, change: impl FnOnce(&mut Definition), of_stage: impl FnOnce(&mut State)) {
    simulation.account("dev", |account| {
        let api = account.api.only();
        account.api.change_definition(&api, change);
        let first = account.api.deploy(&api, "", Duration::ZERO);
        account.api.change_stage((&api, "dev"), Duration::ZERO, |stage| {
            stage.variables.insert("deployment".to_owned(), first.clone());
            stage.deployment = first;
            of_stage(stage);
        });
    });
    until_seen().await;
}

/// Two releases, and a rollback to the first one.
async fn there_and_back(simulation: &Simulation) {
    for _ in 0..2 {
        let command = deploy(simulation, Behavior::Right).await;
        simulation.done(&command).await;
    }
    simulation.done("rollback dev --to 1").await;
    assert!(Serving::of(simulation, "dev").whole);
}

/// Changes how the only route calls the function.
fn calls(definition: &mut Definition, change: impl FnOnce(Route) -> Route) {
    let route = definition.routes.remove(0);
    definition.routes.push(change(route));
}

#[test]
fn a_rollback_accepts_every_permission_that_api_gateway_does() {
    for condition in [
        json!({"StringEquals": {"AWS:SourceAccount": account_of("dev")}}),
        json!({"ArnLike": {"AWS:SourceArn": ["arn:aws:execute-api:us-east-1:1:x/*", "arn:aws:execute-api:us-east-1:*:*"]}}),
    ] {
        Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
            simulation.account("dev", |account| {
                let name = function("f1", "dev");
                let resource = format!("arn:aws:lambda:us-east-1:{}:function:{name}:live", account_of("dev"));
                let statement = json!([{
                    "Sid": "api", "Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"},
                    "Action": "lambda:InvokeFunction", "Resource": resource, "Condition": condition,
                }]);
                account.lambda.set_policy(&name, "live", &statement);
            });
            there_and_back(simulation).await;
        });
    }
}

#[test]
fn a_rollback_accepts_an_integration_with_a_role() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        let by_role =
            |definition: &mut Definition| calls(definition, |route| route.with_role("arn:aws:iam::1:role/api"));
        prepare_api(simulation, by_role, |_| {}).await;
        simulation.account("dev", |account| account.lambda.set_policy(&function("f1", "dev"), "live", &json!([])));
        there_and_back(simulation).await;
    });
}

#[test]
fn a_rollback_accepts_an_alias_named_by_a_stage_variable() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        let by_variable = |definition: &mut Definition| {
            if let Integration::Lambda { uri, .. } = &mut definition.routes[0].integration {
                *uri = uri.replace(":live/", ":${stageVariables.alias}/");
            }
        };
        prepare_api(simulation, by_variable, |stage| {
            stage.variables.insert("alias".to_owned(), "live".to_owned());
        })
        .await;
        there_and_back(simulation).await;
    });
}

#[test]
fn a_check_of_a_protected_route_runs_by_invoke_only() {
    for (kind, named) in
        [("KEY", "an API key"), ("AWS_IAM", "an IAM signature"), ("CUSTOM", "a token for its authorizer")]
    {
        Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
            let closed = |route: Route| if kind == "KEY" { route.with_api_key() } else { route.authorized_by(kind) };
            prepare_api(simulation, |definition| calls(definition, closed), |_| {}).await;
            there_and_back(simulation).await;
            let ended = simulation.command("check dev").await;
            assert!(ended.words.contains(&format!("by Invoke alone: it needs {named}")), "{}", ended.words);
        });
    }
}

#[test]
fn a_check_with_cached_responses_runs_by_invoke_only() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        prepare_api(simulation, |_| {}, |stage| stage.cache(3600)).await;
        assert_eq!(simulation.visit("dev", "f1"), 200);
        there_and_back(simulation).await;
    });
}

#[test]
fn a_check_by_invoke_only_must_pass_after_the_switch_too() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        prepare_api(simulation, |definition| calls(definition, Route::with_api_key), |_| {}).await;
        let command = deploy(simulation, Behavior::Right).await;
        let result = simulation.done(&format!("{command} --output json")).await.json();
        let checks = result["checks"].as_array().unwrap();
        let after = checks.iter().filter(|check| check["phase"] != "before traffic");
        for check in after.inspect(|check| assert_eq!(check["passed"], true, "{result:#}")) {
            assert!(check["requests"].as_u64() >= Some(3), "{check}");
            assert_eq!(check["by_invoke"], "it needs an API key");
        }
        // The alias moves behind the deployer's back: the live version is not the one in the ledger.
        simulation.account("dev", |account| account.lambda.split_alias(&function("f1", "dev"), "live", ("1", 0.9)));
        let ended = simulation.command("check dev").await;
        assert_ne!(ended.code, Some(0), "{}", ended.words);
    });
}

#[test]
fn an_unfinished_release_is_ended_without_checks_through_the_url() {
    for next in ["deploy dev --artifact ARTIFACT", "rollback dev --to 1"] {
        with_releases(Shape::of(2).moving(CANARY), 1).simulate(async |simulation| {
            let before = Serving::of(simulation, "dev");
            let command = deploy(simulation, Behavior::Right).await;
            let artifact = command.rsplit(' ').next().unwrap();
            // It dies in its canary.
            let prepared = simulation.prepare(&command);
            let died = tokio::time::timeout(Duration::from_secs(60), prepared.end()).await;
            assert!(died.is_err());
            assert!(!Serving::of(simulation, "dev").whole);
            simulation.account("dev", |account| {
                let api = account.api.only();
                account.api.change_definition(&api, |definition| definition.disable_execute_api_endpoint = true);
            });
            let ended = simulation.command(&next.replace("ARTIFACT", artifact)).await;
            assert_eq!(Serving::of(simulation, "dev"), before, "{next}: {}", ended.words);
            assert!(ended.words.contains("Recovered"), "{}", ended.words);
            assert!(ended.words.contains("is not seen through the URL"), "{}", ended.words);
            // A new release is refused by name; what was live before is live again in any case.
            assert_eq!(ended.code, Some(if next.starts_with("deploy") { 4 } else { 0 }), "{}", ended.words);
        });
    }
}

#[test]
fn doctor_names_a_cache_and_a_disabled_endpoint() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        prepare_api(simulation, |definition| definition.disable_execute_api_endpoint = true, |stage| stage.cache(3600))
            .await;
        let ended = simulation.command("doctor dev").await;
        assert!(ended.words.contains("default endpoint is disabled"), "{}", ended.words);
        assert!(ended.words.contains("caches responses"), "{}", ended.words);
    });
}

#[test]
fn the_stages_own_canary_is_refused_by_name() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        let served = Serving::of(simulation, "dev");
        let now = simulation.now();
        simulation.account("dev", |account| {
            let (api, deployment) = (account.api.only(), served.deployment.clone());
            account.api.change_stage((&api, "dev"), now, |stage| {
                stage.canary = Some(Canary { percent: 10.0, deployment, variables: BTreeMap::new(), use_cache: false });
            });
        });
        until_seen().await;
        for command in [&*deploy(simulation, Behavior::Right).await, "rollback dev --to 1"] {
            let ended = simulation.command(command).await;
            assert_eq!(ended.code, Some(4), "{}", ended.words);
            assert!(ended.words.contains("has a canary of its own"), "{}", ended.words);
        }
        assert_eq!(Serving::of(simulation, "dev"), served);
    });
}

#[test]
fn checks_use_the_custom_domain_if_the_default_is_disabled() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        prepare_api(simulation, |definition| definition.disable_execute_api_endpoint = true, |_| {}).await;
        let command = deploy(simulation, Behavior::Right).await;
        let ended = simulation.command(&command).await;
        assert_eq!(ended.code, Some(4), "{}", ended.words);
        assert!(ended.words.contains("`api.custom_url`"), "{}", ended.words);
        let mut contract = item(simulation, "dev", "stack");
        contract["api"]["custom_url"] = json!("https://counter.example/api");
        simulation.account("dev", |account| {
            let api = account.api.only();
            account.api.map_domain("counter.example", "api", (&api, "dev"));
            account.dynamodb.put(&ledger("dev"), &attributes(&contract)["M"]);
        });
        there_and_back(simulation).await;
    });
}

#[test]
fn a_check_by_invoke_sends_the_gateways_event() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        simulation.reconfigure(|text| text.replace("GET /f1\"", "GET /f1/7?q=a%20b\""));
        let with_parameter = |mut route: Route| {
            route.path = "/f1/{id}".to_owned();
            route
        };
        prepare_api(simulation, |definition| calls(definition, with_parameter), |_| {}).await;
        simulation.done(&deploy(simulation, Behavior::ReadsItsEvent).await).await;
    });
}

#[test]
fn an_interrupted_rollback_moves_the_stage_back_despite_stale_reads() {
    for seed in 0..20 {
        with_releases(Shape::of(1), 2).seeded(seed).simulate(async |simulation| {
            simulation.account("dev", |account| account.api.rules.read_lag = Duration::from_secs(2));
            let before = Serving::of(simulation, "dev");
            let prepared = simulation.prepare("rollback dev --to 1");
            prepared.run.faults_of("UpdateStage", 1, Fault::Signal("SIGHUP"));
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(6), "{seed}: {}", ended.words);
            assert_eq!(Serving::of(simulation, "dev"), before, "{seed}: {}", ended.words);
        });
    }
}
