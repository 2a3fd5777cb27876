//! UpdateFunctionCode.

use std::io::Cursor;

use base64::Engine as _;
use serde_json::Value;

use super::asked::Asked;
use super::model::{Function, State, Update};
use super::package::{Code, Package, Pull};
use super::publish::{self, Publication};
use super::refusal::Refusal;
use super::rules::Rules;
use super::show::Shown;
use super::{Lambda, ObjectError, Objects};
use crate::aws::wire::{Moment, Reply};

impl Lambda {
    pub(super) fn update_code(
        &mut self,
        asked: &Asked<'_>,
        moment: &mut Moment,
        objects: &dyn Objects,
    ) -> Result<Reply, Refusal> {
        if asked.request.body.len() > self.rules.request {
            let limit = self.rules.request;
            return Err(too_large(&format!(
                "Request must be smaller than {limit} bytes for the UpdateFunctionCode operation"
            )));
        }
        let function = self.function(asked)?;
        function.admit(asked.text("RevisionId"))?;
        let code = match function.facts.latest.code.package {
            Package::Zip(_) => Code::of(source(&asked.body, &self.rules, objects)?),
            Package::Image(_) => Code::of_image(self.image(&asked.body)?),
        };
        checked(&code, &self.rules)?;
        let publishes = asked.body["Publish"] == true;
        let copies = if publishes { 2 } else { 1 };
        if self.stored() + code.size() * copies > self.rules.code_storage {
            return Err(Refusal::new(400, "CodeStorageExceededException", "Code storage limit exceeded."));
        }
        let Self { functions, rules, ids, zips, .. } = self;
        let Some(function) = functions.get_mut(&asked.function) else { return Err(Refusal::no_function("")) };
        let architecture = asked.body["Architectures"][0].as_str().map(str::to_owned);
        let mut would_be = function.facts.latest.clone();
        would_be.code = code.clone();
        would_be.configuration.architecture = architecture.unwrap_or(would_be.configuration.architecture);
        if asked.body["DryRun"] == true {
            let shown = Shown { function, qualifier: "", epoch: moment.epoch, rules }.alone(&would_be);
            return Ok(Reply::json(200, &shown));
        }
        function.keep(moment.now, rules);
        if let Package::Zip(zip) = &code.package {
            zips.insert(code.sha256.clone(), zip.clone());
        }
        begin(function, moment, rules);
        let latest = &mut function.facts.latest;
        (latest.code, latest.configuration) = (would_be.code, would_be.configuration);
        latest.revision = ids.next();
        let mut version = latest.clone();
        if publishes {
            let (now, state) = (moment.now, State::creating(moment.now + rules.pending));
            let description = latest.configuration.description.clone();
            version = publish::publish(function, &Publication { now, state, description }, ids);
        }
        let qualifier = if publishes { version.version.as_str() } else { "" };
        let shown = Shown { function, qualifier, epoch: moment.epoch, rules }.alone(&version);
        Ok(Reply::json(200, &shown))
    }

    /// The bytes that all versions' zips take.
    pub(super) fn stored(&self) -> u64 {
        let facts = self.functions.values().map(|function| &function.facts);
        let all = facts.flat_map(|facts| facts.versions.values().chain([&facts.latest]));
        all.map(|version| version.code.size()).sum()
    }

    /// The image that a function of images is to have (the messages are those that people report: zappa/Zappa#1459,
    /// aws/aws-cdk#24648, aws/containers-roadmap#1281). Only pushed digests are supported, no tags.
    fn image<'a>(&self, body: &'a Value) -> Result<&'a str, Refusal> {
        let has_other = ["ZipFile", "S3Bucket"].iter().any(|name| body[name].is_string());
        let Some(image) = body["ImageUri"].as_str().filter(|_| !has_other) else {
            return Err(Refusal::invalid("Please provide ImageUri when updating a function with packageType Image."));
        };
        match self.images.get(image) {
            Some(Pull::Allowed) => Ok(image),
            Some(Pull::Denied) => {
                let message = "Lambda does not have permission to access the ECR image. Check the ECR permissions.";
                Err(Refusal::new(403, "AccessDeniedException", message))
            }
            None => {
                Err(Refusal::invalid(&format!("Source image {image} does not exist. Provide a valid source image.")))
            }
        }
    }
}

