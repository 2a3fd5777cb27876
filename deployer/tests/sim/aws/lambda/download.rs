//! The zip of a version by its signed address, which GetFunction gives for 10 minutes.

use std::time::Duration;

use base64::Engine as _;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use super::{Lambda, hex};
use crate::aws::wire::{Moment, Reply, Request};

const LASTS: Duration = Duration::from_secs(600);
const DATE: &str = "%Y%m%dT%H%M%SZ";

impl Lambda {
    /// The host of signed addresses.
    pub(crate) fn download_host(&self) -> String {
        format!("awslambda-{0}-tasks.s3.{0}.amazonaws.com", self.region)
    }

    /// The signed address of a zip.
    pub(super) fn location(&self, function: &str, sha256: &str, moment: &Moment) -> String {
        let date = moment.timestamp().strftime(DATE).to_string();
        let digest = base64::engine::general_purpose::STANDARD.decode(sha256).unwrap_or_default();
        let path = format!("/snapshots/{}/{function}", self.account);
        let version = hex(&digest);
        let signature = self.signature(&path, &version, &date);
        format!(
            "https://{}{path}?versionId={version}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}\
             &X-Amz-SignedHeaders=host&X-Amz-Expires={}&X-Amz-Signature={signature}",
            self.download_host(),
            LASTS.as_secs()
        )
    }

    /// Not AWS's signature, but a changed address does not match it either.
    fn signature(&self, path: &str, version: &str, date: &str) -> String {
        hex(&Sha256::digest(format!("{} {path} {version} {date}", self.ids.salt)))
    }

    /// The zip by its signed address; `None` for another host.
    pub(crate) fn download(&self, request: &Request, moment: &Moment) -> Option<Reply> {
        if request.host != self.download_host() {
            return None;
        }
        let asked = |name: &str| request.asked(name).unwrap_or_default();
        let (version, date) = (asked("versionId"), asked("X-Amz-Date"));
        if asked("X-Amz-Signature") != self.signature(&request.path, version, date) {
            return Some(refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match."));
        }
        let signed = DateTime::strptime(DATE, date).ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
        if signed.is_none_or(|signed| signed.timestamp() + LASTS < moment.timestamp()) {
            return Some(refused(403, "AccessDenied", "Request has expired"));
        }
        let zip = self.zips.iter().find(|(sha256, _)| {
            let digest = base64::engine::general_purpose::STANDARD.decode(sha256);
            digest.is_ok_and(|digest| hex(&digest) == version)
        });
        Some(match (request.method.as_str(), zip) {
            ("GET", Some((_, zip))) => {
                let headers = vec![("content-type".to_owned(), "application/zip".to_owned())];
                Reply { status: 200, headers, body: zip.to_vec() }
            }
            ("GET", None) => refused(404, "NoSuchKey", "The specified key does not exist."),
            _ => refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource."),
        })
    }
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Reply { status, headers: vec![("content-type".to_owned(), "application/xml".to_owned())], body: body.into_bytes() }
}
