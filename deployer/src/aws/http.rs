//! Requests that are not to an API of AWS: to the URL of a stage, and for the package of a version.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::{HeadersIter, Request, Response};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::error::display::DisplayErrorContext;

use super::error::never_left;
use crate::artifact::{Arriving, Zip};
use crate::world::{Proxy, World};

const CONNECT: Duration = Duration::from_secs(3);

/// A client that follows no redirect and repeats nothing.
#[derive(Debug, Clone)]
pub struct Http {
    connector: SharedHttpConnector,
    within: Duration,
}

/// A response.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers, by their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// Why there was no response. Never shows the URL: it may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoResponse {
    /// It took too long.
    #[error("no response in time")]
    Late,
    /// Nobody could be reached there.
    #[error("no connection")]
    NoConnection,
    /// It broke off.
    #[error("the connection broke")]
    Broken,
    /// There is no room for what was downloaded.
    #[error("it could not be written to the folder for temporary files")]
    Unwritable,
}

impl Http {
    /// A client whose requests take no longer than `within`, the response's body included.
    pub fn new(world: &World, proxy: Proxy, within: Duration) -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(within).build();
        Self { connector: world.outside().connector(&settings, proxy), within }
    }

    /// Sends one request without a body.
    ///
    /// # Errors
    /// There was no whole response.
    pub async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> Result<HttpResponse, NoResponse> {
        let sent = tokio::time::timeout(self.within, self.exchange(method, url, headers)).await;
        sent.unwrap_or(Err(NoResponse::Late))
    }

    /// Fetches a file, in pieces. `None` with a status that is not 200.
    ///
    /// # Errors
    /// There was no whole response, or no room for it.
    pub async fn download(&self, url: &str) -> Result<(u16, Option<Zip>), NoResponse> {
        let fetched = tokio::time::timeout(self.within, self.fetch(url)).await;
        fetched.unwrap_or(Err(NoResponse::Late))
    }

    async fn fetch(&self, url: &str) -> Result<(u16, Option<Zip>), NoResponse> {
        let response = self.response("GET", url, &[]).await?;
        let status = response.status().as_u16();
        if status != 200 {
            return Ok((status, None));
        }
        let (mut body, mut zip) = (ByteStream::new(response.into_body()), Arriving::begin().map_err(unwritable)?);
        while let Some(piece) = body.next().await {
            zip.add(&piece.map_err(|_| NoResponse::Broken)?).map_err(unwritable)?;
        }
        Ok((status, Some(zip.end())))
    }

    async fn exchange(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> Result<HttpResponse, NoResponse> {
        let response = self.response(method, url, headers).await?;
        let status = response.status().as_u16();
        let headers = lower(response.headers().iter());
        let body = ByteStream::new(response.into_body()).collect().await.map_err(|_| NoResponse::Broken)?;
        Ok(HttpResponse { status, headers, body: body.to_vec() })
    }

    async fn response(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> Result<Response, NoResponse> {
        let mut request = Request::new(SdkBody::empty());
        request.set_uri(url).map_err(|_| NoResponse::NoConnection)?;
        request.set_method(method).map_err(|_| NoResponse::NoConnection)?;
        for (name, value) in headers {
            request.headers_mut().insert((*name).to_owned(), (*value).to_owned());
        }
        self.connector.call(request).await.map_err(|error| reason(&error))
    }
}

fn unwritable(_: std::io::Error) -> NoResponse {
    NoResponse::Unwritable
}

fn lower(headers: HeadersIter<'_>) -> Vec<(String, String)> {
    headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
}

fn reason(error: &ConnectorError) -> NoResponse {
    match never_left(&DisplayErrorContext(error).to_string()) {
        true => NoResponse::NoConnection,
        false if error.is_timeout() => NoResponse::Late,
        false => NoResponse::Broken,
    }
}
