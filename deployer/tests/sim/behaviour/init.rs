//! `init`: what it finds in an account, what it creates, and what it refuses.

use serde_json::json;

use crate::aws::Account;
use crate::aws::http_api::{FunctionUrl, HttpApi, HttpRoute};
use crate::aws::lambda::Configuration;
use crate::outside::Sent;
use crate::simulation::{Ended, Simulation, Snapshot};
use crate::stack::{Shape, image};

const ARGUMENTS: &str = "init dev --app shop --region us-east-1 --profile 111111111111 --yes";

/// An existing function in use, with a published version behind an alias.
fn function(account: &mut Account, name: &str) {
    let (runtime, handler) = ("nodejs22.x".to_owned(), "index.handler".to_owned());
    let configuration = Configuration { runtime, handler, ..Configuration::default() };
    account.lambda.create_function(name, name.as_bytes(), configuration);
    account.lambda.create_alias(name, "live", "1");
}

fn http_api(account: &mut Account, function: &str) {
    let route = HttpRoute {
        key: "GET /orders".to_owned(),
        function: function.to_owned(),
        alias: "live".to_owned(),
        format: "2.0",
        authorization: "NONE",
    };
    account.http.apis.insert("shop1".to_owned(), HttpApi { routes: vec![route], variables: [].into() });
    account.lambda.permit(function, "live", "arn:aws:execute-api:us-east-1:111111111111:shop1/*/GET/orders");
}

/// A project without a `deployer.toml`, and an account in which `set_up` made something.
fn project(set_up: impl FnOnce(&mut Account) + Send, case: impl AsyncFnOnce(&Simulation) + Send) {
    Snapshot::new(Shape::of(1), 1).with_programs().simulate(async |simulation| {
        simulation.write("deployer.toml", None);
        simulation.write("orders/index.js", Some("exports.handler = () => {}\n"));
        simulation.account("dev", set_up);
        case(simulation).await;
    });
}

async fn refused(simulation: &Simulation, arguments: &str, code: u8) -> String {
    let (ended, calls) = simulation.observed(arguments).await;
    assert_eq!(ended.code, Some(code), "{}", ended.words);
    assert!(ended.words.contains("hint: ") && !calls.iter().any(Sent::writes), "{}", ended.words);
    assert_eq!(simulation.read("deployer.toml"), None);
    ended.words
}

async fn done(simulation: &Simulation, arguments: &str) -> Ended {
    let ended = simulation.command(arguments).await;
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    ended
}

#[test]
fn init_writes_a_file_a_ledger_and_a_first_release() {
    let set_up = |account: &mut Account| {
        function(account, "shop-orders-dev");
        http_api(account, "shop-orders-dev");
    };
    project(set_up, async |simulation| {
        let ended = done(simulation, ARGUMENTS).await;
        let text = simulation.read("deployer.toml").unwrap();
        for part in [
            "app = \"shop\"\n",
            "# shop-orders-dev: handler `index.handler`, runtime nodejs22.x\n[functions.orders]\narchitecture = \"arm64\"\nbuild = { output = \"orders\" }\n",
            "ledger = \"shop-ledger-dev\"\n",
            "# function = \"orders\"\n# request = \"GET /orders\"\n",
            "kind = \"http\"\nstage = \"$default\"\nurl = \"https://shop1.execute-api.us-east-1.amazonaws.com\"\n",
        ] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        assert!(ended.words.contains("Adopted what is live as release 1: no check looks at it"), "{}", ended.words);
        assert!(
            ended.words.contains("deployer plan dev") && ended.words.contains("deployer deploy dev"),
            "{}",
            ended.words
        );
        assert!(simulation.account("dev", |account| account.dynamodb.has_backups("shop-ledger-dev")));
        let live = done(simulation, "status dev --output json").await.json();
        assert_eq!(live["environments"][0]["release"], 1);

        // The first own release can be rolled back.
        simulation.write("orders/index.js", Some("exports.handler = () => ({})\n"));
        done(simulation, "deploy dev").await;
        let back = done(simulation, "rollback dev --to previous").await;
        assert!(back.words.contains("(back to 1)"), "{}", back.words);

        // A second ledger for the same aliases would be independent of the first.
        simulation.write("deployer.toml", None);
        let words = refused(simulation, &ARGUMENTS.replace("init dev", "init staging"), 4).await;
        assert!(words.contains("alias `live` of `shop-orders-dev` is already released from another ledger"), "{words}");
    });
}

#[test]
fn init_reads_the_contract_from_an_existing_ledger() {
    let contract = |environment: &str, account: &str| {
        json!({
            "pk": "shop", "sk": "stack", "schema": 2, "environment": environment, "account": account, "region": "us-east-1",
            "functions": {"orders": {"name": "elsewhere", "alias": "live"}}, "alarms": [],
        })
    };
    let set_up = |account: &mut Account| {
        function(account, "elsewhere");
        for environment in ["dev", "prod"] {
            let table = format!("shop-ledger-{environment}");
            account.dynamodb.create_table(&table, "pk", Some("sk"));
            let item = crate::stack::attributes(&contract(environment, "111111111111"));
            account.dynamodb.put(&table, &item["M"]);
        }
    };
    project(set_up, async |simulation| {
        // Only the ledger names the application.
        done(simulation, "init dev --ledger shop-ledger-dev --region us-east-1 --profile 111111111111 --yes").await;
        let text = simulation.read("deployer.toml").unwrap();
        assert!(text.contains("app = \"shop\"\n") && !text.contains(".stack"), "{text}");
        assert!(text.contains("build = { output = \"orders\" }\n"), "{text}");
        done(simulation, "plan dev").await;
    });
}

