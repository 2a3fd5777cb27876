//! The body of an upload: a zip, read from its file while it is sent, so that many uploads at once do not have to fit into memory.

use std::fs::File;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_runtime::auth::PayloadSigningOverride;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use sha2::{Digest as _, Sha256};

use crate::artifact::Zip;

/// How much of the file is read at once: a multiple of 3, so that the base64 of the pieces is that of the whole.
const CHUNK: u64 = 48 * 1024;

/// What is sent of a zip.
#[derive(Debug, Clone)]
pub(super) struct Body {
    zip: Zip,
    /// What is around it, if it is base64 in JSON.
    json: Option<[Bytes; 2]>,
}

impl Body {
    /// The bytes of the zip.
    pub(super) fn of(zip: &Zip) -> Self {
        Self { zip: zip.clone(), json: None }
    }

    /// How many bytes are sent.
    fn size(&self) -> u64 {
        match &self.json {
            None => self.zip.size(),
            Some(around) => self.zip.size().div_ceil(3) * 4 + around.iter().map(|part| part.len() as u64).sum::<u64>(),
        }
    }

    /// SHA-256 of what is sent, in hexadecimal.
    ///
    /// # Errors
    /// The file cannot be read, or is not the zip any more.
    fn sha256(&self) -> io::Result<String> {
        let (mut hasher, mut pieces) = (Sha256::new(), self.pieces());
        pieces.raw = Some(Sha256::new());
        while let Some(piece) = pieces.next()? {
            hasher.update(&piece);
        }
        if pieces.raw.is_some_and(|raw| *raw.finalize() != *self.zip.digest()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the zip was changed after it had been read"));
        }
        Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The same for the SDK, which may send it more than once.
    pub(super) fn into_sdk(self) -> SdkBody {
        SdkBody::retryable(move || SdkBody::from_body_1_x(self.pieces()))
    }

    fn pieces(&self) -> Pieces {
        let (before, after) = self.json.clone().map_or((None, None), |[before, after]| (Some(before), Some(after)));
        let file = Input::Closed(self.zip.clone());
        let (is_json, unread, unsent) = (self.json.is_some(), self.zip.size(), self.size());
        Pieces { before, file, unread, after, is_json, unsent, raw: None }
    }
}

/// The pieces of one sending.
#[derive(Debug)]
struct Pieces {
    before: Option<Bytes>,
    file: Input,
    unread: u64,
    after: Option<Bytes>,
    is_json: bool,
    unsent: u64,
    /// Hashes the file itself.
    raw: Option<Sha256>,
}

#[derive(Debug)]
enum Input {
    /// Nothing was read yet.
    Closed(Zip),
    Open(File),
}

impl Pieces {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let piece = match self.before.take() {
            Some(before) => Some(before),
            None if self.unread > 0 => Some(self.read()?),
            None => self.after.take(),
        };
        self.unsent -= piece.as_ref().map_or(0, |piece| piece.len() as u64).min(self.unsent);
        Ok(piece)
    }

    /// The next piece of the file. A file that has become shorter is an error.
    fn read(&mut self) -> io::Result<Bytes> {
        if let Input::Closed(zip) = &self.file {
            self.file = Input::Open(zip.file()?);
        }
        let Input::Open(file) = &mut self.file else { return Ok(Bytes::new()) };
        let size = self.unread.min(CHUNK);
        let mut piece = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        file.read_exact(&mut piece)?;
        self.unread -= size;
        if let Some(raw) = &mut self.raw {
            raw.update(&piece);
        }
        Ok(if self.is_json { STANDARD.encode(piece).into() } else { piece.into() })
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next().transpose().map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.unsent)
    }

    fn is_end_stream(&self) -> bool {
        self.unsent == 0
    }
}

/// Puts a zip into a request that the SDK made with an empty one.
#[derive(Debug)]
pub(super) struct InJson(pub(super) Zip);

/// Where the SDK leaves room for it.
const EMPTY: &[u8] = b"\"ZipFile\":\"\"";

impl Intercept for InJson {
    fn name(&self) -> &'static str {
        "InJson"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let json = request.body().bytes().ok_or("the request has no body")?;
        let around = around(json).ok_or("the request has no empty `ZipFile`")?;
        let body = Body { zip: self.0.clone(), json: Some(around) };
        bag.interceptor_state().store_put(PayloadSigningOverride::Precomputed(body.sha256()?));
        request.headers_mut().insert("content-length", body.size().to_string());
        *request.body_mut() = body.into_sdk();
        Ok(())
    }
}

/// What comes before and after the content of the empty zip.
fn around(json: &[u8]) -> Option<[Bytes; 2]> {
    let at = json.windows(EMPTY.len()).position(|part| part == EMPTY)? + EMPTY.len() - 1;
    Some([&json[..at], &json[at..]].map(Bytes::copy_from_slice))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::artifact::Arriving;

    fn zip(bytes: &[u8]) -> Zip {
        let mut arriving = Arriving::begin().unwrap();
        arriving.add(bytes).unwrap();
        arriving.end()
    }

    #[tokio::test]
    async fn a_zip_in_json_is_what_the_sdk_would_have_sent() {
        let json = br#"{"RevisionId":"r","ZipFile":"","Publish":true}"#;
        for size in [0, 1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 2] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let body = Body { zip: zip(&bytes), json: around(json) };
            let expected = format!(r#"{{"RevisionId":"r","ZipFile":"{}","Publish":true}}"#, STANDARD.encode(&bytes));
            let digest = Sha256::digest(&expected).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert_eq!((body.sha256().unwrap(), body.size()), (digest, expected.len() as u64), "{size}");
            let sdk = body.into_sdk();
            assert_eq!(sdk.content_length(), Some(expected.len() as u64));
            let again = sdk.try_clone().unwrap();
            assert_eq!(sdk.collect().await.unwrap().to_bytes(), expected);
            assert_eq!(again.collect().await.unwrap().to_bytes(), expected);
        }
    }

    #[tokio::test]
    async fn a_zip_that_was_changed_is_not_sent() {
        let zip = zip(&[7; 100_000]);
        std::fs::write(zip.path(), [7; 99_999]).unwrap();
        assert!(Body::of(&zip).into_sdk().collect().await.is_err());
        std::fs::write(zip.path(), [8; 100_000]).unwrap();
        assert_eq!(Body::of(&zip).sha256().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_request_without_room_for_a_zip_is_not_changed() {
        assert!(around(br#"{"S3Bucket":"b"}"#).is_none());
        assert!(around(br#"{"ZipFile":"AA=="}"#).is_none());
    }
}
