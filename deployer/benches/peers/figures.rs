//! Many rounds -> a few figures for each case.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::cases::{Case, Checks};
use crate::measure::Measured;
use crate::rounds::Rounds;
use crate::tools::{Tool, Tools};

/// Everything that the table and the chart show.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) lines: Vec<Line>,
    /// Each tool's version, or how to get it.
    pub(crate) versions: Vec<(&'static str, String)>,
    pub(crate) rounds: usize,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) checks: Checks,
    pub(crate) ours: bool,
    /// Or why there are none.
    pub(crate) figures: Result<CaseFigures, String>,
}

/// Medians, in seconds and bytes.
#[derive(Debug)]
pub(crate) struct CaseFigures {
    pub(crate) wall: f64,
    /// The shortest and the longest round.
    pub(crate) spread: (f64, f64),
    pub(crate) delayed: f64,
    pub(crate) cpu: f64,
    pub(crate) memory: u64,
    pub(crate) calls: usize,
    pub(crate) requests: usize,
    /// The calls of a round in the middle, by name.
    pub(crate) by_name: BTreeMap<String, usize>,
}

impl Figures {
    pub(crate) fn of(tools: &Tools, cases: &[Case], rounds: &[Rounds]) -> Result<Self> {
        let lines = cases.iter().zip(rounds).map(|(case, rounds)| line(case, rounds)).collect::<Result<Vec<_>>>()?;
        let version = |tool: Tool| {
            let version = tools.version(tool).map(str::to_owned);
            (tool.name(), version.unwrap_or_else(|| format!("missing: {}", tool.source())))
        };
        let versions = Tool::ALL.map(version).into();
        let rounds = rounds.iter().map(|rounds| rounds.at_once.len()).max().unwrap_or_default();
        Ok(Self { lines, versions, rounds })
    }

    /// What all are compared with: a release of one function by `deployer`.
    pub(crate) fn unit(&self) -> Option<&CaseFigures> {
        self.lines.first()?.figures.as_ref().ok()
    }
}

fn line(case: &Case, rounds: &Rounds) -> Result<Line> {
    let figures = match &rounds.failure {
        Some(why) => Err(why.clone()),
        None => Ok(of(rounds)?),
    };
    Ok(Line { name: case.name, checks: case.checks, ours: case.tool == Tool::Deployer, figures })
}

fn of(rounds: &Rounds) -> Result<CaseFigures> {
    let over = |list: &[Measured], figure: fn(&Measured) -> f64| median(list.iter().map(figure).collect());
    let walls = || rounds.at_once.iter().map(|measured| measured.wall);
    let mut by_calls: Vec<&Measured> = rounds.at_once.iter().collect();
    by_calls.sort_by_key(|measured| measured.seen.number());
    let middle = &by_calls.get(by_calls.len() / 2).context("a case without a round")?.seen;
    Ok(CaseFigures {
        wall: over(&rounds.at_once, |measured| measured.wall),
        spread: (walls().fold(f64::INFINITY, f64::min), walls().fold(0.0, f64::max)),
        delayed: over(&rounds.delayed, |measured| measured.wall),
        cpu: over(&rounds.at_once, |measured| measured.cpu),
        memory: rounds.at_once.iter().map(|measured| measured.memory).max().unwrap_or_default(),
        calls: middle.number(),
        requests: middle.requests,
        by_name: middle.calls.clone(),
    })
}

/// The middle one, or the mean of the two in the middle.
fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    let middle = list.len() / 2;
    match list.len() % 2 {
        _ if list.is_empty() => f64::NAN,
        0 => f64::midpoint(list[middle - 1], list[middle]),
        _ => list[middle],
    }
}
