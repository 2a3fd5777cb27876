//! IAM: whether a principal may do something, without doing it.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use futures::future::try_join_all;

use super::calls::Counting;
use super::request::{Client, Request, Service};
use super::wire::{Form, result};
use super::xml::Element;
use super::{AwsError, Calls, Kind};

const SIMULATE: &str = "SimulatePrincipalPolicy";
const VERSION: &str = "2010-05-08";

/// One question to IAM.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// As IAM names it: `lambda:GetFunction`.
    pub action: &'a str,
    /// The ARN of what it is done to.
    pub resource: &'a str,
    /// The tags of that, which policies may ask for: a simulation does not look them up.
    pub tags: &'a BTreeMap<String, String>,
}

/// Looks at the policies of one account.
#[derive(Debug, Clone)]
pub struct Iam(Client);

impl Iam {
    pub(super) fn new(shared: &SdkConfig, calls: &Calls) -> Self {
        Self(Client::new(Service::Iam, shared, Counting::reads(calls)))
    }

    /// Whether `principal` may do each action on each resource: (action, ARN of the resource) -> allowed.
    ///
    /// `principal` is what STS calls the caller. Resource policies are not looked at, as IAM does not.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if IAM cannot look up the principal's policies: the account's root, a federated
    /// user, a role with a path, which a session's ARN does not name. [`Kind::Denied`] if the credentials may not ask.
    pub async fn simulate(
        &self,
        principal: &str,
        asked: &[Asked<'_>],
    ) -> Result<BTreeMap<(String, String), bool>, AwsError> {
        let Some(source) = source_of(principal) else {
            let reason = "it is neither a user nor a role, whose policies could be looked up";
            let object = format!("principal `{principal}`");
            return Err(AwsError::found(Kind::NotFound, SIMULATE, object, reason));
        };
        // One call a resource: a call crosses all its actions with all its resources, and most pairs make no sense.
        let mut by_resource: BTreeMap<&str, Vec<&Asked<'_>>> = BTreeMap::new();
        for question in asked {
            by_resource.entry(question.resource).or_default().push(question);
        }
        let calls = by_resource.into_iter().map(|(resource, asked)| self.on_resource(&source, resource, asked));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    async fn on_resource(
        &self,
        source: &str,
        resource: &str,
        asked: Vec<&Asked<'_>>,
    ) -> Result<Vec<((String, String), bool)>, AwsError> {
        let form = form(source, resource, &asked);
        let (mut results, mut marker) = (Vec::new(), None::<String>);
        loop {
            let form = marker.iter().fold(form.clone(), |form, marker| form.with("Marker", marker));
            let request = Request::query(SIMULATE, VERSION, &form);
            let page = self.0.send(request, |response| Page::of(&result(SIMULATE, response)?)).await;
            let page = page.map_err(|error| AwsError::new(SIMULATE, format!("principal `{source}`"), &error))?;
            results.extend(page.results);
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        let of_resource = |result: Evaluation| ((result.action.clone(), resource.to_owned()), result.allows(resource));
        Ok(results.into_iter().map(of_resource).collect())
    }
}

fn form(source: &str, resource: &str, asked: &[&Asked<'_>]) -> Form {
    let form = Form::default().with("PolicySourceArn", source);
    let form = form.with_list("ActionNames", asked.iter().map(|question| question.action));
    let form = form.with_list("ResourceArns", [resource]);
    let tags = asked.first().map(|question| question.tags).into_iter().flatten();
    tags.zip(1..).fold(form, |form, ((key, value), number)| {
        let entry = format!("ContextEntries.member.{number}");
        form.with(&format!("{entry}.ContextKeyName"), &format!("aws:ResourceTag/{key}"))
            .with(&format!("{entry}.ContextKeyValues.member.1"), value)
            .with(&format!("{entry}.ContextKeyType"), "string")
    })
}

/// A page of a simulation.
#[derive(Debug)]
struct Page {
    results: Vec<Evaluation>,
    marker: Option<String>,
}

/// What the simulation of one action on some resources came to.
#[derive(Debug)]
struct Evaluation {
    action: String,
    decision: String,
    by_resource: BTreeMap<String, String>,
}

impl Page {
    fn of(result: &Element) -> Option<Self> {
        let results = result.members("EvaluationResults").map(Evaluation::of).collect::<Option<_>>()?;
        let marker = result.text("Marker").filter(|marker| !marker.is_empty());
        Some(Self { results, marker: marker.map(str::to_owned) })
    }
}

impl Evaluation {
    fn of(result: &Element) -> Option<Self> {
        let text = |name| result.text(name).map(str::to_owned);
        let specific = result.members("ResourceSpecificResults").map(|specific| {
            let decision = specific.text("EvalResourceDecision")?;
            Some((specific.text("EvalResourceName")?.to_owned(), decision.to_owned()))
        });
        let by_resource = specific.collect::<Option<_>>()?;
        Some(Self { action: text("EvalActionName")?, decision: text("EvalDecision")?, by_resource })
    }

    /// What is said of the very resource, else what is said of all of them.
    fn allows(&self, resource: &str) -> bool {
        self.by_resource.get(resource).unwrap_or(&self.decision) == "allowed"
    }
}

/// The user or role whose policies are meant: a role's session has none of its own.
fn source_of(principal: &str) -> Option<String> {
    let [arn, partition, service, region, account, name] =
        principal.splitn(6, ':').collect::<Vec<_>>().try_into().ok()?;
    match (service, name.split_once('/')?) {
        ("iam", ("user" | "role", _)) => Some(principal.to_owned()),
        ("sts", ("assumed-role", session)) => {
            let role = session.rsplit_once('/').map_or(session, |(role, _)| role);
            Some(format!("{arn}:{partition}:iam:{region}:{account}:role/{role}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_of_a_role_is_asked_for_as_the_role() {
        let session = "arn:aws:sts::111111111111:assumed-role/deployer-dev/GitHubActions";
        assert_eq!(source_of(session).unwrap(), "arn:aws:iam::111111111111:role/deployer-dev");
        let china = "arn:aws-cn:sts::111111111111:assumed-role/deployer/x@y.example";
        assert_eq!(source_of(china).unwrap(), "arn:aws-cn:iam::111111111111:role/deployer");
    }

    #[test]
    fn a_user_and_a_role_are_asked_for_as_they_are() {
        for arn in ["arn:aws:iam::111111111111:user/team/ada", "arn:aws:iam::111111111111:role/deployer"] {
            assert_eq!(source_of(arn).unwrap(), arn);
        }
    }

    #[test]
    fn root_federated_users_and_invalid_arns_have_no_policies() {
        for arn in ["arn:aws:iam::111111111111:root", "arn:aws:sts::111111111111:federated-user/ada", "ada", ""] {
            assert_eq!(source_of(arn), None, "{arn}");
        }
    }

    #[test]
    fn what_is_said_of_the_resource_itself_counts() {
        let page = "<Result><IsTruncated>true</IsTruncated><Marker>m&amp;1</Marker><EvaluationResults><member>
            <EvalActionName>lambda:GetFunction</EvalActionName><EvalDecision>implicitDeny</EvalDecision><MatchedStatements/>
            <ResourceSpecificResults>
              <member><EvalResourceName>a</EvalResourceName><EvalResourceDecision>allowed</EvalResourceDecision></member>
              <member><EvalResourceName>b</EvalResourceName><EvalResourceDecision>explicitDeny</EvalResourceDecision></member>
            </ResourceSpecificResults></member></EvaluationResults></Result>";
        let page = Page::of(&Element::read(page.as_bytes()).unwrap()).unwrap();
        assert_eq!(page.marker.as_deref(), Some("m&1"));
        let result = &page.results[0];
        assert!(result.allows("a") && !result.allows("b") && !result.allows("c"));
        let nameless = "<Result><EvaluationResults><member><EvalDecision>allowed</EvalDecision></member></EvaluationResults></Result>";
        assert!(Page::of(&Element::read(nameless.as_bytes()).unwrap()).is_none());
    }

    #[test]
    fn a_question_is_written_with_its_tags() {
        let tags = BTreeMap::from([("app".to_owned(), "a b".to_owned())]);
        let asked = Asked { action: "lambda:GetFunction", resource: "arn:x", tags: &tags };
        let request = Request::query(SIMULATE, VERSION, &form("arn:me", "arn:x", &[&asked]));
        let body = String::from_utf8(request.body.bytes().unwrap().to_vec()).unwrap();
        let expected = "Action=SimulatePrincipalPolicy&Version=2010-05-08&PolicySourceArn=arn%3Ame\
                        &ActionNames.member.1=lambda%3AGetFunction&ResourceArns.member.1=arn%3Ax\
                        &ContextEntries.member.1.ContextKeyName=aws%3AResourceTag%2Fapp\
                        &ContextEntries.member.1.ContextKeyValues.member.1=a%20b\
                        &ContextEntries.member.1.ContextKeyType=string";
        assert_eq!(body, expected);
    }
}
