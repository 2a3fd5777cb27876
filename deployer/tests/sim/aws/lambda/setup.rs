//! What a test sets up, changes behind the deployer's back, and reads.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::code::begin;
use super::model::{Alias, Configuration, Facts, Function, LATEST, Provisioned, Routing, State, Update, Version};
use super::package::{Code, Package, Pull};
use super::publish::{self, Publication};
use super::{Lambda, Logged, elapse};
use crate::aws::wire::Moment;

/// An alias as it is, without stale reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AliasView {
    pub(crate) version: String,
    /// The share that AWS itself keeps during a warm-up included.
    pub(crate) weights: BTreeMap<String, f64>,
    pub(crate) revision: String,
    pub(crate) description: String,
}

/// A published version as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionView {
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) code_sha256: String,
    pub(crate) state: String,
}

impl Lambda {
    /// As Terraform with `publish = true`: version 1 is there, and Active.
    pub(crate) fn create_function(&mut self, name: &str, zip: &[u8], configuration: Configuration) {
        self.create_unpublished(name, zip, configuration);
        self.publish_first(name);
    }

    /// The same with a container image.
    pub(crate) fn create_function_of_image(&mut self, name: &str, image: &str, configuration: Configuration) {
        self.push_image(image, Pull::Allowed);
        self.create(name, Code::of_image(image), configuration);
        self.publish_first(name);
    }

    /// An image is in ECR from now on.
    pub(crate) fn push_image(&mut self, image: &str, pull: Pull) {
        self.images.insert(image.to_owned(), pull);
    }

    fn publish_first(&mut self, name: &str) {
        let Some(function) = self.functions.get_mut(name) else { return };
        let description = function.facts.latest.configuration.description.clone();
        let (now, state) = (Duration::ZERO, State::active());
        publish::publish(function, &Publication { now, state, description }, &mut self.ids);
    }

    /// A function with nothing but `$LATEST`.
    pub(crate) fn create_unpublished(&mut self, name: &str, zip: &[u8], configuration: Configuration) {
        let code = Code::of(zip.to_vec());
        self.zips.insert(code.sha256.clone(), Arc::new(zip.to_vec()));
        self.create(name, code, configuration);
    }

    fn create(&mut self, name: &str, code: Code, configuration: Configuration) {
        let latest = Version {
            version: LATEST.to_owned(),
            configuration,
            code,
            revision: self.ids.next(),
            modified: Duration::ZERO,
            state: State::active(),
            update: Update::Successful,
            before: None,
        };
        let function = Function {
            name: name.to_owned(),
            arn: self.arn(name, ""),
            facts: Facts { latest, versions: BTreeMap::new(), aliases: BTreeMap::new() },
            earlier: VecDeque::new(),
            newest: 0,
            published: None,
            publishes_next: false,
            policies: BTreeMap::new(),
            reserved: None,
            provisioned: BTreeMap::new(),
            tags: BTreeMap::new(),
            event_sources: Vec::new(),
        };
        self.functions.insert(name.to_owned(), function);
    }

    /// A published version that was recorded, which becomes the newest. Returns the digest of its code.
    pub(crate) fn add_version(&mut self, function: &str, number: u64, description: &str, zip: Vec<u8>) -> String {
        let (code, revision) = (Code::of(zip.clone()), self.ids.next());
        let sha256 = code.sha256.clone();
        self.zips.insert(sha256.clone(), Arc::new(zip));
        let function = self.function_mut(function);
        function.facts.latest.code = code;
        let mut version = function.facts.latest.clone();
        (version.version, version.revision) = (number.to_string(), revision);
        description.clone_into(&mut version.configuration.description);
        function.facts.versions.insert(number, version);
        (function.newest, function.published) = (number, Some(number));
        sha256
    }

    /// An alias that was recorded: the version, the weights of others, and the description.
    pub(crate) fn restore_alias(
        &mut self,
        function: &str,
        alias: &str,
        (version, weights, description): (&str, &BTreeMap<String, f64>, &str),
    ) {
        self.create_alias(function, alias, version);
        let Some(alias) = self.function_mut(function).facts.aliases.get_mut(alias) else { return };
        alias.routing.weights.clone_from(weights);
        description.clone_into(&mut alias.description);
    }

