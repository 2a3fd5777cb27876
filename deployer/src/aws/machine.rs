//! The real outside world: this machine's network and clocks.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
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
pub struct Machine {
    /// The certificates that servers are checked against.
    trusted: TrustStore,
}

const PROVIDER: Provider = Provider::Rustls(CryptoMode::Ring);

/// The clock that counts while the machine is suspended: on Apple's systems the monotonic one does.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UPTIME: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const UPTIME: ClockId = ClockId::Monotonic;

impl World {
    /// The real one: this machine's network, clocks and signals.
    pub fn real() -> Self {
        Self::trusting(&[])
    }

    /// The same, which trusts these root certificates (PEM) beside the system's.
    pub fn trusting(certificates: &[Vec<u8>]) -> Self {
        let trusted =
            certificates.iter().fold(TrustStore::default(), |store, pem| store.with_pem_certificate(pem.clone()));
        Self::new(Arc::new(Machine { trusted }), Interrupt::of_the_process())
    }
}

impl Outside for Machine {
    fn http_client(&self, proxy: Proxy) -> SharedHttpClient {
        let (proxy, trusted) = (config(proxy), self.tls(proxy));
        // This builder keeps a connector, and with it its connections, for each set of timeouts.
        aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder().proxy_config(proxy.clone());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            connector.tls_provider(PROVIDER).tls_context(trusted.clone()).build()
        })
    }

    fn connector(&self, settings: &HttpConnectorSettings, proxy: Proxy) -> SharedHttpConnector {
        let connector: ConnectorBuilder = Connector::builder().proxy_config(config(proxy));
        let connector = connector.connector_settings(settings.clone()).tls_provider(PROVIDER);
        connector.tls_context(self.tls(proxy)).build().into_shared()
    }

    fn streams(&self) -> bool {
        true
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

impl Machine {
    fn tls(&self, proxy: Proxy) -> TlsContext {
        let trusted = match proxy {
            Proxy::OfTheUser => self.trusted.clone(),
            // What is local has no TLS, and reading the system's certificates would be half of the work of a short run.
            Proxy::None => TrustStore::empty(),
        };
        // It never fails: nothing is checked before the first connection.
        TlsContext::builder().with_trust_store(trusted).build().unwrap_or_default()
    }
}
