//! How a promotion reads FROM: through FROM's reader role, else with the credentials of the run. It never writes.

use anyhow::Result;

use crate::aws::{AwsError, Kind, Reader};
use crate::config::{Environment, Role};
use crate::events::Events;
use crate::failure::Failure;

/// FROM, opened for reading.
#[derive(Debug)]
pub(super) struct FromReader<'a> {
    /// FROM's AWS.
    pub aws: Reader,
    from: &'a Environment,
    to: &'a Environment,
    /// Why the reader role was not given, if it was not.
    refused: Option<AwsError>,
}

impl<'a> FromReader<'a> {
    /// Opens FROM. `theirs` looks at TO: its credentials take the role. The role trusts TO's deploy role alone: an
    /// administrator, whom it refuses, reads FROM with their own credentials, which either may do that or are refused too.
    ///
    /// # Errors
    /// It cannot be known whose credentials these are.
    pub(super) async fn open(
        from: &'a Environment,
        to: &'a Environment,
        theirs: &Reader,
        events: &dyn Events,
    ) -> Result<Self> {
        let plain = async |refused| Self { aws: Reader::open(from, &theirs.world).await, from, to, refused };
        let Some(role) = &from.reader_role else { return Ok(plain(None).await) };
        let arn = match role {
            Role::Arn(arn) => arn.clone(),
            Role::Name(name) => arn(name, &theirs.sts.caller().await?.arn),
        };
        let reader = Reader::assuming(from, to, &arn, &theirs.world).await;
        match reader.sts.caller().await {
            Err(refused) if refused.is_about_taking_a_role() => {
                let name = &from.name;
                events.warn(&format!(
                    "`reader_role` of `{name}` may not be assumed with these credentials: reading `{name}` with them"
                ));
                Ok(plain(Some(refused)).await)
            }
            // Whatever else is wrong, the first read says.
            _ => Ok(Self { aws: reader, from, to, refused: None }),
        }
    }

    /// What it means that FROM could not be read, and what to do: a refusal names the role and both ways out.
    pub(super) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        explain(self.from, self.to, self.refused.as_ref(), error)
    }
}

/// A role of the caller's own account and partition.
fn arn(name: &str, caller: &str) -> String {
    let part = |index: usize| caller.split(':').nth(index).unwrap_or_default();
    format!("arn:{}:iam::{}:role/{name}", part(1), part(4))
}

fn explain(from: &Environment, to: &Environment, refused: Option<&AwsError>, error: anyhow::Error) -> anyhow::Error {
    let kind = error.downcast_ref::<AwsError>().map(|failed| failed.kind);
    if !matches!(kind, Some(Kind::Denied | Kind::NotFound)) {
        return error;
    }
    let (name, next) = (&from.name, &to.name);
    error.context(match (&from.reader_role, refused) {
        (Some(role), Some(refused)) => Failure::bad_input(format!(
            "cannot read `{name}`: these credentials may not assume its `reader_role` `{role}` ({refused}), nor read it \
             themselves"
        ))
        .hint(format!(
            "allow `sts:AssumeRole` on `{role}` in a policy of the deploy role of `{next}`, and name that deploy role in the trust \
             policy of `{role}`; AWS gives the same response if `{role}` does not exist, so check its spelling; across accounts \
             `reader_role` must be an ARN"
        )),
        (Some(role), None) => {
            Failure::bad_input(format!("cannot read `{name}` through its `reader_role` `{role}`")).hint(format!(
                "{}; if `{role}` belongs to another environment, fix `reader_role` in `[environments.{name}]`",
                grant(&format!("`{role}`"), from)
            ))
        }
        (None, _) => Failure::bad_input(format!(
            "cannot read `{name}` with the credentials of this run; `[environments.{name}]` names no `reader_role`"
        ))
        .hint(format!(
            "set `reader_role` in `[environments.{name}]` to a role that reads `{name}` and that the deploy role of `{next}` may \
             assume, or {}; nothing was changed",
            grant("these credentials", from)
        )),
    })
}

