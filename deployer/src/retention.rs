//! What of the past is kept, and what may go. Pure: its input is what exists and what the releases say about it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::ledger::{Release, ReleaseKind, ReleaseState, previous};

/// How the description of everything that the deployer makes begins: its own mark. It names the environment, because several
/// may share one API or function.
pub fn mark(app: &str, environment: &str) -> String {
    format!("deployer: {app}/{environment} release ")
}

/// Whether a run of another environment made it, and may remove it at any time.
pub fn is_of_another(description: &str, mark: &str) -> bool {
    description.starts_with("deployer: ") && !description.starts_with(mark)
}

/// Something that a release made, and that may no longer be needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// A version's number, or a deployment's id.
    pub id: String,
    /// Its description.
    pub description: String,
    /// Whether the ledger names it as made by a release.
    pub recorded: bool,
    /// When it was made, if that is known.
    pub created: Option<Timestamp>,
}

/// What must stay.
#[derive(Debug, Clone)]
pub struct Kept<'a> {
    /// The ids that something still needs.
    pub ids: BTreeSet<String>,
    /// How the descriptions begin of what this environment's runs made.
    pub mark: &'a str,
    /// Everything younger than this stays.
    pub grace: Duration,
    /// The time.
    pub now: Timestamp,
}

impl Kept<'_> {
    /// Those of `made` that may be removed.
    pub fn others(&self, made: Vec<Made>) -> Vec<Made> {
        made.into_iter().filter(|made| self.may_go(made)).collect()
    }

    fn may_go(&self, made: &Made) -> bool {
        let old = made.created.is_some_and(|created| {
            let age = self.now.duration_since(created);
            age.is_positive() && age.unsigned_abs() >= self.grace
        });
        old && is_own(made, self.mark) && !self.ids.contains(&made.id)
    }
}

/// Whether a release of this environment made it: it carries the mark, or the ledger names it.
pub fn is_own(made: &Made, mark: &str) -> bool {
    made.recorded || made.description.starts_with(mark)
}

/// The releases whose parts are kept: the newest stable ones with what each could go back to, what is live, what is
/// unfinished, and what took traffic within the grace period. The newest first.
pub fn kept_releases(history: &[Release], stable: usize, grace: Duration, now: Timestamp) -> Vec<&Release> {
    let mut kept = kept_without_targets(history, stable, grace, now);
    let back = history.iter().filter(|release| kept.contains(&release.number));
    let back: Vec<u32> = back.flat_map(|release| ways_back(history, release)).collect();
    kept.extend(back);
    history.iter().filter(|release| kept.contains(&release.number)).collect()
}

/// Whether the newest releases are enough to know all that are kept: older ones make no difference.
pub fn is_enough(newest: &[Release], stable: usize, grace: Duration, now: Timestamp) -> bool {
    let kept = kept_without_targets(newest, stable, grace, now);
    let has_target = |release: &Release| {
        release.previous == 0
            || (came_with(newest, release).is_some_and(made_parts) && previous(newest, release).is_some())
    };
    newest.iter().filter(|release| release.stable).count() > stable
        && newest.iter().any(|release| release.state == ReleaseState::Live)
        && newest.last().is_some_and(|oldest| !is_recent(oldest, grace, now))
        && newest.iter().filter(|release| kept.contains(&release.number)).all(has_target)
        && kept.iter().all(|number| *number == 0 || newest.iter().any(|release| release.number == *number))
}

/// The releases that `rollback --to previous` may choose once this one is live: `previous`, and what it would be for a reader who does
/// not read as far back as to the first release with these parts.
fn ways_back(history: &[Release], release: &Release) -> Vec<u32> {
    let differs = |other: &&Release| other.stable && other.parts != release.parts;
    let same = history.iter().filter(|other| {
        other.number == release.number
            || (other.number < release.number && other.stable && other.parts == release.parts)
    });
    let back = same.filter_map(|same| history.iter().filter(differs).find(|other| other.number < same.number));
    back.map(|back| back.number).collect()
}

/// The oldest of these releases with the parts of that one.
fn came_with<'a>(newest: &'a [Release], release: &Release) -> Option<&'a Release> {
    newest.iter().rev().find(|other| other.parts == release.parts && other.stable)
}

/// Whether parts of the release were made by it, so that no release before had the same ones.
fn made_parts(release: &Release) -> bool {
    let made = |(key, version): (&String, &String)| {
        release.parts.functions.get(key).is_some_and(|part| part.version == *version)
    };
    matches!(release.kind, ReleaseKind::Deploy | ReleaseKind::Promote)
        && (release.parts.deployment != release.previous_parts.deployment || release.published.iter().any(made))
}