/// `$LATEST` is being updated from now on. Publishing is idempotent only while no update came between, whatever it
/// changed (moto#8379, checked on AWS).
pub(super) fn begin(function: &mut Function, moment: &Moment, rules: &Rules) {
    let latest = &mut function.facts.latest;
    // After a failed update what ran before still runs.
    let running = latest.running();
    latest.before = Some(Box::new((running.0.clone(), running.1.clone())));
    latest.update = Update::InProgress { until: moment.now + rules.update_takes };
    latest.modified = moment.now;
    function.published = None;
}

fn too_large(message: &str) -> Refusal {
    Refusal::new(413, "RequestEntityTooLargeException", message)
}

/// The zip, from the request or from S3.
fn source(body: &Value, rules: &Rules, objects: &dyn Objects) -> Result<Vec<u8>, Refusal> {
    if body["ImageUri"].is_string() {
        return Err(Refusal::invalid("Please don't provide ImageUri when updating a function with packageType Zip."));
    }
    match (body["ZipFile"].as_str(), body["S3Bucket"].as_str()) {
        (Some(_), Some(_)) => {
            Err(Refusal::invalid("Please do not provide other FunctionCode parameters when providing a ZipFile."))
        }
        (None, None) => Err(Refusal::invalid("Please provide a source for function code.")),
        (Some(text), None) => {
            let zip = base64::engine::general_purpose::STANDARD.decode(text);
            let zip = zip.map_err(|_| Refusal::new(400, "SerializationException", "Expected base64."))?;
            if zip.len() > rules.zipped {
                return Err(too_large(&format!("Zipped size must be smaller than {} bytes", rules.zipped)));
            }
            Ok(zip)
        }
        (None, Some(bucket)) => {
            let key = body["S3Key"].as_str().unwrap_or_default();
            objects.object(bucket, key, body["S3ObjectVersion"].as_str()).map_err(|error| of_s3(error, bucket, key))
        }
    }
}

/// Lambda passes on S3's error.
fn of_s3(error: ObjectError, bucket: &str, key: &str) -> Refusal {
    let (code, message) = match error {
        ObjectError::NoBucket => ("NoSuchBucket", "The specified bucket does not exist"),
        ObjectError::NoKey => ("NoSuchKey", "The specified key does not exist."),
        ObjectError::NoVersion => ("NoSuchVersion", "The specified version does not exist."),
        ObjectError::OtherRegion => ("PermanentRedirect", "The bucket is in another region"),
        ObjectError::Denied => {
            let message = format!(
                "Your access has been denied by S3, please make sure your request credentials have permission to \
                 GetObject for {bucket}/{key}. S3 Error Code: AccessDenied. S3 Error Message: Access Denied"
            );
            return Refusal::new(403, "AccessDeniedException", &message);
        }
    };
    Refusal::invalid(&format!("Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"))
}

/// Refuses what is not a zip, or too big when unpacked.
fn checked(code: &Code, rules: &Rules) -> Result<(), Refusal> {
    let Package::Zip(zip) = &code.package else { return Ok(()) };
    if !rules.checks_zips {
        return Ok(());
    }
    let unreadable =
        || Refusal::invalid("Could not unzip uploaded file. Please check your file, then try to upload again.");
    let mut archive = zip::ZipArchive::new(Cursor::new(zip.as_slice())).map_err(|_| unreadable())?;
    let mut unzipped = 0;
    for index in 0..archive.len() {
        unzipped += archive.by_index_raw(index).map_err(|_| unreadable())?.size();
    }
    if unzipped > rules.unzipped {
        return Err(Refusal::invalid(&format!("Unzipped size must be smaller than {} bytes", rules.unzipped)));
    }
    Ok(())
}
