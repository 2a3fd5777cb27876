//! The README's way to a real account, one account for both environments: its commands as printed, then releases under
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
pub(crate) use apply::*;
pub(crate) use foreign::*;
pub(crate) use releases::*;
pub(crate) use tokens::*;
