//! Releases in one account, each command by exactly the role that bootstrap made for it.

use serde_json::{Value, json};

use super::account::{ACCOUNT, APP, OneAccount, one_account};
use super::printed::blocks;
use crate::harness::Ended;
use crate::promises::measured;
use crate::strict::{Call, Front, Guard, Policy};

/// The account behind a front, which holds each call against the policies of who makes it.
struct Releases<'a> {
    account: &'a OneAccount,
    front: Front,
    calls: usize,
    violations: Vec<String>,
}

impl<'a> Releases<'a> {
    fn new(account: &'a OneAccount) -> Self {
        let front = Front::at(account.port, account.emulator.port);
        let mut releases = Self { account, front, calls: 0, violations: Vec::new() };
        releases.reader(account.role("dev", "read").policy());
        releases
    }

    /// Dev's reader role, with this policy.
    fn reader(&mut self, policy: Policy) {
        let role = self.account.role("dev", "read");
        self.front.role_trusting(&role.arn, ACCOUNT, policy, &role.trust);
    }

    /// Runs a command line by a role of an environment, `deploy` or `plan`; by an administrator where none is named.
    fn run(&self, by: Option<(&str, &str)>, line: &str) -> (Ended, Vec<Call>) {
        self.run_under(by, by.map(|(environment, kind)| self.account.role(environment, kind).policy()), line)
    }

    fn run_under(&self, by: Option<(&str, &str)>, policy: Option<Policy>, line: &str) -> (Ended, Vec<Call>) {
        let guard = by
            .zip(policy)
            .map(|((environment, kind), policy)| Guard::of_role(&self.account.role(environment, kind).arn, policy));
        self.front.take();
        self.front.guard(guard);
        let ended = self.account.shell(line, self.front.port);
        self.front.guard(None);
        (ended, self.front.take())
    }

    /// Runs a command line that has to pass, with no call refused.
    fn passes(&mut self, by: Option<(&str, &str)>, line: &str) -> Ended {
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
        let (ended, calls) = self.run(Some(by), line);
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
        self.front.guard(None);
        let ended = self.account.shell("deployer status --output json", self.front.port).expect(0);
        let of = |status: &Value| {
            ["name", "functions", "deployment_id", "drift", "lock", "unfinished", "release"]
                .map(|key| status[key].clone())
                .to_vec()
        };
        self.front.take();
        json!(ended.json()["environments"].as_array().unwrap().iter().map(of).collect::<Vec<_>>())
    }

    /// An artifact that nobody has seen: what was built, behind a few bytes.
    fn news(&self) -> &'static str {
        if !self.account.checkout.root.join(".deployer/artifact").exists() {
            self.account.shell("deployer build", self.front.port).expect(0);
        }
        crate::proven::privileges::repacked(&self.account.checkout, ".deployer/artifact", "news", false)
    }
}

pub(crate) fn the_printed_steps_make_one_account_and_its_roles_deploy_promote_roll_back_and_prune() {
    let account = one_account();
    let mut releases = Releases::new(account);
    // What the README prints, each by the role of the environment that it changes.
    assert_eq!(
        account.releasing,
        ["deployer deploy dev", "deployer promote dev prod"],
        "the README prints other commands"
    );
    for line in &account.releasing {
        let environment = line.rsplit(' ').next().unwrap();
        releases.passes(Some((environment, "deploy")), line);
    }
    // New code goes both ways, with a canary in prod.
    let deploy = format!("deployer deploy dev --output json --artifact {}", releases.news());
    let deployed = releases.passes(Some(("dev", "deploy")), &deploy).json()["release"].clone();
    let promoted = releases.passes(Some(("prod", "deploy")), "deployer promote dev prod --output json");
    if promoted.json()["from"] != format!("dev@{deployed}") {
        releases.violations.push(format!("promoted something else: {}", promoted.stdout));
    }
    releases.passes(Some(("prod", "deploy")), "deployer rollback prod --to previous");
    releases.passes(Some(("dev", "deploy")), "deployer rollback dev --to previous");
    for environment in ["dev", "prod"] {
        for line in ["plan ENV --artifact news", "status ENV", "history ENV", "check ENV", "doctor ENV"] {
            let line = format!("deployer {}", line.replace("ENV", environment));
            releases.passes(Some((environment, "plan")), &line);
        }
        releases.passes(Some((environment, "deploy")), &format!("deployer prune {environment} --yes"));
        releases.passes(Some((environment, "deploy")), &format!("deployer doctor {environment}"));
    }
    // The reader role trusts prod's deploy role alone: an administrator reads with their own rights, and is told.
    let by_hand = releases.passes(None, &format!("deployer promote dev@{deployed} prod"));
    if !by_hand.stderr.contains("`reader_role` of `dev` may not be assumed") {
        releases.violations.push(format!("an administrator was not told: {}", by_hand.stderr));
    }
    // From the second apply on: the state that Terraform has before it now is prod's.
    let printed = blocks("README.md", "## A real account");
    let again = printed.iter().find(|block| block.contains("deployer guard")).unwrap();
    let applied = account.administrator(&again.replace("dev", "prod"));
    if !applied.stdout.contains("0 added, 0 changed, 0 destroyed") {
        releases.violations.push(format!("Terraform changed something: {}", applied.stdout));
    }
    // GitHub's README prints the first step again, and shows what goes into its environments.
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
    measured(
        "5-privileges-a-one-account",
        "the README's printed steps make one account, and the roles that they made deploy, promote, roll back, prune and look",
        "the commands of both READMEs as printed, releases behind the front, each call under the policy of who makes it",
        releases.calls,
        &releases.violations,
    );
}

