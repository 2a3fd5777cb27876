//! A release on the page of its run: the outcome first, then the details.

use super::{FunctionMove, ReleaseView};
use crate::failure::Exit;
use crate::ledger::{ReleaseState, StepRecord};
use crate::plan::short;
use crate::report::markdown::Markdown;
use crate::report::timeline;
use crate::report::view::check;

/// The whole page.
pub(super) fn page(view: &ReleaseView) -> Markdown {
    let (sign, title) = title(view);
    let mut page = Markdown::titled(&format!("{sign} {title}"));
    page.paragraph(&story(view));
    if let Some(failed) = &view.failed {
        failed.show(&mut page);
    }
    let (before, after) = heads(view);
    page.table(["", before, after, "why"], &rows(view));
    if view.failed.is_some() {
        let steps: Vec<_> = view.steps.iter().map(step).collect();
        page.table(["step", "result"], &steps);
    }
    if !view.checks.is_empty() {
        check::table(page.heading("Checks"), &view.checks);
    }
    if let Some(chart) = timeline::chart(&view.steps, view.ended_at.as_deref()) {
        page.heading("Timeline").block_of("mermaid", &chart);
    }
    if let Some(rollback) = &view.rollback {
        page.heading("The way back").block_of("sh", rollback);
    }
    let around =
        [view.url.as_deref().map(|url| ("the URL", url)), view.run_url.as_deref().map(|url| ("this run", url))];
    let console = view.links.iter().map(|link| (link.title.as_str(), link.url.as_str()));
    page.links(around.into_iter().flatten().chain(console));
    page
}

/// A sign that is seen at a glance, and how the release ended.
pub(super) fn title(view: &ReleaseView) -> (&'static str, String) {
    let ReleaseView { environment, release, .. } = view;
    let Some(failed) = &view.failed else {
        let what = if view.changed {
            format!("release {}", numbered(view))
        } else {
            format!("nothing to do, release {release}")
        };
        return ("✅", format!("{environment}: {what} is live"));
    };
    let back = match view.previous {
        None | Some(0) => "the placeholder".to_owned(),
        Some(previous) => format!("release {previous}"),
    };
    let (sign, what) = match (view.state, failed.exit) {
        (Some(ReleaseState::Live), _) => ("⚠️", format!("{} is live, but did not end well", numbered(view))),
        (Some(ReleaseState::Reverted), _) => ("❌", format!("{release} failed and was reverted, {back} is live")),
        (Some(ReleaseState::Failed), _) => ("❌", format!("{release} failed before any traffic moved, {back} is live")),
        (_, Exit::Locked) => ("❌", format!("{release} is now ended by another run")),
        _ => ("🚨", format!("{release} failed and is NOT reverted")),
    };
    (sign, format!("{environment}: release {what}"))
}

fn numbered(view: &ReleaseView) -> String {
    view.back_to.map_or_else(|| view.release.to_string(), |root| format!("{} (back to {root})", view.release))
}

/// Kind, origin, actor and duration in a sentence.
fn story(view: &ReleaseView) -> String {
    let kind = view.kind.map_or_else(|| "The release".to_owned(), |kind| format!("A {kind}"));
    let from = view.from.as_ref().map_or_else(String::new, |from| format!(" from `{from}`"));
    let state = view.state.map_or_else(|| "unknown".to_owned(), |state| state.to_string());
    let stable = if view.stable { ", stable" } else { "" };
    let commit = view.commit.as_deref().map_or_else(|| "no commit".to_owned(), |commit| format!("`{}`", short(commit)));
    let dirty = if view.dirty { " and changes" } else { "" };
    let source = view.source_hash.as_deref().filter(|hash| !hash.is_empty());
    let source = source.map_or_else(String::new, |hash| format!(", sources `{}`", short(hash)));
    let actor = view.actor.as_deref().map_or_else(String::new, |actor| format!(", by `{actor}`"));
    let took = view.seconds.map_or_else(String::new, |seconds| format!(", in {seconds:.1} s"));
    format!("{kind}{from}: {state}{stable}; {commit}{dirty}{source}{actor}{took}.")
}

/// The titles of the columns: what is live must not be confused with what was to be live.
fn heads(view: &ReleaseView) -> (&'static str, &'static str) {
    match (&view.failed, view.state) {
        (Some(_), Some(ReleaseState::Reverted | ReleaseState::Failed)) => ("live now", "was to be live"),
        (Some(_), Some(ReleaseState::Pending | ReleaseState::Shifting)) => ("live before", "was to be live"),
        _ => ("before", "after"),
    }
}

fn rows(view: &ReleaseView) -> Vec<[String; 4]> {
    let functions = view.functions.iter().map(|(key, function)| {
        let FunctionMove { before, after, why } = function;
        let part = |version: &str, code: &str| format!("version `{version}`, code `{}`", short(code));
        let after_text = part(&after.version, &after.code_sha256);
        let why = why.join("; ");
        let became = became(before == after, !why.is_empty(), after_text);
        [format!("`{key}`"), part(&before.version, &before.code_sha256), became, why]
    });
    let api = view.api.before.as_ref().zip(view.api.after.as_ref()).map(|(before, after)| {
        let why = view.api.why.clone();
        let became = became(before == after, why.is_some(), format!("deployment `{after}`"));
        ["API".to_owned(), format!("deployment `{before}`"), became, why.unwrap_or_default()]
    });
    // Where nothing was done there is nothing to compare.
    if view.changed { functions.chain(api).collect() } else { Vec::new() }
}

fn became(same: bool, meant: bool, after: String) -> String {
    match (same, meant) {
        (true, false) => "unchanged".to_owned(),
        (true, true) => "a new one, not made".to_owned(),
        (false, _) => after,
    }
}

fn step(step: &StepRecord) -> [String; 2] {
    let ended = match (&step.started_at, step.millis) {
        (_, Some(millis)) => format!("done ({millis} ms)"),
        (Some(_), None) => "❌ failed or interrupted".to_owned(),
        (None, None) => "not started".to_owned(),
    };
    [step.step.clone(), ended]
}
