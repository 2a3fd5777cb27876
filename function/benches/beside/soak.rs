//! Very many invocations of one process: what leaks shows.

use anyhow::Result;

use crate::{
    aws::Aws,
    function::{Function, Running},
    rounds::visit,
};

/// The peak of a function's memory, in bytes.
pub(crate) struct Soak {
    pub(crate) early: u64,
    pub(crate) late: u64,
}

impl Soak {
    /// After this many invocations every pool and buffer has its size.
    pub(crate) const EARLY: usize = 10_000;
    pub(crate) const ALL: usize = 100_000;
}

/// Invokes `function`, whose store responses at once.
pub(crate) fn run(aws: &Aws, function: &Function) -> Result<Soak> {
    aws.hurry();
    let running = Running::start(function, aws)?;
    let visits = |number: usize| (0..number).try_for_each(|_| visit(&running).map(drop));
    visits(Soak::EARLY)?;
    let early = running.peak_memory()?;
    visits(Soak::ALL - Soak::EARLY)?;
    Ok(Soak { early, late: running.peak_memory()? })
}