#[test]
fn functions_are_chosen_by_name_tag_or_cloudformation_stack() {
    let set_up = |account: &mut Account| {
        for (name, stack) in [("Mine-Orders-1AB2", "mine"), ("Theirs-Orders-3CD4", "theirs")] {
            function(account, name);
            account.lambda.tag(name, "aws:cloudformation:stack-name", stack);
            account.lambda.tag(name, "aws:cloudformation:logical-id", "Orders");
            account.lambda.tag(name, "team", stack);
        }
        let url =
            FunctionUrl { function: "Mine-Orders-1AB2".to_owned(), alias: "live".to_owned(), authorization: "NONE" };
        account.http.urls.insert("mine1".to_owned(), url);
    };
    project(set_up, async |simulation| {
        for choice in ["--cloudformation mine", "--tag team=mine", "--name orders-1ab2"] {
            done(simulation, &format!("{ARGUMENTS} {choice}")).await;
            let text = simulation.read("deployer.toml").unwrap();
            assert!(text.contains("[functions.orders]\n") && text.contains("name = \"Mine-Orders-1AB2\""), "{text}");
            assert!(text.contains("url = \"https://mine1.lambda-url.us-east-1.on.aws\""), "{text}");
            simulation.write("deployer.toml", None);
        }
        let words = refused(simulation, &format!("{ARGUMENTS} --cloudformation nobodys"), 3).await;
        assert!(
            words.contains("belongs to the CloudFormation stack `nobodys`; found: `Mine-Orders-1AB2`, "),
            "{words}"
        );
    });
}

#[test]
fn init_starts_with_the_live_container_image() {
    let live = image("shop", b"first");
    let set_up = |account: &mut Account| {
        account.lambda.create_function_of_image("shop-thumbnails-dev", &live, Configuration::default());
        account.lambda.create_alias("shop-thumbnails-dev", "live", "1");
    };
    project(set_up, async |simulation| {
        done(simulation, ARGUMENTS).await;
        let text = simulation.read("deployer.toml").unwrap();
        assert!(text.contains(&format!("build = {{ image = \"{live}\" }}")), "{text}");
        let ended = done(simulation, "deploy dev").await;
        assert!(ended.words.contains("release 1 is live"), "{}", ended.words);
        assert!(!ended.words.contains("Releasing"), "{}", ended.words);
    });
}

#[test]
fn init_refuses_what_cannot_be_released_and_writes_nothing() {
    let set_up = |account: &mut Account| {
        function(account, "shop-orders-dev");
        account.lambda.create_function("bare-dev", b"x", Configuration::default());
        function(account, "latest-dev");
        account.lambda.create_alias("latest-dev", "live", "$LATEST");
        function(account, "split-dev");
        account.lambda.split_alias("split-dev", "live", ("2", 0.1));
    };
    project(set_up, async |simulation| {
        for (app, code, expected) in [
            ("nothing", 3, "error: no function of this account has `nothing` in its name; found: `app-f1-dev`, "),
            ("bare", 4, "error: function `bare-dev` has no alias: "),
            ("latest", 4, "error: alias `live` of `latest-dev` points to `$LATEST`"),
            ("split", 4, "error: alias `live` of `split-dev` splits its traffic"),
        ] {
            let words = refused(simulation, &ARGUMENTS.replace("shop", app), code).await;
            assert!(words.contains(expected), "{words}");
        }
        simulation.write("orders/index.js", None);
        let words = refused(simulation, ARGUMENTS, 3).await;
        assert!(
            words.contains(
                "function `shop-orders-dev` starts `index.handler` with `nodejs22.x`, but there is no `index.js`"
            ),
            "{words}"
        );
        // Without a terminal there is no one to agree.
        simulation.write("orders/index.js", Some(""));
        refused(simulation, &ARGUMENTS.replace(" --yes", ""), 3).await;
        let words = refused(simulation, &format!("--local {ARGUMENTS}"), 3).await;
        assert!(words.contains("run it without `--local`"), "{words}");
    });
}

#[test]
fn an_existing_file_is_never_overwritten() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        let before = simulation.read("deployer.toml").unwrap();
        let (ended, calls) = simulation.observed(ARGUMENTS).await;
        assert_eq!((ended.code, calls.len()), (Some(3), 0), "{}", ended.words);
        assert!(ended.words.contains("deployer.toml` already exists"), "{}", ended.words);
        assert_eq!(simulation.read("deployer.toml").unwrap(), before);
    });
}
