//! Uploads as they go: how much of a big request has been sent. The body is wrapped below the SDK, where a request is signed
//! and retried already, so neither changes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::UPLOAD;
use super::calls::object;
use crate::notices::Waiting;
use crate::world::World;

/// A smaller body is sent in no time.
const BIG: u64 = 256 * 1024;
/// How much is handed to the connection at once.
const CHUNK: usize = 64 * 1024;

/// Has a big upload counted as it goes. It is shown until what is returned, and the body, are dropped.
pub(super) fn counted(request: &mut HttpRequest, world: &World) -> Option<Arc<Waiting>> {
    let total = request.body().content_length().filter(|total| *total >= BIG)?;
    let object = object(request.uri()).unwrap_or_default();
    let what = match object.strip_prefix("functions/").and_then(|rest| rest.strip_suffix("/code")) {
        Some(name) => format!("the upload of the code of `{name}`"),
        None => format!("the upload to `{object}`"),
    };
    let shown = Arc::new(world.notices().upload(what, total, UPLOAD));
    let whole = std::mem::replace(request.body_mut(), SdkBody::empty());
    let body = Counted { whole, rest: Bytes::new(), sent: 0, total, shown: Arc::clone(&shown) };
    *request.body_mut() = SdkBody::from_body_1_x(body);
    Some(shown)
}

/// A body in chunks. Each chunk is counted when the connection takes it.
struct Counted {
    whole: SdkBody,
    /// What is left of the body, once its bytes were taken.
    rest: Bytes,
    sent: u64,
    total: u64,
    shown: Arc<Waiting>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = <SdkBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.whole).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.rest = bytes,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let next = self.rest.len().min(CHUNK);
        let chunk = self.rest.split_to(next);
        self.sent += next as u64;
        self.shown.sent(self.sent);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.total.saturating_sub(self.sent))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.total
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::notices::Notice;

    #[tokio::test]
    async fn a_big_upload_is_sent_as_it_was_and_counted_on_the_way() {
        let (world, bytes) = (World::real(), vec![7; 300_000]);
        let mut heard = world.notices().listen();
        let mut request = HttpRequest::new(SdkBody::from(bytes.clone()));
        request.set_uri("https://lambda/2015-03-31/functions/c-dev/code").unwrap();
        let shown = counted(&mut request, &world).unwrap();
        assert_eq!(request.body().content_length(), Some(300_000));
        let body = std::mem::replace(request.body_mut(), SdkBody::empty());
        assert_eq!(body.collect().await.unwrap().to_bytes(), bytes);
        drop(shown);
        let mut seen = Vec::new();
        while let Ok(notice) = heard.try_recv() {
            seen.push(match notice {
                Notice::WaitBegins(_, wait) => format!("{} {:?}", wait.what, wait.bytes),
                Notice::WaitMoves(_, sent) => sent.to_string(),
                other => format!("{other:?}"),
            });
        }
        assert_eq!(seen[..3], ["the upload of the code of `c-dev` Some(300000)", "65536", "131072"]);
        assert_eq!(seen[5], "300000");
        assert!(seen[6].starts_with("WaitEnds"), "{seen:?}");
    }

    #[test]
    fn a_small_request_is_left_alone() {
        let world = World::real();
        assert!(counted(&mut HttpRequest::new(SdkBody::from("{}")), &world).is_none());
    }
}
