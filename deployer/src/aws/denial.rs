//! A denied call, read out of AWS's own words: the caller, the action, the resource, and the policy that denies it.
//!
//! The forms are those of <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.

/// A denied call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Denial<'a> {
    /// The role or user, as a hint names it.
    who: String,
    action: &'a str,
    resource: Option<&'a str>,
    policy: Policy<'a>,
}

/// The policy that denies it.
#[derive(Debug, PartialEq, Eq)]
enum Policy<'a> {
    /// AWS does not say.
    Unknown,
    /// None of this kind allows the action.
    Silent(&'a str),
    /// One of this kind denies it.
    Denies(&'a str),
}

impl<'a> Denial<'a> {
    pub(super) fn of(reason: &'a str) -> Option<Self> {
        let (_, rest) = reason.split_once("not authorized to perform: ")?;
        let end = |text: &'a str| text.split([' ', '\n', ',']).next().unwrap_or(text).trim_end_matches('.');
        let caller = reason.split_once("User: ").and_then(|(_, rest)| rest.split_once(" is not")).map(|(arn, _)| arn);
        let article =
            |kind: &'a str| kind.trim_start_matches("an ").trim_start_matches("a ").trim_end_matches(['.', '\n']);
        let silent = || rest.split_once("because no ")?.1.split_once(" allows").map(|(kind, _)| kind);
        let denies = || Some(article(rest.split_once("explicit deny in ")?.1.split([':', '\n']).next()?));
        let policy = match (denies(), silent()) {
            (Some(kind), _) => Policy::Denies(kind),
            (None, Some(kind)) => Policy::Silent(kind),
            (None, None) => Policy::Unknown,
        };
        let resource = rest.split_once("on resource: ").map(|(_, resource)| end(resource));
        Some(Self { who: who(caller), action: end(rest), resource: resource.filter(|name| !name.is_empty()), policy })
    }

    /// What to do.
    pub(super) fn hint(&self) -> String {
        let Self { who, action, resource, policy } = self;
        let on = resource.map_or_else(String::new, |resource| format!(" on `{resource}`"));
        if self.takes_role() && !matches!(policy, Policy::Denies(_)) {
            let role = resource.unwrap_or("the role");
            return format!(
                "allow `{action}` on `{role}` in a policy of {who}, and name {who} in that role's trust policy"
            );
        }
        match policy {
            Policy::Denies(kind @ ("service control policy" | "resource control policy")) => format!(
                "a {kind} of the organization denies `{action}`, which no allow overrides: ask the organization's administrator"
            ),
            Policy::Denies(kind) => {
                format!("remove the explicit deny of `{action}`{on} from the {kind}: no allow overrides it")
            }
            Policy::Silent(kind @ ("service control policy" | "resource control policy")) => {
                format!("ask the organization's administrator to allow `{action}` in a {kind} of this account")
            }
            Policy::Silent("permissions boundary") => {
                format!(
                    "allow `{action}`{on} in the permissions boundary of {who}, which limits what its policies allow"
                )
            }
            Policy::Silent("session policy") => {
                format!("allow `{action}`{on} in the session policy with which {who} is assumed")
            }
            Policy::Silent("resource-based policy") => {
                format!("allow `{action}` to {who} in the policy of `{}`", resource.unwrap_or("the resource"))
            }
            Policy::Silent(kind) if kind.contains("VPC endpoint") => {
                format!("allow `{action}`{on} in the policy of the VPC endpoint that the call goes through")
            }
            Policy::Silent(_) => format!("allow `{action}`{on} in a policy of {who}"),
            Policy::Unknown => format!(
                "allow `{action}`{on} in a policy of {who}; if one does, look for a permissions boundary or a service control policy"
            ),
        }
    }

    fn takes_role(&self) -> bool {
        self.action == "sts:AssumeRole"
    }
}

fn who(caller: Option<&str>) -> String {
    let named = |kind: &str, name: &str| format!("{kind} `{name}`");
    let Some((_, rest)) = caller.and_then(|arn| arn.rsplit_once(':')) else { return "the role of this run".to_owned() };
    let mut parts = rest.split('/');
    match (parts.next(), parts.next(), parts.next_back()) {
        (Some("assumed-role"), Some(role), _) => named("role", role),
        (Some("user"), Some(first), last) => named("user", last.unwrap_or(first)),
        _ => named("the caller", rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(after: &str) -> String {
        let reason = format!(
            "AccessDeniedException: User: arn:aws:sts::111111111111:assumed-role/shop-deploy/run is not authorized to perform: {after}"
        );
        Denial::of(&reason).unwrap().hint()
    }

    #[test]
    fn each_policy_that_denies_has_its_own_hint() {
        let on = "lambda:UpdateAlias on resource: arn:f";
        for (after, expected) in [
            (
                format!("{on} because no identity-based policy allows the lambda:UpdateAlias action"),
                "allow `lambda:UpdateAlias` on `arn:f` in a policy of role `shop-deploy`",
            ),
            (
                format!("{on} because no permissions boundary allows the lambda:UpdateAlias action"),
                "allow `lambda:UpdateAlias` on `arn:f` in the permissions boundary of role `shop-deploy`, which limits what its policies allow",
            ),
            (
                format!("{on} because no service control policy allows the lambda:UpdateAlias action"),
                "ask the organization's administrator to allow `lambda:UpdateAlias` in a service control policy of this account",
            ),
            (
                format!("{on} with an explicit deny in a service control policy"),
                "a service control policy of the organization denies `lambda:UpdateAlias`, which no allow overrides: ask the organization's administrator",
            ),
            (
                format!("{on} with an explicit deny in an identity-based policy"),
                "remove the explicit deny of `lambda:UpdateAlias` on `arn:f` from the identity-based policy: no allow overrides it",
            ),
            (
                format!("{on} because no resource-based policy allows the lambda:UpdateAlias action"),
                "allow `lambda:UpdateAlias` to role `shop-deploy` in the policy of `arn:f`",
            ),
            (
                on.to_owned(),
                "allow `lambda:UpdateAlias` on `arn:f` in a policy of role `shop-deploy`; if one does, look for a permissions boundary or a service control policy",
            ),
            (
                "sts:AssumeRole on resource: arn:aws:iam::2:role/x".to_owned(),
                "allow `sts:AssumeRole` on `arn:aws:iam::2:role/x` in a policy of role `shop-deploy`, and name role `shop-deploy` in that role's trust policy",
            ),
            (
                "cloudwatch:DescribeAlarms because no identity-based policy allows the cloudwatch:DescribeAlarms action".to_owned(),
                "allow `cloudwatch:DescribeAlarms` in a policy of role `shop-deploy`",
            ),
        ] {
            assert_eq!(hint(&after), expected);
        }
    }

    #[test]
    fn words_of_another_form_are_no_denial() {
        assert_eq!(Denial::of("AccessDenied: Access Denied"), None);
        let user = "User: arn:aws:iam::1:user/team/ada is not authorized to perform: s3:GetObject";
        assert!(Denial::of(user).unwrap().hint().contains("user `ada`"));
    }
}
