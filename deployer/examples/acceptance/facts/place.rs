//! Where the probes run: an account and a region, by the usual settings of the AWS SDK, and the prefix of every name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use deployer::aws::{Client, Failure, Form, Request, Service};

/// Every wait ends.
const WAIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(300);

/// An account and region, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    shared: SdkConfig,
    /// Every name that the probes make begins with it.
    pub(crate) prefix: String,
    pub(crate) region: String,
    /// Of an emulator, or none.
    pub(crate) endpoint: Option<String>,
    counter: Counter,
}

impl Place {
    /// By the SDK's usual chain of settings, which is read here and nowhere else. No call is made yet.
    pub(crate) async fn open(prefix: &str, region: &str) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.to_owned()));
        let shared = loader.http_client(http_client()).timeout_config(timeouts()).load().await;
        Self::of(shared, prefix, region)
    }

    /// With the given settings.
    pub(crate) fn of(shared: SdkConfig, prefix: &str, region: &str) -> Self {
        let endpoint = shared.endpoint_url().map(str::to_owned);
        let shared = shared
            .into_builder()
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(10))
            .build();
        Self { shared, prefix: prefix.to_owned(), region: region.to_owned(), endpoint, counter: Counter::default() }
    }

    /// What all clients share.
    pub(crate) fn shared(&self) -> &SdkConfig {
        &self.shared
    }

    /// Counts the requests of a client.
    pub(crate) fn counter(&self) -> Counter {
        self.counter.clone()
    }

    /// The same place as the holder of a role.
    pub(crate) async fn assuming(&self, role: &str) -> Self {
        let provider = aws_config::sts::AssumeRoleProvider::builder(role).session_name("acceptance");
        let provider = provider.configure(&self.shared).build().await;
        let provider = aws_credential_types::provider::SharedCredentialsProvider::new(provider);
        let cache = aws_config::identity::IdentityCache::lazy().build();
        let shared = self.shared.clone().into_builder().credentials_provider(provider).identity_cache(cache).build();
        Self { shared, ..self.clone() }
    }

    /// Calls IAM. Throttling is waited out. Returns the response, which is XML.
    pub(crate) async fn iam(&self, operation: &'static str, fields: &[(&str, &str)]) -> Result<String, Failure> {
        let form = fields.iter().fold(Form::default(), |form, (name, value)| form.with(name, value));
        let client = Client::new(Service::Iam, &self.shared, self.counter());
        let text = |response: &HttpResponse| String::from_utf8(response.body().bytes()?.to_vec()).ok();
        client.send(Request::query(operation, "2010-05-08", &form), text).await
    }

    /// Whether there is a bucket, by its path: `HeadBucket`.
    pub(crate) async fn head_bucket(&self, name: &str) -> Result<(), Failure> {
        let client = Client::new(Service::S3, &self.shared, self.counter());
        client.send(Request::bare("HeadBucket", "HEAD", format!("/{name}")), |_| Some(())).await
    }

    /// The name of what a probe makes.
    pub(crate) fn name(&self) -> String {
        format!("{}-probe", self.prefix)
    }

    /// The requests since the last time, by operation.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut *self.counter.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Repeats until there is a result, at most two minutes.
    pub(crate) async fn until<T>(what: &str, mut asked: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
        let started = tokio::time::Instant::now();
        loop {
            if let Some(found) = asked().await.with_context(|| format!("while waiting for {what}"))? {
                return Ok(found);
            }
            if started.elapsed() > WAIT {
                bail!("waited {} s for {what}", WAIT.as_secs());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The operation of each request, as AWS names it. A repeated attempt is one more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(Arc<Mutex<BTreeMap<String, usize>>>);

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = bag.load::<Metadata>().map_or_else(String::new, |metadata| metadata.name().to_string());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
        Ok(())
    }
}

fn timeouts() -> TimeoutConfig {
    let attempt = Duration::from_secs(30);
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .operation_timeout(WAIT)
        .build()
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    })
}

/// The texts of all elements of this name in XML.
pub(crate) fn texts<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let open = format!("<{name}>");
    let parts = xml.match_indices(&open).map(|(at, open)| &xml[at + open.len()..]).collect::<Vec<_>>();
    parts.into_iter().filter_map(|part| part.split('<').next())
}

/// A client for what has to work: throttling is waited out.
macro_rules! patient {
    ($service:ident, $place:expr) => {
        $service::Client::from_conf(
            $service::config::Builder::from($place.shared()).interceptor($place.counter()).build(),
        )
    };
}

/// A client for what is to be seen as it comes: one attempt a call.
macro_rules! once {
    ($service:ident, $place:expr) => {
        $service::Client::from_conf(
            $service::config::Builder::from($place.shared())
                .interceptor($place.counter())
                .retry_config(aws_config::retry::RetryConfig::disabled())
                .build(),
        )
    };
}

pub(crate) use {once, patient};
