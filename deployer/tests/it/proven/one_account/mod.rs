//! The way of `docs/aws-account.md` to a real account, one account for both environments: its commands as printed, then releases under
//! exactly the policies of the roles that bootstrap made, Terraform's own requests too; and what these roles must not do.

mod account;
mod actions;
mod apply;
mod foreign;
mod printed;
mod releases;
mod roles;
mod things;
mod tokens;
mod trace;

pub(crate) use account::end;
pub(crate) use releases::*;

/// Terraform's own requests, what each role must not do, and who must not take it.
pub(crate) fn its_roles_allow_what_they_need_and_nothing_else() {
    apply::the_first_apply_passes_under_exactly_the_deploy_roles_policy();
    foreign::no_role_reaches_another_environment_and_plan_writes_nothing();
    tokens::no_other_workflow_takes_a_role();
}
