//! AssumeRole.

use std::time::Duration;

use super::super::denial::Denial;
use super::super::query::{self, Form, escaped};
use super::super::wire::{Moment, Reply, Request};
use super::{BASE32, Caller, Key, NAMESPACE, Role, Sts, principal, unique_id};

/// A session of a role that was itself assumed lasts an hour at most.
const CHAINED: Duration = Duration::from_secs(3600);
const SHORTEST: u64 = 900;
const LONGEST: u64 = 43_200;

impl Sts {
    pub(super) fn assume(&mut self, caller: &Caller, request: &Request, moment: &mut Moment) -> Result<Reply, Reply> {
        let form = Form::of(request);
        let (arn, session) = (form.get("RoleArn").unwrap_or_default(), form.get("RoleSessionName").unwrap_or_default());
        validate(arn, session)?;
        if caller.arn.ends_with(":root") {
            return Err(query::error(403, "AccessDenied", "Roles may not be assumed by root accounts."));
        }
        let role = self.roles.get(arn).filter(|role| role.trusts(caller));
        let role = role.ok_or_else(|| Denial::not_allowed(request, &caller.arn, "sts:AssumeRole", arn).reply())?;
        let lifetime = match form.get("DurationSeconds") {
            Some(seconds) => asked_for(seconds, role, caller)?,
            None => self.rules.lifetime,
        };
        let (of_session, expires) = (session_arn(arn, session), moment.now + lifetime);
        let key = random("ASIA", 16, moment);
        let secret = random("", 40, moment);
        let token = random("IQoJb3JpZ2luX2Vj", 200, moment);
        self.keys
            .insert(key.clone(), Key { arn: of_session.clone(), token: Some(token.clone()), expires: Some(expires) });
        self.assumed.push((moment.now, caller.arn.clone(), arn.to_owned()));
        let until = (moment.epoch + expires).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let inner = format!(
            "<AssumedRoleUser><AssumedRoleId>{}:{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>{until}</Expiration></Credentials>",
            unique_id("AROA", &principal(&of_session)),
            escaped(session),
            escaped(&of_session),
        );
        Ok(query::result("AssumeRole", NAMESPACE, &inner))
    }
}

impl Role {
    fn trusts(&self, caller: &Caller) -> bool {
        let account =
            caller.arn.splitn(6, ':').take(5).collect::<Vec<_>>().join(":").replace(":sts:", ":iam:") + ":root";
        self.trusts.iter().any(|trusted| {
            trusted == "*" || *trusted == account || *trusted == caller.arn || *trusted == caller.principal()
        })
    }
}

fn invalid(message: &str) -> Reply {
    query::error(400, "ValidationError", message)
}

fn validate(arn: &str, session: &str) -> Result<(), Reply> {
    let constraint = |value: &str, field: &str, constraint: &str| {
        invalid(&format!(
            "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: Member must \
             {constraint}"
        ))
    };
    if arn.len() < 20 {
        return Err(constraint(arn, "roleArn", "have length greater than or equal to 20"));
    }
    if session.len() < 2 {
        return Err(constraint(session, "roleSessionName", "have length greater than or equal to 2"));
    }
    if session.len() > 64 {
        return Err(constraint(session, "roleSessionName", "have length less than or equal to 64"));
    }
    if !session.chars().all(|sign| sign.is_ascii_alphanumeric() || "_+=,.@-".contains(sign)) {
        return Err(constraint(session, "roleSessionName", "satisfy regular expression pattern: [\\w+=,.@-]*"));
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let sound = matches!(parts[..], ["arn", partition, service, _, _, resource]
        if ![partition, service, resource].contains(&""));
    if sound { Ok(()) } else { Err(invalid(&format!("{arn} is invalid"))) }
}

/// The requested duration, if the role allows it.
fn asked_for(seconds: &str, role: &Role, caller: &Caller) -> Result<Duration, Reply> {
    let Some(asked) = seconds.parse::<u64>().ok().filter(|asked| (SHORTEST..=LONGEST).contains(asked)) else {
        let bound = if seconds.parse::<u64>().is_ok_and(|asked| asked > LONGEST) {
            format!("less than or equal to {LONGEST}")
        } else {
            format!("greater than or equal to {SHORTEST}")
        };
        return Err(invalid(&format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member \
             must have value {bound}"
        )));
    };
    let asked = Duration::from_secs(asked);
    if asked > CHAINED && caller.arn.contains(":assumed-role/") {
        let words = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(invalid(words));
    }
    match asked > role.longest {
        true => Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")),
        false => Ok(asked),
    }
}

/// A session's ARN has the role's name without its path.
fn session_arn(role: &str, session: &str) -> String {
    let (account, path) = role.split_once(":role/").unwrap_or((role, ""));
    let name = path.rsplit('/').next().unwrap_or_default();
    format!("{}:assumed-role/{name}/{session}", account.replace(":iam:", ":sts:"))
}

fn random(prefix: &str, count: usize, moment: &mut Moment) -> String {
    let letters = (0..count).map(|_| char::from(BASE32[moment.chance.usize(..32)]));
    prefix.chars().chain(letters).collect()
}
