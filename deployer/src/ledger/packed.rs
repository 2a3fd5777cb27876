//! Releases of many functions: an item of DynamoDB has at most 400 KB.
//!
//! A release that is larger than [`PLAIN`] is packed: its JSON, compressed, in one attribute, in an item of schema 3. If it is still too
//! large, checks that only people read are left out, and their number takes their place. What a revert, a rollback or a recovery needs is never left
//! out: a release whose record could be too large for that is refused before it begins.

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::schema::PACKED;
use super::{CheckRecord, FunctionPart, Release, written};
use crate::failure::Failure;

/// The size of an item up to which it is written field by field. The last transaction of a release writes three of them: of up to this
/// size each they are 600 write units, and a partition of a table has 1,000 a second.
const PLAIN: usize = 100 * 1024;

/// The largest item, and some room for its key, its schema and the version.
const LARGEST: usize = 399 * 1024;

/// More than any release has: not all that fits into an item when it is compressed is one.
const UNPACKED: u64 = 64 << 20;

/// The attribute of the compressed release.
const ATTRIBUTE: &str = "packed";

/// A check's response is cut to this length, if the record would be too large otherwise.
const RESPONSE: usize = 300;

/// The most checks that failed in a record that would be too large otherwise.
const FAILED: usize = 20;

/// The longest reason in such a record.
const REASON: usize = 4_000;

/// A release as it is written. One that may be too large is packed, and shortened if it has to be.
///
/// # Errors
/// It cannot be compressed.
pub(super) fn fitting(release: &Release) -> Result<Value> {
    let whole = written(release)?;
    let text = whole.to_string();
    if text.len() <= PLAIN {
        return Ok(whole);
    }
    let packed = pack(release, &text)?;
    if size(&packed) <= LARGEST {
        return Ok(packed);
    }
    let short = shortened(release);
    pack(&short, &written(&short)?.to_string())
}

/// The same for one that has not begun.
///
/// # Errors
/// Its record could become too large.
pub(super) fn first(release: &Release) -> Result<Value> {
    let item = fitting(release)?;
    if !is_packed(&item) {
        return Ok(item);
    }
    let size = size(&fitting(&largest(release))?);
    if size <= LARGEST {
        return Ok(item);
    }
    let what = format!(
        "the record of a release of {} functions needs {} KB, and an item of DynamoDB has at most 400 KB",
        release.parts.functions.len(),
        size.div_ceil(1024)
    );
    Err(Failure::refused(what)
        .hint("give some of the functions a `deployer.toml` and a ledger of their own; nothing was changed")
        .into())
}

/// The release of an item, which may be packed.
///
/// # Errors
/// What is packed cannot be read.
pub(super) fn opened(item: Value) -> Result<Value> {
    let Some(packed) = item[ATTRIBUTE].as_str() else { return Ok(item) };
    let packed = STANDARD.decode(packed).context("it is not base64")?;
    let (mut text, mut reader) = (String::new(), DeflateDecoder::new(&packed[..]).take(UNPACKED));
    reader.read_to_string(&mut text).context("it cannot be decompressed")?;
    serde_json::from_str(&text).context("it is not JSON")
}

/// Whether an item, or the release in one, is packed.
pub(super) fn is_packed(item: &Value) -> bool {
    item[ATTRIBUTE].is_string() || item["release"][ATTRIBUTE].is_string()
}

/// What its record can become, once it is shortened: with a new version of each function, the times of all steps, and a long reason. Digests do
/// not compress, and so stand for what is not known yet.
fn largest(release: &Release) -> Release {
    let digest = |of: &str| Sha256::digest(of);
    let mut end = release.clone();
    for (key, part) in &mut end.parts.functions {
        *part = FunctionPart { version: format!("{}0", part.version), code_sha256: STANDARD.encode(digest(key)) };
    }
    for (index, step) in end.steps.iter_mut().enumerate() {
        let digest = digest(&format!("{index}{}", step.step));
        step.started_at = Some(release.started_at.clone());
        step.millis = Some(digest.iter().take(3).fold(0, |millis, byte| millis * 256 + u64::from(*byte)));
    }
    let longest: String = (0..).map(|index| STANDARD.encode(digest(&format!("{index}")))).take(FAILED * 8).collect();
    let failed = CheckRecord {
        name: String::new(),
        phase: String::new(),
        passed: false,
        response: longest.clone(),
        requests: 1,
        by_invoke: None,
    };
    end.checks = vec![failed; FAILED];
    end.reason = Some(longest);
    end
}

