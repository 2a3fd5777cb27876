//! Releases in one account, each command by exactly the role that bootstrap made for it.

use std::time::Instant;

use serde_json::{Value, json};

use super::account::{ACCOUNT, APP, OneAccount, one_account};
use super::printed::blocks;
use crate::harness::Ended;
use crate::promises;
use crate::strict::{Call, Guard, StrictProxy};

/// The account behind a strict proxy, which checks each call against the caller's policies.
struct Releases<'a> {
    account: &'a OneAccount,
    proxy: StrictProxy,
    calls: usize,
    violations: Vec<String>,
}

impl<'a> Releases<'a> {
    fn new(account: &'a OneAccount) -> Self {
        let proxy = StrictProxy::at(account.port, account.emulator.port);
        let reader = account.role("dev", "read");
        proxy.role_trusting(&reader.arn, ACCOUNT, reader.policy(), &reader.trust);
        Self { account, proxy, calls: 0, violations: Vec::new() }
    }

    /// Runs a command line by a role of an environment: `deploy`, `plan`.
    fn run(&self, (environment, kind): (&str, &str), line: &str) -> (Ended, Vec<Call>) {
        let role = self.account.role(environment, kind);
        self.proxy.take();
        self.proxy.guard(Some(Guard::of_role(&role.arn, role.policy())));
        let ended = self.account.shell(line, self.proxy.port);
        self.proxy.guard(None);
        (ended, self.proxy.take())
    }

    /// Runs a command line that has to pass, with no call refused.
    fn passes(&mut self, by: (&str, &str), line: &str) -> Ended {
        let (ended, calls) = self.run(by, line);
        self.calls += calls.len();
        if ended.code != 0 {
            self.violations
                .push(format!("`{line}` by {by:?} ended with {}: {}{}", ended.code, ended.stdout, ended.stderr));
        }
        let refused = calls.iter().filter_map(|call| call.refused.as_ref());
        self.violations.extend(refused.map(|need| format!("`{line}` by {by:?}: {} on {}", need.action, need.resource)));
        ended
    }

    /// Runs a command line that has to end before anything is changed, and to say all of this.
    fn ends(&mut self, by: (&str, &str), line: &str, code: i32, words: &[&str]) {
        let before = self.state();
        let (ended, calls) = self.run(by, line);
        let same = before == self.state();
        self.calls += calls.len();
        let written: Vec<_> = calls.iter().filter(|call| call.writes() && call.refused.is_none()).collect();
        let missing: Vec<_> = words.iter().filter(|word| !ended.stderr.contains(**word)).collect();
        if ended.code != code || !same || !written.is_empty() || !missing.is_empty() {
            self.violations.push(format!(
                "`{line}` by {by:?}: exit {} for {code}, as before {same}, written {written:?}, not said {missing:?}: {}",
                ended.code, ended.stderr
            ));
        }
    }

    /// What is live in both environments.
    fn state(&self) -> Value {
        self.proxy.guard(None);
        let ended = self.account.shell("deployer status --output json", self.proxy.port).expect(0);
        let of = |status: &Value| {
            ["name", "functions", "deployment_id", "drift", "lock", "unfinished", "release"]
                .map(|key| status[key].clone())
                .to_vec()
        };
        self.proxy.take();
        json!(ended.json()["environments"].as_array().unwrap().iter().map(of).collect::<Vec<_>>())
    }

    /// A new artifact: what was built, behind a few bytes.
    fn news(&self) -> &'static str {
        if !self.account.checkout.root.join(".deployer/artifact").exists() {
            self.account.shell("deployer build", self.proxy.port).expect(0);
        }
        crate::proven::privileges::repacked(&self.account.checkout, ".deployer/artifact", "news", false)
    }
}

pub(crate) fn the_printed_steps_make_an_account_that_deploys_and_promotes() {
    let began = Instant::now();
    let account = one_account();
    let mut releases = Releases::new(account);
    // What the page prints, each by the role of the environment that it changes.
    assert_eq!(
        account.releasing,
        ["deployer deploy dev", "deployer promote dev prod"],
        "`docs/aws-account.md` prints other commands"
    );
    for line in &account.releasing {
        let environment = line.rsplit(' ').next().unwrap();
        releases.passes((environment, "deploy"), line);
    }
    // New code, with a canary in prod, and back.
    let deploy = format!("deployer deploy dev --output json --artifact {}", releases.news());
    let deployed = releases.passes(("dev", "deploy"), &deploy).json()["release"].clone();
    wrong_roles_end_a_promotion_before_anything_was_changed(&mut releases);
    let promoted = releases.passes(("prod", "deploy"), "deployer promote dev prod --output json");
    if promoted.json()["from"] != format!("dev@{deployed}") {
        releases.violations.push(format!("promoted something else: {}", promoted.stdout));
    }
    releases.passes(("prod", "deploy"), "deployer rollback prod --to previous");
    the_other_printed_steps_change_nothing(&mut releases);
    promises::kept(
        "the printed steps make one account, and the roles that they made deploy, promote and roll back; a wrong role changes nothing",
        "the commands of both pages as printed, releases behind the strict proxy, each call under the policy of who makes it",
        releases.calls,
        &releases.violations,
        began,
    );
}

fn wrong_roles_end_a_promotion_before_anything_was_changed(releases: &mut Releases) {
    let checkout = &releases.account.checkout;
    let (toml, prod, line) = ("deployer.toml", ("prod", "deploy"), "deployer promote dev prod");
    let named = format!("reader_role = \"{APP}-dev-read\"");
    let nowhere = named.replace("-dev-", "-nowhere-");
    for (role, words) in [
        ("", ["names no `reader_role`", "dynamodb:GetItem", "hint: set `reader_role`"]),
        (&nowhere, ["nowhere-read", "sts:AssumeRole", "trust policy"]),
    ] {
        let _kept = checkout.keeping(toml);
        checkout.edit(toml, &named, role);
        releases.ends(prod, line, 3, &words);
    }
    // A role of the other environment may not even look there.
    releases.ends(("dev", "deploy"), line, 1, &[&format!("{APP}-ledger-prod"), "dynamodb:", "hint: "]);
}

/// From the second apply on, and from GitHub, whose README prints the first step again.
fn the_other_printed_steps_change_nothing(releases: &mut Releases) {
    let account = releases.account;
    // The state that Terraform has before it now is prod's.
    let printed = blocks("docs/aws-account.md", "## Steps");
    let again = printed.iter().find(|block| block.contains("deployer guard")).unwrap();
    let applied = account.administrator(&again.replace("dev", "prod"));
    if !applied.stdout.contains("0 added, 0 changed, 0 destroyed") {
        releases.violations.push(format!("Terraform changed something: {}", applied.stdout));
    }
    for block in blocks(".github/README.md", "# From a fork to the first deploy") {
        if block.contains("terraform/bootstrap") {
            let shown = account.administrator(&block);
            for (environment, kind) in
                [("dev", "deploy"), ("dev", "plan"), ("dev", "read"), ("prod", "deploy"), ("prod", "plan")]
            {
                let arn = &account.role(environment, kind).arn;
                if !shown.stdout.contains(arn) {
                    releases.violations.push(format!("`output` does not show `{arn}`: {}", shown.stdout));
                }
            }
        }
    }
}
