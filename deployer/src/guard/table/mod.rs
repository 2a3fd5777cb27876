//! For each resource type of the AWS provider: what its removal, replacement or change does to live traffic.
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

/// How live traffic depends on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Requests, or the code that handles them, find it by its name or id: it can be neither removed nor replaced.
    InPath,
    /// It must exist, and another one with the same content will do: once the new one exists, the old one may go.
    Grant,
    /// Releases or clients need it, but a gap of seconds during a replacement does no harm.
    Aid,
    /// Records only, which are lost with it.
    Record,
}

/// One resource type.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Terraform's name of the type.
    pub kind: &'static str,
    /// How live traffic depends on it.
    pub part: Part,
    /// What happens while it is missing.
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
    /// Becomes `true`.
    TurnsOn,
    /// Becomes `false`.
    TurnsOff,
    /// Becomes 0.
    Stops,
    /// A lower number, or a limit where there was none (null, or a number below 0).
    Lowered,
    /// An element of the list, or a member of the map, is gone or has another value.
    Loses,
    /// The policy allows less, or denies more.
    AllowsLess,
    /// Was not set before.
    Appears,
    /// Set in a resource that is created.
    Created,
}

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It cuts traffic, or moves it without a release: always refused.
    Cut,
    /// It removes something: refused without `--retired`, which says that nothing needs it any more.
    Loss,
    /// It may matter: reported, not refused.
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

/// How to remove a part safely.
const UNUSED: &str = "once nothing needs what it removes, apply it with `--retired`";
/// How to lower a limit safely.
const PEAK: &str =
    "look at the peak of the last weeks first; apply it with `--retired` if it stays below the new limit";
/// How to change something that releases own.
const RELEASES: &str = "add the attribute to `ignore_changes`, and let releases change it";
