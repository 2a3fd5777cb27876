//! How a release that failed ended, as the last thing on a terminal before the error: what is live, where to look.

use super::{ReleaseView, summary};
use crate::ledger::ReleaseState;
use crate::report::screen::Screen;
use crate::report::view::table;

/// The whole text, with a newline at the end; none of a release that did not fail.
pub(super) fn text(view: &ReleaseView, screen: &Screen) -> Option<String> {
    view.failed.as_ref()?;
    // What a failed check expected and got was printed with it, and the error itself follows.
    let mut rows = vec![("live now", live(view))];
    let is_linked = |key: &str| view.links.iter().any(|link| link.title == format!("logs of `{key}`"));
    let logs = view
        .log_groups
        .iter()
        .filter(|(key, _)| !is_linked(key))
        .map(|(key, group)| ("log of", format!("`{key}`: {group}")));
    rows.extend(logs);
    let links = view.links.iter().map(|link| format!("{}: {}", link.title, link.url));
    let run = view.run_url.iter().map(|url| format!("this run: {url}"));
    let links: Vec<String> = links.chain(run).collect();
    rows.extend(links.into_iter().enumerate().map(|(at, link)| (if at == 0 { "links" } else { "" }, link)));
    let mut text = format!("\n{}", table::paragraph(&summary::title(view).1, "", screen));
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    text += &table::list(&rows, "  ", screen);
    Some(text + &view.chart(screen))
}

/// Which release takes the traffic, with its versions.
fn live(view: &ReleaseView) -> String {
    let previous = || match view.previous {
        None | Some(0) => "the placeholder".to_owned(),
        Some(previous) => format!("release {previous}"),
    };
    match view.state {
        Some(ReleaseState::Reverted | ReleaseState::Failed) => {
            let parts = view.functions.iter().map(|(key, moved)| format!("`{key}` version {}", moved.before.version));
            let deployment = view.api.before.iter().map(|deployment| format!("deployment {deployment}"));
            let parts: Vec<String> = parts.chain(deployment).collect();
            let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
            format!("{}{parts}", previous())
        }
        Some(ReleaseState::Live) => format!("release {}", view.release),
        _ => format!(
            "{} or release {}, or parts of both: `deployer status {}` shows which",
            previous(),
            view.release,
            view.environment
        ),
    }
}
