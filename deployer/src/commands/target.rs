//! Which release `rollback --to` means. Pure.

use anyhow::Result;

use crate::failure::Failure;
use crate::ledger::{Release, ReleaseState, previous};

/// The release that `to` names: a number, `previous`, or the beginning of a commit. `history` has the newest first.
///
/// # Errors
/// There is none, or it was never stable (unless `force`).
pub(super) fn target<'a>(history: &'a [Release], live: &Release, to: &str, force: bool) -> Result<&'a Release> {
    if to == "previous" {
        return previous(history, live).ok_or_else(|| {
            Failure::refused(format!("no stable release came before release {live}"))
                .hint("deploy the commit that you want; `deployer history` lists the releases")
                .into()
        });
    }
    let named = to.parse().ok().and_then(|number: u32| history.iter().find(|release| release.number == number));
    let found = named.or_else(|| of_commit(history, to)).ok_or_else(|| {
        Failure::refused(format!("there is no release `{to}`"))
            .hint("`deployer history` lists them; name a number, `previous`, or 7 or more digits of a commit")
    })?;
    // One that failed before any traffic may have versions whose checks failed: `--force` does not allow that.
    let served = matches!(found.state, ReleaseState::Reverted | ReleaseState::Live | ReleaseState::Superseded);
    if found.stable || (force && served) {
        return Ok(found);
    }
    let what = match &found.reason {
        Some(reason) => format!("release {found} was never stable: {reason}"),
        None => format!("release {found} was never stable: it is {}", found.state),
    };
    let hint = if served {
        "name a stable one, or pass `--force` to roll back to this one anyway"
    } else {
        "name a stable one: this one never took traffic, so `--force` does not apply"
    };
    Err(Failure::refused(what).hint(hint).into())
}

/// # Errors
/// `to` can name no release: it is neither a number, nor `previous`, nor the beginning of a commit.
pub(super) fn refuse_unreadable(to: &str) -> Result<()> {
    let is_commit = to.len() >= 4 && to.bytes().all(|byte| byte.is_ascii_hexdigit());
    if to == "previous" || is_commit || to.parse::<u32>().is_ok() {
        return Ok(());
    }
    let hint = match is_like_previous(to) {
        true => "did you mean `previous`?",
        false => "name a number, `previous`, or 7 or more digits of a commit; `deployer history` lists the releases",
    };
    Err(Failure::refused(format!("there is no release `{to}`")).hint(hint).into())
}

/// Whether most of the letters are those of `previous`, in their order: two may be swapped, missing or wrong.
fn is_like_previous(to: &str) -> bool {
    const WORD: &str = "previous";
    let to = to.to_lowercase();
    let (begin, end) = (common(WORD.chars(), to.chars()), common(WORD.chars().rev(), to.chars().rev()));
    begin >= 4 || (to.len().abs_diff(WORD.len()) <= 2 && begin + end + 2 >= WORD.len())
}

fn common(one: impl Iterator<Item = char>, two: impl Iterator<Item = char>) -> usize {
    one.zip(two).take_while(|(one, two)| one == two).count()
}

/// Whether the newest releases, as far as they were read, have the one that `to` names.
pub(super) fn is_enough(seen: &[Release], to: &str) -> bool {
    if to == "previous" {
        let live = seen.iter().find(|release| release.state == ReleaseState::Live);
        // Its parts may have come long before it, with the release that it went back to.
        let came = |live: &Release| seen.last().is_some_and(|last| last.number < live.root());
        return live.is_some_and(|live| came(live) && previous(seen, live).is_some());
    }
    match to.parse::<u32>() {
        Ok(number) if seen.iter().any(|release| release.number == number) => true,
        _ => of_commit(seen, to).is_some_and(|found| found.stable),
    }
}

