//! What `previous` means in `rollback --to previous`.

use super::Release;

/// The newest stable release whose parts differ from those of `of` and that came before these parts did: after a
/// rollback from a bad release it is not the bad one. `history` has the newest first.
pub fn previous<'a>(history: &'a [Release], of: &Release) -> Option<&'a Release> {
    let same = history.iter().filter(|release| release.parts == of.parts && release.stable);
    let came = same.map(|release| release.number).min().unwrap_or(of.number);
    history.iter().find(|release| release.stable && release.number < came && release.parts != of.parts)
}
