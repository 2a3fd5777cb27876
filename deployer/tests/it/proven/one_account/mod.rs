//! The README's way to a real account, one account for both environments: its commands as printed, then releases under
//! exactly the policies of the roles that bootstrap made; and what these roles must not do.

mod account;
mod foreign;
mod printed;
mod releases;
mod roles;
mod things;
mod tokens;

pub(crate) use foreign::*;
pub(crate) use releases::*;
pub(crate) use tokens::*;
