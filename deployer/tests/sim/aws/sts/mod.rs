//! STS: the caller's identity, and the sessions of roles.

mod assume;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::denial::{Denial, Reason};
use super::query;
use super::signature::signed;
use super::wire::{Moment, Reply, Request};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What a test may vary.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// The duration of a session without a requested one: an hour, unless a test changes it.
    pub(crate) lifetime: Duration,
    /// By how many minutes a client's clock may be wrong: 5, for S3 15.
    pub(crate) skew_minutes: i64,
    pub(crate) s3_skew_minutes: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(3600), skew_minutes: 5, s3_skew_minutes: 15 }
    }
}

/// The keys and roles of all accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sts {
    pub(crate) rules: Rules,
    keys: BTreeMap<String, Key>,
    roles: BTreeMap<String, Role>,
    /// The roles that were assumed: when, by whom, and which.
    pub(crate) assumed: Vec<(Duration, String, String)>,
}

/// An access key.
#[derive(Clone, Debug)]
struct Key {
    /// A user's, a root's, or a session's.
    arn: String,
    token: Option<String>,
    expires: Option<Duration>,
}

/// A role, and whom its trust policy names.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// ARNs of users, roles or sessions; `arn:aws:iam::ACCOUNT:root` is the whole account, `*` is anyone.
    pub(crate) trusts: Vec<String>,
    /// The longest session that may be requested.
    pub(crate) longest: Duration,
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// 12 digits.
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) key: String,
    /// What it was signed for.
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Caller {
    /// The principal whose policies count: behind a session, its role (`aws:PrincipalArn`).
    pub(crate) fn principal(&self) -> String {
        principal(&self.arn)
    }
}

impl Sts {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A key that lasts, of a user or of an account's root.
    pub(crate) fn add_key(&mut self, key: &str, arn: &str) {
        self.keys.insert(key.to_owned(), Key { arn: arn.to_owned(), token: None, expires: None });
    }

    /// A key of a session that began elsewhere, as a workflow's by its OIDC token.
    pub(crate) fn add_session(&mut self, key: &str, token: &str, (arn, expires): (&str, Duration)) {
        let key_of_session = Key { arn: arn.to_owned(), token: Some(token.to_owned()), expires: Some(expires) };
        self.keys.insert(key.to_owned(), key_of_session);
    }

    /// A role that these may assume.
    pub(crate) fn add_role(&mut self, arn: &str, trusts: &[&str]) {
        let trusts = trusts.iter().map(|trusted| (*trusted).to_owned()).collect();
        self.roles.insert(arn.to_owned(), Role { trusts, longest: Duration::from_secs(3600) });
    }

    /// The role, to change it.
    pub(crate) fn role(&mut self, arn: &str) -> Option<&mut Role> {
        self.roles.get_mut(arn)
    }

    /// Takes a role away. Sessions that there are go on.
    pub(crate) fn remove_role(&mut self, arn: &str) {
        self.roles.remove(arn);
    }

    /// Lets every session of this ARN (of the session, or of its role) end then.
    pub(crate) fn expire(&mut self, arn: &str, at: Duration) {
        for key in self.keys.values_mut().filter(|key| key.token.is_some()) {
            if key.arn == arn || principal(&key.arn) == arn {
                key.expires = Some(at);
            }
        }
    }

    /// Who sent this request.
    ///
    /// # Errors
    /// The request is not signed, or with a key that is not valid now, or by a clock that is wrong.
    pub(crate) fn caller(&self, request: &Request, moment: &Moment) -> Result<Caller, Denial> {
        let deny = |reason| Denial::new(request, reason);
        let signed = signed(request).map_err(|unsigned| deny(Reason::Unsigned(unsigned)))?;
        let key = self.keys.get(&signed.key).filter(|key| key.token == signed.token);
        let key = key.ok_or_else(|| deny(Reason::UnknownKey))?;
        if key.expires.is_some_and(|expires| expires <= moment.now) {
            return Err(deny(Reason::Expired));
        }
        let minutes = if signed.service == "s3" { self.rules.s3_skew_minutes } else { self.rules.skew_minutes };
        let now = moment.timestamp();
        if now.duration_since(signed.at).abs() > jiff::SignedDuration::from_mins(minutes) {
            return Err(deny(Reason::Skewed(signed.at, now, minutes)));
        }
        let account = key.arn.split(':').nth(4).unwrap_or_default().to_owned();
        let (region, service) = (signed.region, signed.service);
        Ok(Caller { account, arn: key.arn.clone(), key: signed.key, region, service })
    }

    pub(crate) fn name(request: &Request) -> Option<&'static str> {
        match query::action(request)?.as_str() {
            "GetCallerIdentity" => Some("GetCallerIdentity"),
            "AssumeRole" => Some("AssumeRole"),
            _ => None,
        }
    }

    pub(crate) fn handle(&mut self, request: &Request, moment: &mut Moment) -> Option<Reply> {
        let operation = Self::name(request)?;
        let caller = match self.caller(request, moment) {
            Ok(caller) => caller,
            Err(denial) => return Some(denial.reply()),
        };
        Some(match operation {
            "AssumeRole" => self.assume(&caller, request, moment).unwrap_or_else(|refused| refused),
            _ => identity(&caller),
        })
    }
}

/// GetCallerIdentity: no permission is needed, and none can deny it.
fn identity(caller: &Caller) -> Reply {
    let user = match caller.arn.rsplit_once('/') {
        Some((_, session)) if caller.arn.contains(":assumed-role/") => {
            format!("{}:{session}", unique_id("AROA", &caller.principal()))
        }
        Some(_) => unique_id("AIDA", &caller.arn),
        None => caller.account.clone(),
    };
    let (arn, account) = (query::escaped(&caller.arn), &caller.account);
    let inner = format!("<Arn>{arn}</Arn><UserId>{user}</UserId><Account>{account}</Account>");
    query::result("GetCallerIdentity", NAMESPACE, &inner)
}

/// The role behind a session's ARN; any other ARN is its own.
fn principal(arn: &str) -> String {
    match arn.split_once(":assumed-role/") {
        Some((account, session)) => {
            let role = session.split_once('/').map_or(session, |(role, _)| role);
            format!("{}:role/{role}", account.replace(":sts:", ":iam:"))
        }
        None => arn.to_owned(),
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The id of a user or role, which it keeps.
fn unique_id(prefix: &str, arn: &str) -> String {
    let letters = Sha256::digest(arn.as_bytes()).into_iter().map(|byte| char::from(BASE32[usize::from(byte & 31)]));
    prefix.chars().chain(letters.take(17)).collect()
}
