//! Least privilege: each role under exactly the policy that Terraform made for it, and under that policy with one action
//! taken out. What a call needs is named by AWS's own names, which the emulator does not always use.

mod bench;
mod documents;
mod evaluator;
mod functions;
mod less;
mod looking;
mod names;
mod promotion;
mod used;

pub(crate) use bench::repacked;
pub(crate) use evaluator::*;
pub(crate) use functions::*;
pub(crate) use less::*;
pub(crate) use looking::*;
pub(crate) use names::*;
pub(crate) use promotion::*;
pub(crate) use used::*;