fn kept_without_targets(history: &[Release], stable: usize, grace: Duration, now: Timestamp) -> BTreeSet<u32> {
    let newest = history.iter().filter(|release| release.stable).take(stable);
    let under_way = history
        .iter()
        .filter(|release| matches!(release.state, ReleaseState::Live | ReleaseState::Pending | ReleaseState::Shifting));
    // What a release took the traffic from was live until then.
    let was_live = history.iter().filter(|release| is_recent(release, grace, now)).map(|release| release.previous);
    let was_live: BTreeSet<u32> = was_live.collect();
    newest.chain(under_way).map(|release| release.number).chain(was_live).collect()
}

fn is_recent(release: &Release, grace: Duration, now: Timestamp) -> bool {
    let ended: Option<Timestamp> = release.ended_at.as_deref().and_then(|ended| ended.parse().ok());
    ended.is_none_or(|ended| now.duration_since(ended).unsigned_abs() < grace)
}

/// What the kept releases need of something, by what names it in a release's parts: their own parts, and where their
/// way back leads.
pub fn needed<'a>(
    kept: &'a [&Release],
    of: impl Fn(&'a crate::ledger::Parts) -> Option<&'a String>,
) -> BTreeSet<String> {
    let parts = kept.iter().flat_map(|release| [&release.parts, &release.previous_parts]);
    parts.filter_map(of).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// (number, version, version before, state), the newest first.
    fn history(releases: &[(u32, &str, &str, &str)]) -> Vec<Release> {
        let parts = |version: &str| json!({"functions": {"f": {"version": version, "code_sha256": version}}, "deployment": format!("d{version}")});
        let release = |(number, version, before, state): &(u32, &str, &str, &str)| {
            serde_json::from_value(json!({
                "number": number, "kind": "deploy", "state": state, "parts": parts(version),
                "previous_parts": parts(before), "previous": (number - 1), "stable": (["live", "superseded"].contains(state)),
                "artifact": {"source_hash": "s", "functions": {}}, "definition": "x", "actor": "a",
                "started_at": "now", "ended_at": "2026-01-10T00:00:00Z", "fencing_token": 1,
            }))
            .unwrap()
        };
        releases.iter().map(release).collect()
    }

    fn versions(history: &[Release], stable: usize) -> BTreeSet<String> {
        let kept = kept_releases(history, stable, Duration::ZERO, Timestamp::UNIX_EPOCH);
        needed(&kept, |parts| parts.functions.get("f").map(|part| &part.version))
    }

    fn set(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn the_newest_stable_releases_and_their_rollback_targets_are_kept() {
        let all = [
            (5, "6", "5", "live"),
            (4, "5", "4", "superseded"),
            (3, "4", "3", "superseded"),
            (2, "3", "2", "superseded"),
        ];
        assert_eq!(versions(&history(&all), 1), set(&["4", "5", "6"]));
        assert_eq!(versions(&history(&all), 2), set(&["3", "4", "5", "6"]));
    }

    #[test]
    fn the_target_of_previous_after_a_rollback_is_kept() {
        let all = [
            (29, "2", "3", "live"),
            (28, "3", "2", "superseded"),
            (27, "2", "1", "superseded"),
            (26, "1", "0", "superseded"),
        ];
        assert_eq!(previous(&history(&all), &history(&all)[0]).unwrap().number, 26);
        assert!(versions(&history(&all), 1).contains("1"));
    }

    #[test]
    fn what_was_live_within_the_grace_period_is_kept() {
        let all = history(&[
            (4, "7", "6", "live"),
            (3, "6", "5", "superseded"),
            (2, "5", "4", "superseded"),
            (1, "4", "1", "superseded"),
        ]);
        let at = |hours| "2026-01-10T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hours);
        let numbers = |hours| {
            let kept = kept_releases(&all, 1, Duration::from_hours(24), at(hours));
            kept.iter().map(|release| release.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(23), [4, 3, 2, 1]);
        assert_eq!(numbers(25), [4, 3]);
    }

    #[test]
    fn what_is_kept_is_the_same_however_far_back_was_read() {
        let states = ["superseded", "superseded", "failed", "reverted"];
        let mut chance = fastrand::Rng::with_seed(1);
        let mut shorter = 0;
        for _ in 0..300 {
            // Few different parts: most come again.
            let mut rows: Vec<_> = (1..=40)
                .map(|number| {
                    (
                        number,
                        chance.u32(1..6).to_string(),
                        chance.u32(1..6).to_string(),
                        *chance.choice(&states).unwrap(),
                    )
                })
                .collect();
            rows.reverse();
            rows[0].3 = "live";
            let rows: Vec<_> =
                rows.iter().map(|(number, version, before, state)| (*number, &**version, &**before, *state)).collect();
            let all = history(&rows);
            let (grace, now) = (Duration::ZERO, "2026-01-11T00:00:00Z".parse().unwrap());
            let enough = (1..=all.len()).find(|count| is_enough(&all[..*count], 3, grace, now)).unwrap_or(all.len());
            shorter += usize::from(enough < all.len());
            let numbers = |seen: &[Release]| -> BTreeSet<u32> {
                kept_releases(seen, 3, grace, now).iter().map(|release| release.number).collect()
            };
            let (kept, whole) = (numbers(&all[..enough]), numbers(&all));
            let stable = all.iter().filter(|release| release.stable).take(3);
            assert!(stable.clone().all(|release| kept.contains(&release.number)));
            // However far back a rollback reads, it finds the parts of its target.
            for live in stable {
                for seen in 1..=enough {
                    let target = previous(&all[..seen], live).map(|release| release.number);
                    assert!(target.is_none_or(|target| kept.contains(&target)), "{live}: {target:?} {kept:?}");
                }
            }
            assert!(kept.is_subset(&whole), "{kept:?} {whole:?}");
        }
        assert!(shorter > 100, "{shorter}");
    }

    #[test]
    fn failed_releases_are_not_stable_and_not_kept() {
        let all =
            [(4, "5", "4", "live"), (3, "9", "4", "failed"), (2, "8", "4", "reverted"), (1, "4", "1", "superseded")];
        assert_eq!(versions(&history(&all), 2), set(&["1", "4", "5"]));
    }

    #[test]
    fn live_and_unfinished_releases_are_kept_even_if_unstable() {
        let mut all = history(&[(4, "7", "6", "shifting"), (3, "6", "5", "live"), (2, "5", "4", "superseded")]);
        all[1].stable = false;
        assert_eq!(versions(&all, 1), set(&["4", "5", "6", "7"]));
    }

    fn goes(description: &str, hours: i64, grace: u64, ids: &[&str]) -> bool {
        let now: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        let created = Some(now - jiff::SignedDuration::from_hours(hours));
        let made = Made { id: "3".to_owned(), description: description.to_owned(), recorded: false, created };
        let mark = &mark("app", "dev");
        let kept = Kept { ids: set(ids), mark, grace: Duration::from_hours(grace), now };
        !kept.others(vec![made]).is_empty()
    }

    #[test]
    fn only_unneeded_things_of_the_deployer_go_after_the_grace_period() {
        assert!(goes("deployer: app/dev release 2, commit abc", 25, 24, &["4"]));
        assert!(!goes("deployer: app/dev release 2, commit abc", 23, 24, &["4"]));
        assert!(!goes("deployer: app/dev release 2, commit abc", 25, 24, &["3"]));
        assert!(!goes("deployer: app/prod release 2, commit abc", 25, 24, &["4"]));
        assert!(!goes("Counts a visit", 25, 24, &["4"]));
        assert!(!goes("", 25, 24, &["4"]));
    }

    #[test]
    fn what_the_ledger_names_goes_without_a_mark() {
        let created = Some("2026-01-10T00:00:00Z".parse().unwrap());
        let now = "2026-01-12T00:00:00Z".parse().unwrap();
        let kept = Kept { ids: set(&["4"]), mark: &mark("app", "dev"), grace: Duration::from_hours(24), now };
        let made = |id: &str, recorded| Made { id: id.into(), description: "Counts".into(), recorded, created };
        let gone = kept.others(vec![made("3", true), made("4", true), made("5", false)]);
        assert_eq!(gone, [made("3", true)]);
    }

    #[test]
    fn the_newest_releases_are_enough_once_every_target_is_among_them() {
        let all = history(&[
            (5, "6", "5", "live"),
            (4, "5", "4", "superseded"),
            (3, "4", "3", "superseded"),
            (2, "3", "2", "superseded"),
        ]);
        let now = "2026-01-12T00:00:00Z".parse().unwrap();
        let enough = |count: usize, stable| is_enough(&all[..count], stable, Duration::from_hours(24), now);
        assert!(!enough(1, 1) && enough(2, 1) && !enough(2, 2) && enough(3, 2));
        assert!(!is_enough(&all, 1, Duration::from_hours(72), now), "the oldest one is recent");
    }

    #[test]
    fn without_a_date_or_with_a_future_one_it_stays() {
        let mark = &mark("app", "dev");
        let kept = Kept { ids: set(&[]), mark, grace: Duration::ZERO, now: Timestamp::UNIX_EPOCH };
        let made = |created| Made { id: "3".into(), description: format!("{mark}1"), recorded: false, created };
        assert!(kept.others(vec![made(None), made(Some("2026-01-10T00:00:00Z".parse().unwrap()))]).is_empty());
    }
}
