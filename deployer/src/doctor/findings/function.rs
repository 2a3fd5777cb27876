//! One function: its alias, the version behind it, and how many of it may run.

use super::super::Finding;
use super::super::facts::Function;
use super::{drift, known, unknown};
use crate::aws::{Provisioned, Readiness};
use crate::config::PackageType;
use crate::ending::Ending as _;
use crate::ledger::LedgerState;
use crate::observe::refuse_other_type;

pub(super) fn find(key: &str, function: &Function, state: &LedgerState) -> Vec<Finding> {
    let subject = format!("function {}", function.resource.name);
    let mut findings = alias(key, function, state, &subject);
    findings.extend(version(key, function, state, &subject));
    findings.push(reserved(function, &subject));
    findings.push(provisioned(function, &subject));
    findings
}

/// The alias names a published version: the one that the ledger says, with all the traffic.
fn alias(key: &str, function: &Function, state: &LedgerState, subject: &str) -> Vec<Finding> {
    let (name, check) = (&function.resource.alias, "alias");
    let alias = match &function.alias {
        Ok(alias) => alias,
        Err(unread) if unread.missing => {
            let detail = format!("`{name}` does not exist, or the function does not");
            return vec![Finding::problem(
                subject,
                check,
                detail,
                "make both with your infrastructure code, or fix the contract",
            )];
        }
        Err(unread) => return vec![unknown(unread, subject, check)],
    };
    if !alias.version.bytes().all(|byte| byte.is_ascii_digit()) || alias.version.is_empty() {
        let detail = format!("`{name}` names `{}`, which is not a published version", alias.version);
        let fix = "publish a version and point the alias at it, then deploy: every upload goes live at once until then";
        return vec![Finding::problem(subject, check, detail, fix)];
    }
    let recorded = state.live.as_ref().and_then(|live| Some((live.number, &live.parts.functions.get(key)?.version)));
    let mut findings = vec![match (&state.live, recorded) {
        (_, Some((number, version))) if *version != alias.version => {
            let found = format!("`{name}` points to version {}, release {number} left it at {version}", alias.version);
            drift(state, subject, check, &found)
        }
        (Some(live), None) => Finding::warning(
            subject,
            check,
            format!(
                "`{name}` points to version {}; release {} does not know this function",
                alias.version, live.number
            ),
            "deploy: the next release takes the function in",
        ),
        _ => Finding::ok(subject, check, format!("`{name}` points to version {}", alias.version)),
    }];
    if !alias.weights.is_empty() {
        let split: Vec<_> =
            alias.weights.iter().map(|(version, share)| format!("{share} to version {version}")).collect();
        findings.push(drift(state, subject, "traffic", &format!("`{name}` splits its traffic: {}", split.join(", "))));
    }
    findings
}

/// The version behind the alias can run, is what the ledger says, and for the processor that the contract says.
fn version(key: &str, function: &Function, state: &LedgerState, subject: &str) -> Vec<Finding> {
    let live = match &function.live {
        Ok(live) => live,
        Err(unread) => {
            return ["version", "code", "architecture"].map(|check| unknown(unread, subject, check)).to_vec();
        }
    };
    let readiness = match &live.readiness {
        Readiness::Ready => Finding::ok(subject, "version", format!("version {} is active", live.version)),
        Readiness::Pending => Finding::problem(
            subject,
            "version",
            format!("version {} is not active yet", live.version),
            "run this again in a minute",
        ),
        Readiness::Idle => {
            Finding::ok(subject, "version", format!("version {} is idle: the next request wakes it", live.version))
        }
        Readiness::Failed(reason) => Finding::problem(
            subject,
            "version",
            format!("version {} cannot run: {reason}", live.version),
            "fix what the reason names, or roll back",
        ),
    };
    let mut findings = vec![readiness];
    let part = state.live.as_ref().and_then(|release| release.parts.functions.get(key));
    // Of another version than the recorded one the alias's finding says so already.
    if let Some(part) = part.filter(|part| part.version == live.version) {
        findings.push(match part.code_sha256 == live.code_sha256 {
            true => Finding::ok(subject, "code", "as the live release left it"),
            false => drift(
                state,
                subject,
                "code",
                &format!("version {} is not the code that the live release recorded", live.version),
            ),
        });
    }
    findings.push(architecture(function, live.settings.architecture(), subject));
    findings
}