/// With a few fields beside it, for people who look at the table.
fn pack(release: &Release, text: &str) -> Result<Value> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).context("failed to compress a release")?;
    let packed = encoder.finish().context("failed to compress a release")?;
    let Release { number, kind, state, stable, actor, started_at, .. } = release;
    Ok(json!({
        "number": number, "kind": kind, "state": state, "stable": stable, "actor": actor, "started_at": started_at,
        (ATTRIBUTE): STANDARD.encode(packed),
    }))
}

/// What DynamoDB counts is the names and values of an item, which as JSON are a little longer.
fn size(item: &Value) -> usize {
    item.to_string().len()
}

/// Without what no release depends on: checks that passed, most that failed, and long texts. The next deploy has to build again, because
/// it is not known what the build read.
fn shortened(release: &Release) -> Release {
    let mut short = release.clone();
    let mut passed: Vec<CheckRecord> = Vec::new();
    let mut failed = Vec::new();
    for check in &release.checks {
        if !check.passed && failed.len() < FAILED {
            failed.push(CheckRecord { response: cut(&check.response, RESPONSE), by_invoke: None, ..check.clone() });
            continue;
        }
        match passed.iter_mut().find(|other| other.phase == check.phase && other.passed == check.passed) {
            Some(others) => others.requests += 1,
            None => passed.push(CheckRecord { by_invoke: None, requests: 1, ..check.clone() }),
        }
    }
    for others in &mut passed {
        let (count, how) = (others.requests, if others.passed { "passed" } else { "failed" });
        others.name = format!("{count} checks");
        others.response = format!("{count} checks that {how} are left out: an item of the ledger has at most 400 KB");
    }
    short.checks = failed.into_iter().chain(passed).collect();
    short.reason = release.reason.as_deref().map(|reason| cut(reason, REASON));
    short.artifact.reads = None;
    // What a newer version added to a check would be added to another one.
    short.beyond = release.beyond.clone().without("checks");
    short
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The schema of an item with such a release.
pub(super) fn schema_of(item: &Value) -> Option<u64> {
    is_packed(item).then_some(PACKED)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;
    use crate::ledger::{ReleaseState, StepRecord, numbered};

    /// How many steps a canary with five shifts has for each function.
    const STEPS: usize = 7;

    fn name(index: usize) -> String {
        // As tools that generate templates write them, with the most characters that Lambda allows.
        let hash =
            Sha256::digest(format!("function {index}")).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("payments-production-OrderHistoryExport{index:04}Handler{}", &hash[..15])
    }

    fn digest(chance: &mut fastrand::Rng) -> String {
        STANDARD.encode(std::iter::repeat_with(|| chance.u8(..)).take(32).collect::<Vec<_>>())
    }

    /// A text that does not compress.
    fn text(chance: &mut fastrand::Rng, digests: usize) -> String {
        (0..digests).map(|_| digest(chance)).collect()
    }

    /// One of `count` functions as it is meant: each has a route, and a hash of its sources.
    fn intent(count: usize) -> Release {
        let chance = &mut fastrand::Rng::with_seed(1);
        let mut named = |of: &mut dyn FnMut(String, &mut fastrand::Rng) -> Value| -> Value {
            (0..count).map(|index| (name(index), of(name(index), chance))).collect::<serde_json::Map<_, _>>().into()
        };
        let parts = named(&mut |_, chance| json!({"version": "17", "code_sha256": digest(chance)}));
        let sources = named(&mut |_, chance| json!(digest(chance)));
        let routes: BTreeMap<_, _> =
            (0..count).map(|index| (format!("GET /{}", name(index)), format!("{}:live", name(index)))).collect();
        let shape: BTreeMap<_, _> =
            routes.keys().map(|route| (route.clone(), digest(&mut fastrand::Rng::with_seed(2)))).collect();
        let mut release: Release = serde_json::from_value(json!({
            "number": 18, "kind": "deploy", "state": "pending", "parts": {"functions": parts}, "previous_parts": {"functions": parts}, "previous": 17,
            "artifact": {"source_hash": "s", "functions": sources}, "definition": "x", "actor": "ada", "routes": routes,
            "shape": shape, "started_at": "2026-01-10T00:00:00.123456789Z", "fencing_token": 1,
        }))
        .unwrap();
        for step in 0..STEPS {
            let of = |index| {
                StepRecord::planned(&format!("give the new version of {} {step} % of the traffic", name(index)))
            };
            release.steps.extend((0..count).map(of));
        }
        release
    }

    /// The same as it ends: each function has a new version, three checks and long responses.
    fn ended(count: usize, passed: bool) -> Release {
        let (mut release, mut chance) = (intent(count), fastrand::Rng::with_seed(3));
        for part in release.parts.functions.values_mut() {
            *part = FunctionPart { version: "18".to_owned(), code_sha256: digest(&mut chance) };
        }
        for step in &mut release.steps {
            (step.started_at, step.millis) =
                (Some("2026-01-10T00:01:00.123456789Z".to_owned()), Some(chance.u64(..100_000)));
        }
        for phase in ["before traffic", "after aliases", "after stage"] {
            let check = |name: &String| CheckRecord {
                name: name.clone(),
                phase: phase.to_owned(),
                passed,
                response: format!("GET /{name} returned 200 {}", text(&mut chance, 20)),
                requests: 3,
                by_invoke: None,
            };
            release.checks.extend(release.parts.functions.keys().map(check));
        }
        (release.state, release.stable) = (ReleaseState::Live, true);
        release.reason = (!passed).then(|| text(&mut chance, 1_000));
        release
    }

    /// The release that is read back.
    fn again(item: &Value) -> Release {
        let mut item = item.clone();
        (item["pk"], item["sk"]) = (json!("a"), json!("release#00000018"));
        numbered("l", item).unwrap()
    }

    #[test]
    fn a_release_of_a_few_functions_is_written_field_by_field() {
        let item = fitting(&ended(5, true)).unwrap();
        assert!(!is_packed(&item) && schema_of(&item).is_none());
        assert_eq!(again(&item), ended(5, true));
    }

    #[test]
    fn a_packed_release_is_read_back_whole() {
        let mut release = ended(500, true);
        release.checks.iter_mut().for_each(|check| check.response = format!("GET /{} returned 200", check.name));
        let item = fitting(&release).unwrap();
        assert!(is_packed(&item) && size(&item) <= LARGEST, "{}", size(&item));
        assert_eq!(schema_of(&item), Some(PACKED));
        assert_eq!(again(&item), release);
    }

    #[test]
    fn five_hundred_functions_fit_into_an_item_at_their_largest() {
        for passed in [true, false] {
            let release = ended(500, passed);
            assert!(written(&release).unwrap().to_string().len() > 5 * LARGEST);
            first(&intent(500)).unwrap();
            let item = fitting(&release).unwrap();
            assert!(size(&item) <= LARGEST, "{}", size(&item));
            let read = again(&item);
            // All that a revert, a rollback, a recovery and the next deploy depend on.
            let needed = |of: &Release| Release { checks: Vec::new(), reason: None, ..of.clone() };
            assert_eq!(needed(&read), needed(&release));
            assert!(read.is_carried_out());
            assert_eq!(read.checks.iter().filter(|check| check.response.contains("are left out")).count(), 3);
            assert!(!passed || read.checks[0].name == "500 checks", "{:?}", read.checks[0]);
            assert!(passed || read.checks[..FAILED].iter().all(|check| !check.passed && check.name.starts_with("pay")));
        }
    }

    #[test]
    fn a_release_that_may_begin_can_be_recorded_at_its_end() {
        let mut refused = 0;
        for count in [300, 600, 900, 1_200, 1_500, 2_000] {
            match first(&intent(count)) {
                Ok(_) => {
                    let size = size(&fitting(&ended(count, false)).unwrap());
                    assert!(size <= LARGEST, "{count}: {size}");
                }
                Err(error) => {
                    assert_eq!(error.exit(), Exit::Refused);
                    assert!(error.to_string().contains("functions needs"), "{error}");
                    refused += 1;
                }
            }
        }
        assert!((1..6).contains(&refused), "{refused}");
    }

    #[test]
    fn what_cannot_be_unpacked_is_refused() {
        for packed in ["?", "aGVsbG8=", ""] {
            let item = json!({"pk": "a", "sk": "release#00000018", "number": 18, (ATTRIBUTE): packed});
            assert_eq!(numbered("l", item).unwrap_err().exit(), Exit::Refused, "{packed}");
        }
    }
}
