//! Concurrency, and the account's limits.

use serde_json::json;

use super::Lambda;
use super::asked::{Asked, marker};
use super::model::LATEST;
use super::refusal::Refusal;
use crate::aws::wire::{Moment, Reply};

impl Lambda {
    pub(super) fn get_provisioned(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        let qualifier = asked.qualifier.as_str();
        if qualifier == LATEST || qualifier.is_empty() {
            return Err(Refusal::invalid("The function resource provided must be an alias or a published version."));
        }
        let arn = self.arn(&asked.function, qualifier);
        let numeric = qualifier.bytes().all(|byte| byte.is_ascii_digit());
        let missing = || if numeric { Refusal::no_function(&arn) } else { Refusal::no_alias(&arn) };
        let function = self.functions.get(&asked.function).ok_or_else(missing)?;
        function.facts.version(qualifier).ok_or_else(missing)?;
        let none = || {
            let message = "No Provisioned Concurrency Config found for this function";
            Refusal::new(404, "ProvisionedConcurrencyConfigNotFoundException", message)
        };
        let provisioned = function.provisioned.get(qualifier).ok_or_else(none)?;
        let ready = provisioned.ready_at <= moment.now;
        let failed = self.rules.provisioning_fails.as_ref().filter(|_| ready);
        let there = if ready && failed.is_none() { provisioned.count } else { provisioned.meanwhile };
        let status = match (failed, ready) {
            (Some(_), _) => "FAILED",
            (None, true) => "READY",
            (None, false) => "IN_PROGRESS",
        };
        let modified = (moment.epoch + provisioned.modified).strftime("%Y-%m-%dT%H:%M:%S+0000").to_string();
        let mut shown = json!({
            "RequestedProvisionedConcurrentExecutions": provisioned.count,
            "AllocatedProvisionedConcurrentExecutions": there,
            "AvailableProvisionedConcurrentExecutions": there,
            "Status": status,
            "LastModified": modified,
        });
        if let Some(reason) = failed {
            shown["StatusReason"] = json!(reason);
        }
        Ok(Reply::json(200, &shown))
    }

    /// What is reserved for a function; an empty object if nothing is (recorded).
    pub(super) fn get_concurrency(&mut self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        let shown = match self.function(asked)?.reserved {
            Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
            None => json!({}),
        };
        Ok(Reply::json(200, &shown))
    }

    /// A page has at most 100, even with a larger `MaxItems` (API reference, ListEventSourceMappings).
    pub(super) fn list_event_sources(&self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        let named = asked.request.asked("FunctionName").unwrap_or_default();
        let missing = || Refusal::no_function(&self.arn(named, ""));
        let function = self.functions.get(named).ok_or_else(missing)?;
        let (most, from) = asked.page(self.rules.page.min(100))?;
        let mapping = |(number, (source, qualifier)): (usize, &(String, String))| {
            json!({
                "UUID": format!("{number:08x}-0000-4000-8000-000000000000"),
                "EventSourceArn": source,
                "FunctionArn": function.qualified(qualifier),
                "State": "Enabled",
                "BatchSize": 10,
            })
        };
        let all = function.event_sources.iter().enumerate();
        let page: Vec<_> = all.skip(from).take(most).map(mapping).collect();
        let next = from + page.len();
        let mut shown = json!({ "EventSourceMappings": page });
        if next < function.event_sources.len() {
            shown["NextMarker"] = json!(marker(next));
        }
        Ok(Reply::json(200, &shown))
    }

    pub(super) fn get_account_settings(&self) -> Reply {
        let reserved: i32 = self.functions.values().filter_map(|function| function.reserved).sum();
        Reply::json(
            200,
            &json!({
                "AccountLimit": {
                    "TotalCodeSize": self.rules.code_storage,
                    "CodeSizeUnzipped": self.rules.unzipped,
                    "CodeSizeZipped": self.rules.zipped,
                    "ConcurrentExecutions": self.rules.concurrency,
                    "UnreservedConcurrentExecutions": self.rules.concurrency - reserved,
                },
                "AccountUsage": { "TotalCodeSize": self.stored(), "FunctionCount": self.functions.len() },
            }),
        )
    }
}
