//! Puts the tables into their page, and the chart beside it.

use std::fs;

use anyhow::{Context as _, Result};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmark.md");
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmark.svg");

/// What is between them is made here.
const BEGIN: &str = "<!-- made by `cargo bench -p deployer -- --write` -->\n";
const END: &str = "<!-- end -->\n";

/// Replaces the tables of the page, and the chart.
pub(crate) fn write(tables: &str, chart: &str) -> Result<()> {
    let page = fs::read_to_string(PAGE)?;
    let (before, rest) = page.split_once(BEGIN).context("`docs/benchmark.md` has no mark where its tables begin")?;
    let (_, after) = rest.split_once(END).context("`docs/benchmark.md` has no mark where its tables end")?;
    fs::write(PAGE, format!("{before}{BEGIN}\n{tables}\n{END}{after}"))?;
    Ok(fs::write(CHART, chart)?)
}