pub(crate) fn a_wrong_role_ends_a_promotion_before_anything_was_changed() {
    let account = one_account();
    let mut releases = Releases::new(account);
    let (toml, prod) = ("deployer.toml", ("prod", "deploy"));
    let deploy = format!("deployer deploy dev --artifact {}", releases.news());
    releases.passes(Some(("dev", "deploy")), &deploy);
    let line = "deployer promote dev prod";
    let named = format!("reader_role = \"{APP}-dev-read\"");
    let kept = account.checkout.keeping(toml);

    account.checkout.edit(toml, &named, "");
    releases.ends(
        prod,
        line,
        3,
        &["names no `reader_role`", "dynamodb:GetItem", "hint: set `reader_role`", "or grant"],
    );
    drop(kept);

    let kept = account.checkout.keeping(toml);
    account.checkout.edit(toml, &named, &format!("reader_role = \"{APP}-nowhere-read\""));
    releases.ends(prod, line, 3, &["may not assume", "nowhere-read", "sts:AssumeRole", "hint: ", "`promotes_to`"]);
    drop(kept);

    // The reader role of another environment, which prod may take, too.
    let dev = account.role("dev", "read");
    let staging = |text: String| text.replace("-dev", "-staging");
    let documents: Vec<Value> =
        dev.documents.values().map(|document| serde_json::from_str(&staging(document.to_string())).unwrap()).collect();
    releases.front.role_trusting(&staging(dev.arn.clone()), ACCOUNT, Policy::of(&documents), &dev.trust);
    let may_take =
        json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": staging(dev.arn.clone())}]});
    let documents = account.role("prod", "deploy").documents.values().chain([&may_take]);
    let policy = Policy::of(documents);
    let kept = account.checkout.keeping(toml);
    account.checkout.edit(toml, &named, &format!("reader_role = \"{APP}-staging-read\""));
    let before = releases.state();
    let (ended, calls) = releases.run_under(Some(prod), Some(policy), line);
    releases.calls += calls.len();
    for word in
        ["through its `reader_role`", "staging-read", "dynamodb:", "hint: if that is the role of another environment"]
    {
        if !ended.stderr.contains(word) || ended.code != 3 || before != releases.state() {
            releases.violations.push(format!("no `{word}`, exit {}: {}", ended.code, ended.stderr));
        }
    }
    drop(kept);

    releases.reader(dev.policy().without("lambda:GetFunction", None));
    releases.ends(prod, line, 3, &["through its `reader_role`", "lambda:GetFunction", "else grant it"]);
    releases.reader(dev.policy());

    // Roles of the other environment: they may not even look there.
    releases.ends(("dev", "deploy"), line, 1, &[&format!("{APP}-ledger-prod"), "dynamodb:", "hint: "]);
    releases.ends(("dev", "deploy"), "deployer deploy prod --artifact news", 1, &["dynamodb:", "hint: "]);
    releases.ends(("prod", "deploy"), "deployer rollback dev --to previous", 1, &["dynamodb:", "hint: "]);
    releases.news();
    releases.ends(("dev", "plan"), "deployer deploy dev --artifact news", 1, &["dynamodb:", "hint: "]);
    releases.passes(Some(prod), line);
    measured(
        "5-privileges-b-wrong-roles",
        "a reader role that is missing, another environment's or lacks an action, and a role of the wrong environment, end a run before anything was changed",
        "promotions and releases in one account; object, cause and next step are in the message",
        releases.calls,
        &releases.violations,
    );
}
