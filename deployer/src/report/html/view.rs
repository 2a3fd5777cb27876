//! What `history --html FILE` prints: which page was written.

use serde::Serialize;

use super::Lane;
use crate::report::screen::Screen;
use crate::report::view::View;

/// `history --html`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "HistoryPage"))]
pub struct PageView {
    /// The page.
    file: String,
    /// The environments by name.
    environments: Vec<Shown>,
}

/// What the page shows of an environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "HistoryPageEnvironment"))]
struct Shown {
    /// The name.
    environment: String,
    /// How many releases are on the page.
    releases: usize,
    /// How many there are.
    total: usize,
    /// Why the environment could not be read.
    error: Option<String>,
}

impl PageView {
    /// Of a page that was written.
    pub fn new(file: &std::path::Path, lanes: &[Lane]) -> Self {
        let environments = lanes.iter().map(|lane| {
            let (releases, total) = lane.counts();
            let error = lane.error().map(str::to_owned);
            Shown { environment: lane.environment().to_owned(), releases, total, error }
        });
        Self { file: file.display().to_string(), environments: environments.collect() }
    }
}

impl View for PageView {
    fn text(&self, _: &Screen) -> String {
        let counts = self.environments.iter().filter(|shown| shown.error.is_none()).map(|shown| {
            let Shown { environment, releases, total, .. } = shown;
            let of = if releases < total { format!(" of {total}") } else { String::new() };
            format!("{releases}{of} of `{environment}`")
        });
        format!(
            "wrote `{}` with the releases of each environment: {}\n",
            self.file,
            counts.collect::<Vec<_>>().join(", ")
        )
    }
}