/// It takes what `deployer.toml` makes, if that is known.
pub(super) fn package(function: &Function, made: Option<&PackageType>) -> Option<Finding> {
    let (made, live) = (*made?, function.live.as_ref().ok()?);
    let (name, subject) = (&function.resource.name, format!("function {}", function.resource.name));
    Some(match refuse_other_type(name, &live.settings.package_type(), made) {
        Ok(()) => Finding::ok(&subject, "package", format!("{made}, as in `deployer.toml`")),
        Err(error) => Finding::problem(&subject, "package", error.to_string(), error.hint().unwrap_or_default()),
    })
}

fn architecture(function: &Function, found: Option<String>, subject: &str) -> Finding {
    let (check, declared) = ("architecture", function.resource.architecture.as_ref());
    match (found, declared) {
        (Some(found), None) => Finding::ok(subject, check, found),
        (Some(found), Some(declared)) if found == *declared => Finding::ok(subject, check, found),
        (Some(found), Some(declared)) => Finding::problem(
            subject,
            check,
            format!("the live version is for `{found}`, the contract says `{declared}`"),
            "set the function's architecture in your infrastructure code, and in `deployer.toml`, to the same processor, apply, then deploy",
        ),
        (None, _) => {
            Finding::not_checked(subject, check, "Lambda does not report it", "look at the function in the console")
        }
    }
}

fn reserved(function: &Function, subject: &str) -> Finding {
    let check = "reserved concurrency";
    match known(&function.reserved, subject, check) {
        Err(finding) => finding,
        Ok(Some(0)) => Finding::problem(
            subject,
            check,
            "0: the function is stopped, every call is refused",
            "raise or remove the reserved concurrency, once it is known why the function was stopped",
        ),
        Ok(Some(most)) => Finding::ok(subject, check, format!("{most}, which is its limit too")),
        Ok(None) => Finding::ok(subject, check, "none"),
    }
}

