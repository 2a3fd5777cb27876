//! The real outside world: this machine's network and clocks.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared as _;
use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

use crate::interrupt::Interrupt;
use crate::world::{Outside, Proxy, World};

/// This machine.
#[derive(Debug)]
pub struct Machine;

/// The clock that counts while the machine is suspended: on Apple's systems the monotonic one does.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UPTIME: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const UPTIME: ClockId = ClockId::Monotonic;

impl World {
    /// The real one: this machine's network, clocks and signals.
    pub fn real() -> Self {
        Self::new(Arc::new(Machine), Interrupt::of_the_process())
    }
}

impl Outside for Machine {
    fn http_client(&self, proxy: Proxy) -> SharedHttpClient {
        let proxy = config(proxy);
        // This builder keeps a connector, and with it its connections, for each set of timeouts.
        aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder().proxy_config(proxy.clone());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            connector.tls_provider(tls()).build()
        })
    }

    fn connector(&self, settings: &HttpConnectorSettings, proxy: Proxy) -> SharedHttpConnector {
        let connector: ConnectorBuilder = Connector::builder().proxy_config(config(proxy));
        connector.connector_settings(settings.clone()).tls_provider(tls()).build().into_shared()
    }

    fn credentials(&self, _: Option<&str>) -> Option<SharedCredentialsProvider> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn uptime(&self) -> Duration {
        Duration::try_from(clock_gettime(UPTIME)).unwrap_or_default()
    }

    fn random(&self) -> u128 {
        uuid::Uuid::new_v4().as_u128()
    }
}

fn config(proxy: Proxy) -> ProxyConfig {
    match proxy {
        Proxy::OfTheUser => ProxyConfig::from_env(),
        Proxy::None => ProxyConfig::disabled(),
    }
}

fn tls() -> Provider {
    Provider::Rustls(CryptoMode::Ring)
}