/// All that a promotion reads of FROM.
fn grant(whom: &str, from: &Environment) -> String {
    format!(
        "grant {whom} `dynamodb:GetItem` and `dynamodb:Query` on table `{}`, and `lambda:GetFunction` on `function:NAME:*` for each \
         function",
        from.ledger
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, ProcessEnvironment};
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    const OURS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../deployer.toml"));

    /// `dev` and `prod` of this repository, with another line for the reader role.
    fn environments(line: &str) -> (Environment, Environment) {
        let ours = OURS.lines().find(|line| line.starts_with("reader_role")).unwrap();
        let text = OURS.replace(ours, line);
        let config = Config::parse(&text, Path::new("deployer.toml"), false, ProcessEnvironment::default()).unwrap();
        let of = |name: &str| config.environment(Some(name)).unwrap().clone();
        (of("dev"), of("prod"))
    }

    const REFUSED: &str = "AccessDenied: User: arn:aws:sts::222222222222:assumed-role/a-prod-deploy/x is not authorized to \
                           perform: sts:AssumeRole on resource: arn:aws:iam::111111111111:role/a-dev-read";

    /// How a run ends that met this when it read FROM: exit code, words, hint.
    fn ended(line: &str, refused: Option<&AwsError>, error: AwsError) -> (Exit, String, String) {
        let (from, to) = environments(line);
        let error = anyhow::Error::from(error).context("with the credentials of account `1`");
        let error = explain(&from, &to, refused, error);
        (error.exit(), format!("{error:#}"), error.hint().unwrap_or_default().to_owned())
    }

    fn denied(action: &str) -> AwsError {
        let reason = format!("AccessDeniedException: User: a is not authorized to perform: {action} on resource: b");
        AwsError::found(Kind::Denied, "GetItem", "the ledger `l`", reason)
    }

    #[test]
    fn without_a_reader_role_a_denial_names_the_action_and_both_ways_out() {
        let (exit, said, hint) = ended("", None, denied("dynamodb:GetItem"));
        assert_eq!(exit, Exit::BadInput);
        assert!(said.starts_with("cannot read `dev` with the credentials of this run"), "{said}");
        assert!(said.contains("names no `reader_role`") && said.contains("dynamodb:GetItem"), "{said}");
        for way in [
            "set `reader_role` in `[environments.dev]`",
            "a role that reads `dev`",
            "or grant these credentials",
            "lambda:GetFunction",
        ] {
            assert!(hint.contains(way), "no `{way}` in {hint}");
        }
        assert!(hint.contains("resume-visitor-counter-ledger-dev") && hint.ends_with("nothing was changed"), "{hint}");
    }

    #[test]
    fn a_role_that_cannot_be_assumed_is_named_with_its_place() {
        let refused = AwsError::role_refused("GetCallerIdentity", "the credentials", REFUSED);
        let line = "reader_role = \"arn:aws:iam::111111111111:role/a-dev-read\"";
        let (exit, said, hint) = ended(line, Some(&refused), denied("dynamodb:GetItem"));
        assert_eq!(exit, Exit::BadInput);
        assert!(
            said.contains("may not assume its `reader_role` `arn:aws:iam::111111111111:role/a-dev-read`"),
            "{said}"
        );
        assert!(said.contains("sts:AssumeRole"), "{said}");
        assert!(
            hint.contains("in a policy of the deploy role of `prod`") && hint.contains("trust policy of `arn:"),
            "{hint}"
        );
    }

    #[test]
    fn a_role_that_may_not_read_is_named_with_the_action_that_it_lacks() {
        let (exit, said, hint) = ended("reader_role = \"a-staging-read\"", None, denied("lambda:GetFunction"));
        assert_eq!(exit, Exit::BadInput);
        assert!(said.starts_with("cannot read `dev` through its `reader_role` `a-staging-read`"), "{said}");
        assert!(said.contains("lambda:GetFunction"), "{said}");
        assert!(hint.starts_with("grant `a-staging-read` `dynamodb:GetItem`"), "{hint}");
        assert!(hint.ends_with("fix `reader_role` in `[environments.dev]`"), "{hint}");
    }

    #[test]
    fn another_trouble_stays_what_it_is() {
        let (from, to) = environments("");
        let broken = AwsError::found(Kind::Unknown, "GetItem", "the ledger `l`", "the connection broke");
        let error = explain(&from, &to, None, broken.into());
        assert_eq!(error.to_string(), "GetItem of the ledger `l` failed: the connection broke");
        let refused = Failure::refused("`dev` has no release").into();
        assert_eq!(explain(&from, &to, None, refused).exit(), Exit::Refused);
    }

    #[test]
    fn a_name_is_of_the_callers_account_and_partition() {
        let caller = "arn:aws-cn:sts::123456789012:assumed-role/a-prod-deploy/x";
        assert_eq!(arn("a-dev-read", caller), "arn:aws-cn:iam::123456789012:role/a-dev-read");
    }
}
