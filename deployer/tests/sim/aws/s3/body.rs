//! The body of an upload, and the digests that came with it.

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::super::wire::{Reply, Request};
use super::error;

/// The bytes that are to be stored.
pub(super) fn sent(request: &Request) -> Result<Vec<u8>, Reply> {
    let digest = Sha256::digest(&request.body);
    let hex = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    // What was signed: S3 refuses a request without it.
    match request.header("x-amz-content-sha256") {
        None => {
            return Err(error(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"));
        }
        Some(signed) if signed != hex => {
            let words = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(error(400, "XAmzContentSHA256Mismatch", words));
        }
        Some(_) => {}
    }
    let text = base64::engine::general_purpose::STANDARD.encode(digest);
    match request.header("x-amz-checksum-sha256") {
        Some(checksum) if checksum != text => {
            Err(error(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum."))
        }
        _ => Ok(request.body.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_upload_has_the_digest_that_was_signed() {
        let upload = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let request = Request {
                method: "PUT".to_owned(),
                host: String::new(),
                path: "/b/k".to_owned(),
                query: Vec::new(),
                headers: headers.collect::<BTreeMap<_, _>>(),
                body: b"hello".to_vec(),
            };
            sent(&request).map_err(|refused| String::from_utf8(refused.body).unwrap())
        };
        let signed = ("x-amz-content-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        let checksum = ("x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
        assert_eq!(upload(&[signed, checksum]).unwrap(), b"hello");
        assert!(upload(&[]).unwrap_err().contains("InvalidRequest"));
        assert!(
            upload(&[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]).unwrap_err().contains("XAmzContentSHA256Mismatch")
        );
        assert!(upload(&[signed, ("x-amz-checksum-sha256", "AAAA")]).unwrap_err().contains("BadDigest"));
    }
}
