//! What time it is at AWS: each response says so. A request that was signed by a clock that is wrong by more than 5 minutes is
//! refused. The SDK corrects that only when it repeats a call, and a write it never repeats.

use std::time::SystemTime;

use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::date_time::Format;
use jiff::Timestamp;

use super::upload::counted;
use crate::world::World;

/// The clock, set right: what is never repeated is signed by it.
#[derive(Debug)]
pub(super) struct Corrected(pub(super) World);

impl TimeSource for Corrected {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

/// The client, whose responses set the world's clock right.
pub(super) fn watched(client: SharedHttpClient, world: &World) -> SharedHttpClient {
    SharedHttpClient::new(Watched { inner: client, world: world.clone() })
}

#[derive(Debug)]
struct Watched<T> {
    inner: T,
    world: World,
}

impl HttpClient for Watched<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Watched { inner, world: self.world.clone() })
    }
}

impl HttpConnector for Watched<SharedHttpConnector> {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let shown = self.world.outside().streams().then(|| counted(&mut request, &self.world));
        let (sent, world) = (self.inner.call(request), self.world.clone());
        HttpConnectorFuture::new(async move {
            let response = sent.await;
            drop(shown);
            let response = response?;
            if let Some(now) = response.headers().get("date").and_then(read) {
                world.set_clock(now);
            }
            Ok(response)
        })
    }
}

fn read(date: &str) -> Option<Timestamp> {
    let date = aws_smithy_types::DateTime::from_str(date, Format::HttpDate).ok()?;
    Timestamp::from_second(date.secs()).ok()
}
