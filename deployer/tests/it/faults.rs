//! Lost replies: what was done is found, and done once.

use serde_json::{Value, json};

use crate::harness::SENTENCE;
use crate::stack;
use crate::strict::{Action, At, Call, Front};

const LOST: &str = "There is nothing to be found.";
const FUNCTION: &str = "/2015-03-31/functions/resume-visitor-counter-dev";

fn front() -> Front {
    Front::before(stack().checkout.port("dev"))
}

/// How many versions and deployments there are.
fn made() -> (usize, usize) {
    let versions = stack().behind("dev", "GET", &format!("{FUNCTION}/versions"), None, &Value::Null);
    let deployments = format!("/restapis/{}/deployments?limit=500", stack().api("dev"));
    let deployments = stack().behind("dev", "GET", &deployments, None, &Value::Null);
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    (count(&versions["Versions"]), count(&deployments["item"]))
}

/// The write that makes a release the live one.
const RECORD: At = At::saying("TransactWriteItems", r#"{"S":"live"}"#);

fn count(calls: &[Call], name: &str) -> usize {
    calls.iter().filter(|call| call.name == name).count()
}

pub(crate) fn a_lost_reply_makes_no_second_version_deployment_or_release() {
    let (stack, front) = (stack(), front());
    let (base, lost) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(LOST));
    let (before, number) = (made(), stack.last_number("dev"));
    let definition = format!("/restapis/{}/gatewayresponses/THROTTLED", stack.api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("dev", "PUT", &definition, None, &body);
    let names = ["UpdateFunctionCode", "PublishVersion", "CreateDeployment", "UpdateAlias", "UpdateStage"];
    for name in names {
        front.on(At::nth(name, 1), Action::LoseReply);
    }
    // Lock and intent, and the record.
    front.on(At::nth("TransactWriteItems", 1), Action::LoseReply).on(RECORD, Action::LoseReply);
    let (ended, calls) = stack.checkout.through(&front, "dev", &format!("deploy dev --artifact {lost}"));
    ended.expect(0);
    front.behave();
    for name in names {
        assert_eq!(count(&calls, name), 1, "{name} was sent again although it had been carried out");
    }
    let unanswered = calls.iter().filter(|call| call.writes() && call.status.is_none()).count();
    assert_eq!(unanswered, names.len() + 2, "every reply was to be lost once");
    assert_eq!(made(), (before.0 + 1, before.1 + 1));
    assert_eq!((stack.last_number("dev"), stack.live("dev")), (number + 1, number + 1));
    let status = stack.status("dev");
    assert_eq!((&status["lock"], &status["unfinished"], &status["drift"]), (&Value::Null, &Value::Null, &Value::Null));
    stack.behind("dev", "DELETE", &definition, None, &Value::Null);
    stack.released("dev", &base);
}

/// Nothing was done, and nobody can know: it is looked for, not found, and sent again.
pub(crate) fn a_lost_request_is_sent_again() {
    let (stack, front) = (stack(), front());
    let (base, lost) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(LOST));
    let number = stack.last_number("dev");
    let definition = format!("/restapis/{}/gatewayresponses/THROTTLED", stack.api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("dev", "PUT", &definition, None, &body);
    for name in ["CreateDeployment", "UpdateAlias", "UpdateStage", "TransactWriteItems"] {
        front.on(At::nth(name, 1), Action::LoseRequest);
    }
    front.deployments_every(std::time::Duration::ZERO);
    let (ended, calls) = stack.checkout.through(&front, "dev", &format!("deploy dev --artifact {lost}"));
    ended.expect(0);
    assert_eq!(
        [count(&calls, "CreateDeployment"), count(&calls, "UpdateAlias"), count(&calls, "UpdateStage")],
        [2, 2, 2]
    );
    assert_eq!(stack.live("dev"), number + 1);
    stack.behind("dev", "DELETE", &definition, None, &Value::Null);
    stack.released("dev", &base);
}

/// On the way back too: an environment that was repaired is not reported as a mixture.
pub(crate) fn a_reply_lost_on_the_way_back_is_no_failure_of_it() {
    let (stack, front) = (stack(), front());
    let lost = stack.checkout.artifact(LOST);
    let before = stack.status("dev");
    let definition = format!("/restapis/{}/gatewayresponses/THROTTLED", stack.api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("dev", "PUT", &definition, None, &body);
    front.on(At::nth("UpdateStage", 2), Action::LoseReply).on(At::nth("UpdateAlias", 2), Action::LoseReply);
    let wrong = (
        "name = \"count\"\nfunction = \"counter\"\nrequest = \"GET /count\"\nstatus = 200",
        "name = \"count\"\nfunction = \"counter\"\nrequest = \"GET /count\"\nstatus = 418",
    );
    let (ended, _) = stack.checkout.through_with(&front, "dev", &[wrong], &format!("deploy dev --artifact {lost}"));
    ended.expect(6).says(["was taken back to release"]);
    stack.behind("dev", "DELETE", &definition, None, &Value::Null);
    let after = stack.status("dev");
    assert_eq!((&after["functions"], &after["deployment_id"]), (&before["functions"], &before["deployment_id"]));
}