fn provisioned(function: &Function, subject: &str) -> Finding {
    let check = "provisioned concurrency";
    match known(&function.provisioned, subject, check) {
        Err(finding) => finding,
        Ok(None) => Finding::ok(subject, check, "none"),
        Ok(Some(Provisioned::Ready)) => Finding::ok(subject, check, "ready"),
        Ok(Some(Provisioned::InProgress)) => {
            Finding::warning(subject, check, "in progress: some calls start cold", "run this again in some minutes")
        }
        Ok(Some(Provisioned::Failed(reason))) => {
            Finding::problem(subject, check, format!("failed: {reason}"), "fix what the reason names, or remove it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{denied, facts, function, last, missing, only};
    use super::*;
    use crate::aws::Settings;
    use crate::doctor::Verdict;
    use crate::ledger::ReleaseState;

    #[test]
    fn an_alias_that_does_not_exist_is_a_problem_and_hides_nothing_else() {
        let mut facts = facts();
        function(&mut facts).alias = Err(missing());
        function(&mut facts).live = Err(missing());
        assert_eq!(only(&facts, "alias").verdict, Verdict::Problem);
        assert_eq!(only(&facts, "version").verdict, Verdict::NotChecked);
        assert_eq!(only(&facts, "reserved concurrency").verdict, Verdict::Ok);
    }

    #[test]
    fn an_alias_that_cannot_be_read_is_not_checked() {
        let mut facts = facts();
        function(&mut facts).alias = Err(denied());
        assert_eq!(only(&facts, "alias").verdict, Verdict::NotChecked);
    }

    #[test]
    fn an_alias_of_latest_is_a_problem() {
        let mut facts = facts();
        function(&mut facts).alias.as_mut().unwrap().version = "$LATEST".to_owned();
        let finding = only(&facts, "alias");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.detail.contains("not a published version"), "{}", finding.detail);
    }

    #[test]
    fn a_moved_or_split_alias_is_drift_but_a_warning_during_a_release() {
        let mut facts = facts();
        let alias = function(&mut facts).alias.as_mut().unwrap();
        alias.version = "4".to_owned();
        alias.weights.insert("6".to_owned(), 0.1);
        for check in ["alias", "traffic"] {
            let finding = only(&facts, check);
            assert_eq!(finding.verdict, Verdict::Problem, "{check}");
            assert!(finding.detail.starts_with("drift: "), "{}", finding.detail);
            assert!(finding.fix.unwrap().contains("back to what release 7 left"), "{check}");
        }
        last(&mut facts).as_mut().unwrap().state = ReleaseState::Shifting;
        assert_eq!(only(&facts, "alias").verdict, Verdict::Warning);
    }

    #[test]
    fn a_version_that_cannot_run_is_a_problem() {
        let mut facts = facts();
        for readiness in [Readiness::Pending, Readiness::Failed("no such key".to_owned())] {
            function(&mut facts).live.as_mut().unwrap().readiness = readiness;
            assert_eq!(only(&facts, "version").verdict, Verdict::Problem);
        }
        assert!(only(&facts, "version").detail.contains("no such key"));
    }

    #[test]
    fn other_code_than_the_ledger_recorded_is_a_problem() {
        let mut facts = facts();
        function(&mut facts).live.as_mut().unwrap().code_sha256 = "other".to_owned();
        assert_eq!(only(&facts, "code").verdict, Verdict::Problem);
    }

    #[test]
    fn another_processor_than_the_contracts_is_a_problem() {
        let mut facts = facts();
        function(&mut facts).live.as_mut().unwrap().settings = Settings::with("Architectures", "[\"arm64\"]");
        let finding = only(&facts, "architecture");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.detail.contains("is for `arm64`, the contract says `x86_64`"), "{}", finding.detail);
    }

    #[test]
    fn another_kind_of_package_than_is_made_for_it_is_a_problem() {
        let mut facts = facts();
        assert_eq!(only(&facts, "package").verdict, Verdict::Ok);
        function(&mut facts).live.as_mut().unwrap().settings = Settings::with("PackageType", "\"Image\"");
        let finding = only(&facts, "package");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.detail.contains("`f-dev` runs a container image"), "{}", finding.detail);
    }

    #[test]
    fn a_stopped_function_is_a_problem_and_any_reservation_is_shown() {
        let mut facts = facts();
        function(&mut facts).reserved = Ok(Some(0));
        assert_eq!(only(&facts, "reserved concurrency").verdict, Verdict::Problem);
        function(&mut facts).reserved = Ok(Some(7));
        let finding = only(&facts, "reserved concurrency");
        assert_eq!(finding.verdict, Verdict::Ok);
        assert!(finding.detail.starts_with('7'), "{}", finding.detail);
    }

    #[test]
    fn the_state_of_provisioned_concurrency_is_shown() {
        let mut facts = facts();
        let cases = [
            (Provisioned::Ready, Verdict::Ok),
            (Provisioned::InProgress, Verdict::Warning),
            (Provisioned::Failed("quota".to_owned()), Verdict::Problem),
        ];
        for (provisioned, verdict) in cases {
            function(&mut facts).provisioned = Ok(Some(provisioned));
            assert_eq!(only(&facts, "provisioned concurrency").verdict, verdict);
        }
    }

    #[test]
    fn before_the_first_release_nothing_is_drift() {
        let mut facts = facts();
        facts.ledger.as_mut().unwrap().live = None;
        function(&mut facts).alias.as_mut().unwrap().version = "1".to_owned();
        assert_eq!(only(&facts, "alias").verdict, Verdict::Ok);
    }
}
