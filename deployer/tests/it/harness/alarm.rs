//! An alarm of dev.

use serde_json::{Value, json};

use crate::stack;

const NAME: &str = "resume-visitor-counter-dev-errors";

/// An alarm of dev that the contract names. Gone, and the contract as before, when the value is dropped.
pub(crate) struct Alarm {
    contract: Value,
}

impl Alarm {
    pub(crate) fn set() -> Self {
        let contract = stack().ledger_item("dev", "stack");
        let body = json!({
            "AlarmName": NAME, "Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold",
        });
        cloudwatch("PutMetricAlarm", &body);
        let mut named = contract.clone();
        named["alarms"] = json!({"L": [{"S": NAME}]});
        stack().put_ledger_item("dev", &named);
        let ok = json!({"AlarmName": NAME, "StateValue": "OK", "StateReason": "a test set it"});
        cloudwatch("SetAlarmState", &ok);
        Self { contract }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        cloudwatch("DeleteAlarms", &json!({"AlarmNames": [NAME]}));
        stack().put_ledger_item("dev", &self.contract);
    }
}

fn cloudwatch(operation: &str, body: &Value) {
    stack().behind("dev", "POST", "/", Some(&format!("GraniteServiceVersion20100801.{operation}")), body);
}