/// The newest stable release of a commit.
fn of_commit<'a>(history: &'a [Release], to: &str) -> Option<&'a Release> {
    let is_commit = to.len() >= 7 && to.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of = |release: &&Release| {
        release.artifact.commit.as_deref().is_some_and(|commit| commit.starts_with(&to.to_ascii_lowercase()))
    };
    let mut found = history.iter().filter(|release| is_commit && of(release));
    let newest = found.clone().find(|release| release.stable);
    newest.or_else(|| found.next())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    /// (number, version of its part, state), the newest first.
    fn history(releases: &[(u32, &str, &str)]) -> Vec<Release> {
        let release = |(number, version, state): &(u32, &str, &str)| {
            let parts = json!({"functions": {"f": {"version": version, "code_sha256": version}}, "deployment": "d"});
            serde_json::from_value(json!({
                "number": number, "kind": "deploy", "state": state, "parts": parts, "previous_parts": parts,
                "previous": 0, "stable": (["live", "superseded"].contains(state)), "definition": "x",
                "artifact": {"source_hash": "s", "functions": {}, "commit": format!("abcdef{number}")},
                "actor": "a", "started_at": "now", "fencing_token": 1,
            }))
            .unwrap()
        };
        releases.iter().map(release).collect()
    }

    fn chosen(releases: &[(u32, &str, &str)], to: &str, force: bool) -> Result<u32> {
        let history = history(releases);
        target(&history, &history[0], to, force).map(|release| release.number)
    }

    #[test]
    fn previous_is_the_last_good_one_however_often_one_went_back() {
        let mut all = vec![(27, "1", "superseded")];
        all.insert(0, (28, "2", "live"));
        assert_eq!(chosen(&all, "previous", false).unwrap(), 27);
        // 28 was bad, so 29 went back to 27: what came before is not 28.
        all.insert(0, (29, "1", "live"));
        assert!(chosen(&all, "previous", false).is_err());
        // 30 is bad too: back to the parts of 27, which 29 has.
        all.insert(0, (30, "3", "live"));
        assert_eq!(chosen(&all, "previous", false).unwrap(), 29);
    }

    #[test]
    fn previous_skips_what_failed_or_was_reverted() {
        let all = [(5, "4", "live"), (4, "3", "reverted"), (3, "2", "failed"), (2, "1", "superseded")];
        assert_eq!(chosen(&all, "previous", false).unwrap(), 2);
    }

    #[test]
    fn a_number_or_a_commit_names_a_release() {
        let all = [(3, "2", "live"), (2, "1", "superseded")];
        assert_eq!(chosen(&all, "2", false).unwrap(), 2);
        assert_eq!(chosen(&all, "ABCDEF2", false).unwrap(), 2);
        for unknown in ["7", "abcdef", "abcdef9", "latest"] {
            let error = chosen(&all, unknown, false).unwrap_err();
            assert!(error.to_string().contains(&format!("no release `{unknown}`")), "{error}");
        }
    }

    #[test]
    fn what_can_name_no_release_is_refused() {
        for readable in ["7", "previous", "abcd", "0123abc"] {
            refuse_unreadable(readable).unwrap();
        }
        for (to, is_close) in
            [("previuos", true), ("Previous", true), ("prev", true), ("latest", false), ("abc", false)]
        {
            let error = refuse_unreadable(to).unwrap_err();
            assert_eq!((error.exit(), error.to_string()), (Exit::Refused, format!("there is no release `{to}`")));
            assert_eq!(error.hint() == Some("did you mean `previous`?"), is_close, "{to}");
        }
    }

    #[test]
    fn what_never_was_stable_is_refused_unless_it_is_insisted_on() {
        let all = [(3, "2", "live"), (2, "1", "reverted")];
        let error = chosen(&all, "2", false).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        assert!(error.to_string().contains("release 2 was never stable"), "{error}");
        assert_eq!(chosen(&all, "2", true).unwrap(), 2);
    }

    #[test]
    fn what_failed_before_any_traffic_cannot_be_insisted_on() {
        assert!(chosen(&[(3, "2", "live"), (2, "1", "failed")], "2", true).is_err());
    }
}
