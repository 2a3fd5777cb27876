//! What the roles must not do, tried against their policies as bootstrap rendered them; no call is made.

use std::collections::BTreeMap;
use std::time::Instant;

use super::account::{ACCOUNT, APP, one_account};
use super::roles::{Role, rendered};
use super::things::{Try, operations};
use crate::harness::copy;
use crate::promises;
use crate::strict::{Need, Policy};

const ENVIRONMENTS: [(&str, &str); 2] = [("dev", "prod"), ("prod", "dev")];
/// The ids of the APIs of dev and of prod, where the roles name them.
const APIS: [(&str, &str); 2] = [("dev", "devapi0001"), ("prod", "prodapi002")];

fn api(environment: &str) -> &'static str {
    APIS.iter().find(|(known, _)| *known == environment).unwrap().1
}

/// The roles as the steps made them, which name no API's id, and those that a second apply makes, with every extra.
fn renderings() -> Vec<(&'static str, BTreeMap<String, Role>)> {
    vec![("id unknown", one_account().roles.clone()), ("id known", with_everything())]
}

/// Bootstrap with all that an environment can have, in a state of its own.
fn with_everything() -> BTreeMap<String, Role> {
    let account = one_account();
    let mut text = account.checkout.read("terraform/bootstrap/environments/yours.tfvars");
    for ((environment, way), (_, id)) in [("dev", "promotes_to"), ("prod", "promotes_from")].into_iter().zip(APIS) {
        let line = text.lines().find(|line| line.trim().starts_with(way)).unwrap().to_owned();
        text = text.replacen(&line, &format!("{line}\n{}", extras(environment, id)), 1);
    }
    // Beside the first one, whose state Terraform would take along.
    let copied = account.checkout.root.join("everything");
    copy(&account.checkout.root.join("terraform"), &copied);
    std::fs::remove_file(copied.join("bootstrap/terraform.tfstate")).unwrap();
    account.checkout.write("everything/bootstrap/environments/everything.tfvars", &text);
    account.administrator(&format!(
        "export AWS_ACCESS_KEY_ID={OTHER}\n\
         terraform -chdir=everything/bootstrap init\n\
         terraform -chdir=everything/bootstrap apply -auto-approve -var-file=environments/everything.tfvars\n"
    ));
    // The names of the account are those of the first one, which the table of things has.
    rendered(&account.checkout.read("everything/bootstrap/terraform.tfstate").replace(OTHER, ACCOUNT))
}

/// Another account of the same emulator.
const OTHER: &str = "555555555555";

/// Both have their records in one zone.
fn extras(environment: &str, id: &str) -> String {
    format!(
        "    rest_api_id = \"{id}\"\n    extras = [\"domain\", \"waf\", \"postgres\"]\n    \
         domain = {{ name = \"{environment}.example\", hosted_zone_id = \"Z0123456789ZONE\" }}"
    )
}

pub(super) fn no_role_reaches_another_environment_and_plan_writes_nothing() {
    let began = Instant::now();
    let (mut cases, mut allowed) = (0, Vec::new());
    for (rendering, roles) in renderings() {
        let policy =
            |environment: &str, kind: &str| roles[&format!("resume-visitor-counter-{environment}-{kind}")].policy();
        for (own, of) in ENVIRONMENTS {
            for kind in ["deploy", "plan"] {
                let policy = policy(own, kind);
                for tried in tries(own, of) {
                    for operation in operations(&tried).iter().filter(|operation| is_meant(&tried, operation)) {
                        cases += 1;
                        if operation.iter().all(|need| policy.allows(need)) {
                            let need = &operation[0];
                            allowed.push(format!(
                                "{rendering}: {own}.{kind}: {} on {} ({tried:?})",
                                need.action, need.resource
                            ));
                        }
                    }
                }
            }
            let (more, wrong) = writes(own, &policy(own, "plan"), &policy(own, "deploy"));
            cases += more;
            allowed.extend(wrong.into_iter().map(|what| format!("{rendering}: {what}")));
            // What is tried means something: of its own things the deploy role may do a good part.
            let mine = Try { own, of: own, api: api(own), app: Some(APP), request: Some(own) };
            let deploy = policy(own, "deploy");
            let may =
                operations(&mine).iter().filter(|operation| operation.iter().all(|need| deploy.allows(need))).count();
            assert!(may > 60, "{rendering}: {own}.deploy may do only {may} things to {own}");
        }
    }
    promises::kept(
        "no role reaches another environment of the same account or what others made there, and the plan role writes nothing",
        "every operation on functions, API, stage, tags, domain, records, tables, roles, state, … against the rendered policies",
        cases,
        &allowed,
        began,
    );
}

/// Whether an operation is on what the role must not reach. Of another copy of the stack that is what has no name: its names
/// begin with its app.
fn is_meant(tried: &Try<'_>, operation: &[Need]) -> bool {
    const WITHOUT_A_NAME: [&str; 4] = [ANOTHER_API, ":security-group/", ":vpc/", ":subnet/"];
    tried.app != Some(ANOTHER) || WITHOUT_A_NAME.iter().any(|part| operation[0].resource.contains(part))
}

/// The stack once more in this account, under another name.
const ANOTHER: &str = "another-app";
const ANOTHER_API: &str = "anotherapi";

/// Everything of the other environment, what others made, and the same environment of another copy; with each tag that a
/// request can bring.
fn tries<'a>(own: &'a str, of: &'a str) -> Vec<Try<'a>> {
    let tags = [None, Some(own), Some(of)];
    let theirs = tags.map(|request| Try { own, of, api: api(of), app: Some(APP), request });
    let nobodys = tags.map(|request| Try { own, of, api: "someoneelse", app: None, request });
    let anothers = tags.map(|request| Try { own, of: own, api: ANOTHER_API, app: Some(ANOTHER), request });
    [theirs, nobodys, anothers].concat()
}

/// What the plan role may of all that the deploy role may write; and what in its own policies is more than a look.
fn writes(environment: &str, plan: &Policy, deploy: &Policy) -> (usize, Vec<String>) {
    let written: Vec<_> = deploy.grants().into_iter().filter(|grant| !looks(&grant.action)).collect();
    let may = |action: &str, resource: &str| {
        let tag = || vec![environment.to_owned()];
        let app = || vec![APP.to_owned()];
        let need = Need::new(action, resource).with("aws:ResourceTag/Environment", tag());
        let need = need.with("aws:ResourceTag/Project", app()).with("aws:RequestTag/Project", app());
        plan.allows(&need.with("aws:RequestTag/Environment", tag()))
    };
    let mut wrong: Vec<String> = written
        .iter()
        .filter(|grant| may(&grant.action, &grant.resource))
        .map(|grant| format!("{environment}.plan: {} on {}", grant.action, grant.resource))
        .collect();
    let grants = plan.grants();
    let more = grants.iter().filter(|grant| !looks(&grant.action));
    wrong.extend(more.map(|grant| format!("{environment}.plan is granted {}", grant.action)));
    (written.len() + grants.len(), wrong)
}

/// Whether an action only looks. A random password is made for who asks, and kept nowhere.
fn looks(action: &str) -> bool {
    let (_, name) = action.split_once(':').unwrap();
    ["Get", "List", "Describe", "GET", "Query", "Simulate"].iter().any(|beginning| name.starts_with(beginning))
}
