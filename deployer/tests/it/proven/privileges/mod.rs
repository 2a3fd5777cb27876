//! Least privilege: each role under exactly the policy that Terraform made for it, and under that policy with one action
//! taken out. What a call needs is told by AWS's own names, which the emulator does not always use.

mod bench;
mod documents;
mod evaluator;
mod less;
mod used;

pub(crate) use evaluator::*;
pub(crate) use less::*;
pub(crate) use used::*;