    pub(crate) fn create_alias(&mut self, function: &str, alias: &str, version: &str) {
        let revision = self.ids.next();
        self.log.push(Logged::Placed(function.to_owned(), version.to_owned()));
        let created = Alias {
            name: alias.to_owned(),
            description: String::new(),
            revision,
            routing: Routing { version: version.to_owned(), weights: BTreeMap::new() },
            warming: None,
            earlier: Vec::new(),
        };
        self.function_mut(function).facts.aliases.insert(alias.to_owned(), created);
    }

    /// A queue or stream calls a function: an alias of it, or with an empty qualifier the function itself.
    pub(crate) fn map_event_source(&mut self, function: &str, qualifier: &str, source: &str) {
        self.function_mut(function).event_sources.push((source.to_owned(), qualifier.to_owned()));
    }

    /// Gives a part of an alias's traffic to another version, behind the deployer's back.
    pub(crate) fn split_alias(&mut self, function: &str, alias: &str, (version, weight): (&str, f64)) {
        let Some(alias) = self.function_mut(function).facts.aliases.get_mut(alias) else { return };
        alias.routing.weights = BTreeMap::from([(version.to_owned(), weight)]);
    }

    /// As UpdateFunctionConfiguration by Terraform. False, and nothing is done, while another update is in progress.
    pub(crate) fn configure(
        &mut self,
        moment: &Moment,
        function: &str,
        change: impl FnOnce(&mut Configuration),
    ) -> bool {
        self.elapse(function, moment.now);
        let Self { functions, rules, ids, .. } = self;
        let Some(function) = functions.get_mut(function) else { return false };
        if function.admit(None).is_err() {
            return false;
        }
        function.keep(moment.now, rules);
        begin(function, moment, rules);
        change(&mut function.facts.latest.configuration);
        function.facts.latest.revision = ids.next();
        true
    }

    /// The same with `publish = true`: a version follows as soon as the update is done.
    pub(crate) fn configure_and_publish(
        &mut self,
        moment: &Moment,
        function: &str,
        change: impl FnOnce(&mut Configuration),
    ) -> bool {
        let changed = self.configure(moment, function, change);
        if changed {
            self.function_mut(function).publishes_next = true;
            self.elapse(function, moment.now);
        }
        changed
    }

    /// Lets a version (or `$LATEST`) be in any state, with `StateReasonCode` and `StateReason`.
    pub(crate) fn set_state(&mut self, function: &str, version: &str, state: &str, reason: Option<(&str, &str)>) {
        let reason = reason.map(|(code, text)| (code.to_owned(), text.to_owned()));
        if let Some(version) = self.function_mut(function).facts.version_mut(version) {
            version.state = State { name: state.to_owned(), reason, until: None };
        }
    }

    /// Deletes a version behind the deployer's back.
    pub(crate) fn delete_version(&mut self, function: &str, version: &str) {
        self.function_mut(function).facts.versions.retain(|_, known| known.version != version);
    }

    /// As after weeks without an invocation.
    pub(crate) fn make_inactive(&mut self, function: &str, version: &str) {
        self.set_state(function, version, "Inactive", Some(("Idle", "The function is idle.")));
    }

    /// Keeps environments warm for an alias or a version. The RevisionId of the version behind it moves (recorded).
    pub(crate) fn provision(&mut self, moment: &Moment, function: &str, alias: &str, count: i32) {
        let ready_at = moment.now + self.rules.warming;
        let revision = self.ids.next();
        let function = self.function_mut(function);
        let provisioned = Provisioned { count, ready_at, meanwhile: 0, modified: moment.now };
        function.provisioned.insert(alias.to_owned(), provisioned);
        let version = function.facts.version(alias).map(|version| version.version.clone()).unwrap_or_default();
        if let Some(version) = function.facts.version_mut(&version) {
            version.revision = revision;
        }
    }

