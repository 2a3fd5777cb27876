//! `$LATEST`: one update at a time, revisions that move twice, and publishing under conditions.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::answer::{Answer, decoded, encoded};
use super::{Exchange, code};

/// A function as the emulator has it.
pub(super) struct Function {
    pub latest: Value,
    pub versions: Vec<Value>,
}

impl Function {
    pub(super) async fn of(call: &Exchange<'_>, name: &str) -> Result<Self, Answer> {
        let mut all = call.ask(&format!("/2015-03-31/functions/{name}/versions?MaxItems=10000")).await?;
        let mut versions = all["Versions"].take().as_array().cloned().unwrap_or_default().into_iter();
        Ok(Self { latest: versions.next().unwrap_or_default(), versions: versions.collect() })
    }

    /// `arn:aws:lambda:…:function:NAME`.
    pub(super) fn arn(&self) -> &str {
        self.latest["FunctionArn"].as_str().unwrap_or_default()
    }

    pub(super) fn has(&self, version: &str) -> bool {
        self.versions.iter().any(|known| known["Version"] == version)
    }

    /// The number of the newest version; 0 before the first.
    pub(super) fn newest(&self) -> u64 {
        let numbers = self.versions.iter().filter_map(|version| version["Version"].as_str()?.parse().ok());
        numbers.max().unwrap_or_default()
    }

    /// The revision of `$LATEST` as AWS would give it.
    pub(super) fn revision(&self) -> String {
        revision(&self.latest, self.newest())
    }
}

/// On AWS the revision of `$LATEST` moves at an update, again when `LastUpdateStatus` turns Successful (validated by
/// localstack), and when a version is published; the emulator's moves at the update only. So it is made of all three:
/// without memory, so that it is the same through another front, and after a change behind this one's back.
pub(super) fn revision(latest: &Value, newest: u64) -> String {
    let real = latest["RevisionId"].as_str().unwrap_or_default();
    if latest["LastUpdateStatus"] == "InProgress" {
        return real.to_owned();
    }
    let digest = Sha256::digest(format!("{real} settled, version {newest}"));
    uuid::Uuid::from_slice(&digest[..16]).unwrap().to_string()
}

/// Refuses a change of `$LATEST` while another one is in progress, or that was meant for another revision.
fn admit(call: &Exchange<'_>, function: &Function, request: &Value) -> Result<(), Answer> {
    if function.latest["LastUpdateStatus"] == "InProgress" {
        let words = "The operation cannot be performed at this time. An update is in progress for resource: ";
        return Err(call.refuse(409, "ResourceConflictException", &format!("{words}{}", function.arn())));
    }
    match request["RevisionId"].as_str() {
        Some(given) if given != function.revision() => Err(call.refuse(
            412,
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId for the Lambda function or alias. Call the \
             GetFunction or the GetAlias API to retrieve the latest RevisionId for your resource.",
        )),
        _ => Ok(()),
    }
}

/// UpdateFunctionCode and UpdateFunctionConfiguration.
pub(super) async fn update(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let name = call.segment(2);
    let _alone = call.account.alone(name).await;
    let function = Function::of(call, name).await?;
    let mut request = call.json();
    admit(call, &function, &request)?;
    if request["DryRun"] == true {
        return Ok(dry_run(&function, &request));
    }
    if request["RevisionId"].is_string() {
        request["RevisionId"] = function.latest["RevisionId"].clone();
    }
    if call.name == "UpdateFunctionCode" {
        code::remember(call.account, call.signed(), &function.latest).await;
        code::remember_upload(&request);
    }
    let answer = call.forward_with(request.to_string()).await;
    let published = answer.value()["Version"].as_str().is_some_and(|version| version.parse::<u64>().is_ok());
    if answer.good() && published {
        return Ok(held_back(call, name, answer));
    }
    Ok(answer)
}

/// What AWS answers to `DryRun`: what would be, and nothing is written.
fn dry_run(function: &Function, request: &Value) -> Answer {
    let mut would_be = function.latest.clone();
    would_be["RevisionId"] = json!(function.revision());
    if let Some(zip) = request["ZipFile"].as_str().and_then(decoded) {
        would_be["CodeSha256"] = json!(encoded(&Sha256::digest(&zip)));
        would_be["CodeSize"] = json!(zip.len());
    }
    Answer::json(200, &would_be)
}

/// PublishVersion. The emulator looks at neither of its conditions.
pub(super) async fn publish(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let name = call.segment(2);
    let _alone = call.account.alone(name).await;
    let function = Function::of(call, name).await?;
    let request = call.json();
    admit(call, &function, &request)?;
    let code = &function.latest["CodeSha256"];
    if request["CodeSha256"].as_str().is_some_and(|wanted| !wanted.is_empty() && *code != wanted) {
        let message = format!(
            "CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST ({code}). Please try again \
             with the CodeSHA256 in $LATEST.",
            request["CodeSha256"]
        );
        return Err(call.refuse(400, "InvalidParameterValueException", &message.replace('"', "")));
    }
    let answer = call.forward().await;
    let known = answer.value()["Version"].as_str().is_some_and(|version| function.has(version));
    // While nothing was updated in between, the answer is the version that there is already.
    if answer.good() && !known { Ok(held_back(call, name, answer)) } else { Ok(answer) }
}

/// A new version is Pending for a while, and says so from its first answer on.
fn held_back(call: &Exchange<'_>, name: &str, answer: Answer) -> Answer {
    let mut version = answer.value();
    call.account.hold_back(name, version["Version"].as_str().unwrap_or_default(), call.shared.settings().pending);
    super::versions::state(call.account, name, &mut version);
    answer.with_json(&version)
}
