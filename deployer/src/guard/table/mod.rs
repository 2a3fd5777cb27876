//! What each resource type of the AWS provider does to live traffic when Terraform removes, replaces or changes it.
//!
//! Data only: `cuts` compares a plan with it. Types and attributes are those of provider 5.100; a test compares
//! them with the provider's own schema.

mod apigateway;
mod apigateway_v2;
mod data;
mod edge;
mod events;
mod harmless;
mod iam;
mod lambda;
mod network;
mod observability;

pub use harmless::{HARMLESS, HARMLESS_PROVIDERS};

/// What a resource is to live traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Requests, or the code that handles them, reach it by its name or id: it can be neither removed nor replaced.
    InPath,
    /// It has to exist, and another one of the same content is as good: the new one first, then the old one may go.
    Grant,
    /// Releases or clients need it; a gap of seconds while it is replaced harms nothing.
    Aid,
    /// It holds records only: they are lost with it.
    Record,
}

/// One resource type.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As Terraform names the type.
    pub kind: &'static str,
    /// What it is to live traffic.
    pub part: Part,
    /// What happens where it is missing.
    pub missing: &'static str,
    /// The changes in place, and creations, that matter.
    pub on: &'static [On],
}

/// One attribute whose change matters.
#[derive(Debug, Clone, Copy)]
pub struct On {
    /// Its name; `/` leads into a nested block.
    pub attribute: &'static str,
    /// Which change matters.
    pub when: When,
    /// How much.
    pub effect: Effect,
    /// What it does to live traffic.
    pub why: &'static str,
    /// How to do it safely.
    pub way: &'static str,
}

/// Which change of an attribute matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Any other value than before.
    Changes,
    /// `true`, and was not.
    TurnsOn,
    /// `false`, and was not.
    TurnsOff,
    /// 0, and was not.
    Stops,
    /// A lower number, or a limit where there was none (null, or a number below 0).
    Lowered,
    /// An element of the list, or a member of the map, is gone or has another value.
    Loses,
    /// The policy allows less, or denies more.
    AllowsLess,
    /// Something where there was nothing.
    Appears,
    /// Set in a resource that is created.
    Created,
}

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It cuts traffic, or moves it past the releases: never applied.
    Cut,
    /// It takes something away: applied once somebody said that nothing needs it any more (`--retired`).
    Loss,
    /// It may matter: said, and applied.
    Warning,
}

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let tables: [&[Row]; 9] = [
        lambda::ROWS,
        apigateway::ROWS,
        apigateway_v2::ROWS,
        iam::ROWS,
        data::ROWS,
        events::ROWS,
        network::ROWS,
        edge::ROWS,
        observability::ROWS,
    ];
    tables.into_iter().flatten()
}

/// The row of a type.
pub fn row(kind: &str) -> Option<&'static Row> {
    rows().find(|row| row.kind == kind)
}

const fn of(kind: &'static str, part: Part, missing: &'static str, on: &'static [On]) -> Row {
    Row { kind, part, missing, on }
}

const fn cut(attribute: &'static str, when: When, why: &'static str, way: &'static str) -> On {
    On { attribute, when, effect: Effect::Cut, why, way }
}

const fn loss(attribute: &'static str, when: When, why: &'static str, way: &'static str) -> On {
    On { attribute, when, effect: Effect::Loss, why, way }
}

const fn warning(attribute: &'static str, when: When, why: &'static str) -> On {
    On { attribute, when, effect: Effect::Warning, why, way: "" }
}

/// How something smaller is done safely.
const UNUSED: &str = "apply it with `--retired` once nothing needs what it takes away";
/// How a limit is lowered safely.
const PEAK: &str =
    "look at the peak of the last weeks first; apply it with `--retired` if it stays below the new limit";
/// How something that releases own is changed.
const RELEASES: &str = "put the attribute into `ignore_changes`, and let a release move it";
