//! Rounds, in which all cases take turns: first without a delay, then with one.

use std::time::Duration;

use anyhow::Result;

use crate::cases::{Case, Setting};
use crate::code::Code;
use crate::measure::{self, Measured};

/// What each call takes longer in the second half: a region that is not next door.
pub(crate) const DELAY: Duration = Duration::from_millis(30);

/// What all rounds of a case showed.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    pub(crate) at_once: Vec<Measured>,
    pub(crate) delayed: Vec<Measured>,
    /// Why it has no figures, if it failed.
    pub(crate) failure: Option<String>,
}

/// The rounds of each of `cases`. A case that fails takes no further turn.
pub(crate) async fn run(setting: &Setting<'_>, code: &Code, cases: &[Case], rounds: usize) -> Result<Vec<Rounds>> {
    let impossible = |case: &Case| Rounds { failure: case.impossible.clone(), ..Rounds::default() };
    let mut all: Vec<Rounds> = cases.iter().map(impossible).collect();
    for delay in [Duration::ZERO, DELAY] {
        setting.proxy.delay(delay);
        for round in 0..rounds {
            for (case, of_case) in cases.iter().zip(&mut all) {
                if of_case.failure.is_some() {
                    continue;
                }
                for package in &case.packages {
                    code.write(&format!("{} {delay:?} {round}", case.id), package)?;
                }
                let list = if delay.is_zero() { &mut of_case.at_once } else { &mut of_case.delayed };
                match measure::run(setting, case).await {
                    Ok(measured) => list.push(measured),
                    Err(error) => of_case.failure = Some(format!("{error:#}")),
                }
            }
        }
    }
    Ok(all)
}
