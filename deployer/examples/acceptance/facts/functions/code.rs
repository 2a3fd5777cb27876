//! The code of the probed function, what its log shows, and what GetFunction gives back of it.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use aws_sdk_lambda::types::LogType;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

use super::{Facts, Function};
use crate::facts::functions::alias::ALIAS;

/// The runtime has bash and curl; the response is one for API Gateway.
const BOOTSTRAP: &str = r#"#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
shopt -s nocasematch
while headers=$(curl -fsS --noproxy '*' -D - -o /dev/null "$api/next"); do
  [[ $headers =~ lambda-runtime-aws-request-id:\ *([^[:space:]]+) ]] || exit 1
  echo "probe MARK"
  curl -fsS --noproxy '*' -o /dev/null -d '{"statusCode":200,"body":"MARK"}' "$api/${BASH_REMATCH[1]}/response" || exit 1
done
exit 1
"#;

/// A zip whose function returns, and logs, `mark`. The same mark is the same bytes.
pub(in crate::facts) fn zip(mark: &str) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755))?;
    zip.write_all(BOOTSTRAP.replace("MARK", mark).as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

pub(super) async fn probe(function: &Function, first: &str, facts: &mut Facts) -> Result<()> {
    let invoke = function.lambda.invoke().function_name(&function.name).qualifier(ALIAS).log_type(LogType::Tail);
    let output = invoke.send().await;
    let output = output.ok().filter(|output| output.function_error().is_none());
    let log = output.map(|output| output.log_result.unwrap_or_default());
    let decoded = |log: String| BASE64_STANDARD.decode(log).unwrap_or_default();
    match log.map(decoded).map(|log| String::from_utf8_lossy(&log).into_owned()) {
        Some(log) => facts.holds("log-tail", log.contains("probe c"), format!("{} bytes", log.len())),
        None => facts.not_seen("log-tail", "no invoke came back"),
    }
    let version = function.ready(Some(first)).await?;
    let expected = version.configuration().and_then(|about| about.code_sha256()).unwrap_or_default().to_owned();
    let address = version.code().and_then(|code| code.location()).context("GetFunction gave no address of the zip")?;
    let bytes = match download(address).await {
        Ok(bytes) => bytes,
        Err(error) => {
            facts.not_seen("version-keeps-its-zip", format!("the zip could not be fetched: {error:#}"));
            return Ok(());
        }
    };
    let given = BASE64_STANDARD.encode(Sha256::digest(&bytes));
    let seen =
        format!("SHA-256 of version {first} {}", if given == expected { "as published" } else { "of another version" });
    facts.holds("version-keeps-its-zip", given == expected, seen);
    Ok(())
}

/// The address opens the zip to whom it is shown: it goes into no message.
async fn download(address: &str) -> Result<Vec<u8>> {
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(60)).build()?;
    let response = client.get(address).send().await.map_err(reqwest::Error::without_url)?;
    Ok(response.bytes().await.map_err(reqwest::Error::without_url)?.to_vec())
}