    /// Reserves executions, which is the function's limit too; 0 lets nothing run.
    pub(crate) fn reserve(&mut self, function: &str, executions: Option<i32>) {
        self.function_mut(function).reserved = executions;
    }

    pub(crate) fn tag(&mut self, function: &str, key: &str, value: &str) {
        self.function_mut(function).tags.insert(key.to_owned(), value.to_owned());
    }

    /// The statements of the resource policy of an alias or version; of the function itself with an empty qualifier.
    pub(crate) fn set_policy(&mut self, function: &str, qualifier: &str, statements: &Value) {
        let policy = json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements });
        self.function_mut(function).policies.insert(qualifier.to_owned(), policy);
    }

    /// As AddPermission of Terraform: API Gateway may invoke the alias for a pattern of `execute-api` ARNs.
    pub(crate) fn permit(&mut self, function: &str, alias: &str, source: &str) {
        let resource = self.arn(function, alias);
        let statements = json!([{
            "Sid": "api",
            "Effect": "Allow",
            "Principal": { "Service": "apigateway.amazonaws.com" },
            "Action": "lambda:InvokeFunction",
            "Resource": resource,
            "Condition": { "ArnLike": { "AWS:SourceArn": source } },
        }]);
        self.set_policy(function, alias, &statements);
    }

    /// Moves an alias behind the deployer's back: its RevisionId changes too.
    pub(crate) fn move_alias(&mut self, moment: &Moment, function: &str, alias: &str, version: &str) {
        let revision = self.ids.next();
        self.log.push(Logged::Placed(function.to_owned(), version.to_owned()));
        let Self { functions, rules, .. } = self;
        let Some(function) = functions.get_mut(function) else { return };
        function.keep(moment.now, rules);
        let Some(alias) = function.facts.aliases.get_mut(alias) else { return };
        alias.earlier.push((moment.now, alias.effective()));
        (alias.routing, alias.revision) = (Routing { version: version.to_owned(), weights: BTreeMap::new() }, revision);
        alias.warming = None;
    }

    pub(crate) fn functions(&self) -> Vec<String> {
        self.functions.keys().cloned().collect()
    }

    pub(crate) fn alias(&self, function: &str, alias: &str) -> Option<AliasView> {
        let alias = self.functions.get(function)?.facts.aliases.get(alias)?;
        let Routing { version, weights } = alias.effective();
        let (revision, description) = (alias.revision.clone(), alias.description.clone());
        Some(AliasView { version, weights, revision, description })
    }

    /// The published versions, the oldest first.
    pub(crate) fn versions(&self, function: &str) -> Vec<VersionView> {
        let versions = self.functions.get(function).map(|function| function.facts.versions.values());
        let versions = versions.into_iter().flatten().map(|version| VersionView {
            version: version.version.clone(),
            description: version.configuration.description.clone(),
            code_sha256: version.code.sha256.clone(),
            state: version.state.name.clone(),
        });
        versions.collect()
    }

    /// The zip of a version, of `$LATEST`, or of the main version of an alias.
    pub(crate) fn code_of(&self, function: &str, version: &str) -> Option<Vec<u8>> {
        match &self.functions.get(function)?.facts.version(version)?.code.package {
            Package::Zip(zip) => Some(zip.to_vec()),
            Package::Image(_) => None,
        }
    }

    pub(crate) fn configuration_of(&self, function: &str, version: &str) -> Option<Configuration> {
        Some(self.functions.get(function)?.facts.version(version)?.configuration.clone())
    }

    /// Brings every function to the moment: for those who look at them without a request.
    pub(crate) fn elapse_all(&mut self, moment: &Moment) {
        for function in self.functions.values_mut() {
            elapse::elapse(function, moment.now, &self.rules, &mut self.ids);
        }
    }

    fn function_mut(&mut self, function: &str) -> &mut Function {
        self.functions.get_mut(function).unwrap_or_else(|| panic!("the test has no function `{function}`"))
    }
}
