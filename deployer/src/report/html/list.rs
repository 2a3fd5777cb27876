//! The page in words: what is live in each environment, and every release with all that is known of it.

use std::fmt::Write as _;

use super::links::{escaped, link};
use super::{Lane, Page, counted, moment, time, took, what};
use crate::ledger::{CheckRecord, Release};

/// How many checks of a release are listed.
const CHECKS: usize = 20;

/// The shapes of the outcomes, for both the picture and the list.
pub(super) fn icons() -> &'static str {
    "<svg class=\"icons\" width=\"0\" height=\"0\" aria-hidden=\"true\">\n\
     <symbol id=\"i-live\" viewBox=\"0 0 12 12\"><circle class=\"full\" cx=\"6\" cy=\"6\" r=\"5\"/></symbol>\n\
     <symbol id=\"i-superseded\" viewBox=\"0 0 12 12\"><path d=\"M2 6.5 4.8 9.2 10 3.2\"/></symbol>\n\
     <symbol id=\"i-reverted\" viewBox=\"0 0 12 12\"><path d=\"M4.5 1.5 1.8 4.2 4.5 6.9M2 4.2H7.2A2.9 2.9 0 0 1 7.2 10H4\"/></symbol>\n\
     <symbol id=\"i-failed\" viewBox=\"0 0 12 12\"><path d=\"M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5\"/></symbol>\n\
     <symbol id=\"i-pending\" viewBox=\"0 0 12 12\"><path d=\"M2 6H2.1M6 6H6.1M10 6H10.1\"/></symbol>\n\
     <symbol id=\"i-shifting\" viewBox=\"0 0 12 12\"><path d=\"M2 6H2.1M6 6H6.1M10 6H10.1\"/></symbol>\n\
     <symbol id=\"i-edge\" viewBox=\"0 0 12 12\"><path d=\"M1 1C1 8 11 3 11 10\"/></symbol>\n\
     </svg>\n"
}

/// What is live now.
pub(super) fn cards(page: &Page) -> String {
    let mut html =
        "<section aria-labelledby=\"live\">\n<h2 id=\"live\">Live now</h2>\n<ul class=\"cards\">\n".to_owned();
    for (index, lane) in page.lanes.iter().enumerate() {
        let _ = writeln!(html, "<li><h3>{}</h3>{}</li>", escaped(&lane.environment), card(page, index, lane));
    }
    html.push_str("</ul>\n</section>\n");
    html
}

fn card(page: &Page, index: usize, lane: &Lane) -> String {
    if let Some(error) = lane.error() {
        return format!("<p class=\"problem\"><b>Could not be read.</b> {}</p>", escaped(error));
    }
    let Some(release) = lane.live() else {
        let words = if lane.total == 0 { "No releases yet" } else { "No release on this page is live" };
        return format!("<p class=\"muted\">{words}</p>");
    };
    let since = release.ended_at.as_deref().or(Some(&release.started_at)).and_then(moment);
    let since = since.map_or_else(String::new, |at| format!("Live since {}, by ", time(at, "%-d %b %Y, %H:%M")));
    format!(
        "<p class=\"big\"><a href=\"#{}\">Release {}</a></p><p>{}{}</p><p class=\"muted\">{since}{}</p>",
        page.name(index, release.number),
        release.number,
        escaped(&what(release)),
        commit(page, release).map_or_else(String::new, |commit| format!(" · {commit}")),
        escaped(&release.actor),
    )
}

/// Every release, by environment.
pub(super) fn section(page: &Page) -> String {
    let mut html = "<section id=\"releases\" aria-labelledby=\"all\">\n<h2 id=\"all\">Releases</h2>\n".to_owned();
    for (index, lane) in page.lanes.iter().enumerate() {
        let shown = match lane.counts() {
            (shown, total) if shown < total => format!("the newest {shown} of {total}"),
            (_, total) => counted(total, "release"),
        };
        let shown = if lane.error().is_some() { "could not be read".to_owned() } else { shown };
        let environment = escaped(&lane.environment);
        let _ = writeln!(html, "<h3 id=\"list-{index}\">{environment} <span class=\"muted\">{shown}</span></h3>");
        if lane.releases.is_empty() {
            continue;
        }
        let _ = writeln!(html, "<ol class=\"list\" aria-labelledby=\"list-{index}\">");
        lane.releases.iter().for_each(|release| html.push_str(&row(page, index, release)));
        html.push_str("</ol>\n");
    }
    html.push_str("</section>\n");
    html
}

