//! Uploads, and the versions that are published of them.

use anyhow::{Context as _, Result};
use aws_sdk_lambda::types::Environment;

use super::{Facts, Function, Response, zip};

/// SHA-256 of nothing that was ever uploaded.
const WRONG_SHA: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
pub(super) const WRONG_REVISION: &str = "00000000-0000-4000-8000-000000000000";

/// Returns the first version, which has the code `b`.
pub(super) async fn probe(function: &Function, facts: &mut Facts) -> Result<String> {
    update(function, facts).await?;
    let first = publish(function, facts).await?;
    again(function, &first, facts).await?;
    dry_run(function, facts).await?;
    Ok(first)
}

async fn revision(function: &Function) -> Result<(String, String)> {
    let about = function.ready(None).await?.configuration.context("GetFunction came back empty")?;
    Ok((about.revision_id.unwrap_or_default(), about.code_sha256.unwrap_or_default()))
}

async fn update(function: &Function, facts: &mut Facts) -> Result<()> {
    let name = &function.name;
    let upload = function.lambda.update_function_code().function_name(name).zip_file(zip("b")?.into());
    let updated = upload.send().await?;
    let busy = Response::of(&function.once.publish_version().function_name(name).send().await);
    facts.refused("conflict-in-progress", &busy, 409, "ResourceConflictException");
    let mut stale = 0;
    for _ in 0..5 {
        let read = function.lambda.get_function().function_name(name).send().await?;
        stale += usize::from(read.configuration().and_then(|about| about.code_sha256()) != updated.code_sha256());
    }
    facts.happened("read-lag-update", stale > 0, format!("{stale} of 5 reads showed the old code"));
    let (after, _) = revision(function).await?;
    let moved = updated.revision_id() != Some(&after);
    facts.holds("revision-moves-twice", moved, if moved { "it moved again" } else { "it moved once" });
    Ok(())
}

async fn publish(function: &Function, facts: &mut Facts) -> Result<String> {
    let name = &function.name;
    let wrong = function.once.publish_version().function_name(name).code_sha256(WRONG_SHA).send().await;
    facts.refused("publish-wrong-sha", &Response::of(&wrong), 400, "InvalidParameterValueException");
    let wrong = function.once.publish_version().function_name(name).revision_id(WRONG_REVISION).send().await;
    facts.refused("publish-wrong-revision", &Response::of(&wrong), 412, "PreconditionFailedException");

    // What the refused calls may have published all the same must not be taken for this one's.
    function.upload("b").await?;
    let (before, _) = revision(function).await?;
    let published = function.lambda.publish_version().function_name(name).send().await?;
    let version = published.version.context("PublishVersion named no version")?;
    let read = Response::of(&function.once.get_function().function_name(name).qualifier(&version).send().await);
    facts.happened("read-lag-publish", read.status == 404, format!("version {version}: {read}"));
    function.ready(Some(&version)).await?;
    let (after, _) = revision(function).await?;
    facts.holds("publish-moves-latest", before != after, if before == after { "it stayed" } else { "it moved" });
    Ok(version)
}

async fn again(function: &Function, first: &str, facts: &mut Facts) -> Result<()> {
    let same = function.publish().await?;
    facts.holds("publish-idempotent", same == first, format!("version {first}, then {same}"));
    function.upload("b").await?;
    let next = function.publish().await?;
    facts.holds("same-bytes-new-version", next != same, format!("version {same}, then {next}"));
    let settings = Environment::builder().variables("PROBE", "changed").build();
    function.lambda.update_function_configuration().function_name(&function.name).environment(settings).send().await?;
    function.ready(None).await?;
    let changed = function.publish().await?;
    let old = function.ready(Some(&next)).await?.configuration.and_then(|about| about.environment);
    let kept = old.is_none_or(|old| old.variables.unwrap_or_default().is_empty());
    let seen =
        format!("version {next}, then {changed}; the old one's settings {}", if kept { "stayed" } else { "changed" });
    facts.holds("configuration-new-version", changed != next && kept, seen);
    Ok(())
}

async fn dry_run(function: &Function, facts: &mut Facts) -> Result<()> {
    let before = revision(function).await?;
    let upload = function.once.update_function_code().function_name(&function.name).dry_run(true);
    let response = Response::of(&upload.zip_file(zip("dry")?.into()).send().await);
    let after = revision(function).await?;
    let seen = match (before.1 == after.1, before.0 == after.0) {
        (true, true) => format!("{response}; code and RevisionId stayed"),
        (true, false) => "RevisionId moved".to_owned(),
        (false, _) => "the code changed".to_owned(),
    };
    facts.holds("dry-run-writes-nothing", before == after, seen);
    Ok(())
}
