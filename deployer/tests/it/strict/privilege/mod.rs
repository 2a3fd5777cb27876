//! The rights that IAM checks for a call, under AWS's own names, and the decision of a policy. The emulator names some actions
//! and resources otherwise; the strict proxy goes by these.

mod need;
mod policy;
mod trust;

pub(crate) use need::Need;
pub(super) use need::of;
pub(crate) use policy::Policy;
pub(crate) use trust::{Principal, trusts};

/// Whose calls the strict proxy checks against a policy.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// As STS names them: `arn:aws:sts::111111111111:assumed-role/NAME/SESSION`.
    pub who: String,
    /// All that they may do.
    pub policy: Policy,
}

impl Guard {
    /// Those who took a role.
    pub(crate) fn of_role(arn: &str, policy: Policy) -> Self {
        Self { who: session(arn), policy }
    }
}

/// What STS calls one who took a role.
pub(super) fn session(role: &str) -> String {
    format!("{}/front", role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/"))
}