fn row(page: &Page, lane: usize, release: &Release) -> String {
    let state = release.state;
    let reason = release.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!("<p class=\"reason\">{}</p>\n", escaped(reason)));
    let began = moment(&release.started_at).map(|at| time(at, "%-d %b %Y, %H:%M"));
    format!(
        "<li id=\"{}\" class=\"{state}\"><details>\n<summary><span class=\"number\">{}</span>\
         <span class=\"state {state}\"><svg class=\"icon\" aria-hidden=\"true\"><use href=\"#i-{state}\"/></svg>{state}</span>\
         <span class=\"what\">{}</span><code>{}</code><span class=\"who\">{}</span>\
         <span class=\"when\">{}</span><span class=\"took\">{}</span></summary>\n{}</details>\n{reason}</li>\n",
        page.name(lane, release.number),
        release.number,
        escaped(&what(release)),
        release.artifact.commit.as_deref().map_or_else(String::new, short),
        escaped(&release.actor),
        began.unwrap_or_default(),
        took(release).unwrap_or_default(),
        facts(page, release),
    )
}

/// All that is known of a release.
fn facts(page: &Page, release: &Release) -> String {
    let mut html = "<dl>\n".to_owned();
    let mut fact = |name: &str, value: String| {
        let _ = writeln!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    };
    if let Some(from) = &release.from {
        let words = escaped(&format!("release {} of {}", from.release, from.environment));
        fact(
            "From",
            match page.anchor(&from.environment, from.release) {
                Some((_, anchor)) => format!("<a href=\"#{anchor}\">{words}</a>"),
                None => words,
            },
        );
    }
    if let Some(commit) = commit(page, release) {
        fact("Commit", format!("{commit}{}", if release.artifact.dirty { " with uncommitted changes" } else { "" }));
    }
    if let Some(url) = &release.run_url {
        fact("Run", link(url, &escaped(url)));
    }
    fact("By", escaped(&release.actor));
    if let Some(at) = moment(&release.started_at) {
        fact("Started", time(at, "%-d %B %Y, %H:%M:%S"));
    }
    if let Some(at) = release.ended_at.as_deref().and_then(moment) {
        fact("Ended", format!("{}, after {}", time(at, "%-d %B %Y, %H:%M:%S"), took(release).unwrap_or_default()));
    }
    if release.stable {
        fact("Stable", "yes: it took all the traffic, passed its checks and was not reverted".to_owned());
    }
    if release.previous > 0 {
        fact("Before it", format!("release {}", release.previous));
    }
    if !release.checks.is_empty() {
        fact("Checks", checks(&release.checks));
    }
    html.push_str("</dl>\n");
    html
}

fn checks(checks: &[CheckRecord]) -> String {
    let mut html = "<ul>".to_owned();
    // What failed is not what is left out.
    let mut ordered: Vec<&CheckRecord> = checks.iter().collect();
    ordered.sort_by_key(|check| check.passed);
    for check in ordered.iter().take(CHECKS) {
        let verdict = if check.passed { "passed" } else { "<b>failed</b>" };
        let CheckRecord { name, phase, response, .. } = check;
        let _ = write!(html, "<li>{verdict}: {} {}, {}</li>", escaped(name), escaped(phase), escaped(response));
    }
    if checks.len() > CHECKS {
        let _ = write!(html, "<li>and {} more</li>", checks.len() - CHECKS);
    }
    html + "</ul>"
}

/// The beginning of a commit, as git shows it.
fn short(commit: &str) -> String {
    escaped(&commit.chars().take(7).collect::<String>())
}

/// Its commit, as a link where the repository is known.
fn commit(page: &Page, release: &Release) -> Option<String> {
    let id = release.artifact.commit.as_deref()?;
    let words = format!("<code>{}</code>", short(id));
    Some(match &page.repository {
        Some(repository) => repository.commit(id, &words),
        None => words,
    })
}
