//! Calls of services that this crate needs a call or two from: without their SDKs, which take minutes to compile, but through the same
//! runtime. Credentials, signatures, retries, timeouts, interceptors and the HTTP client are those of the SDK.

use aws_config::SdkConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{PayloadSigningOverride, SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::{AwsErrorCodeClassifier, TRANSIENT_ERRORS};
use aws_runtime::service_clock_skew::{
    DisableClockSkewCorrection, ServiceClockSkewClassifier, ServiceClockSkewInterceptor,
};
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_runtime::client::http::connection_poisoning::ConnectionPoisoningInterceptor;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime::client::stalled_stream_protection::StalledStreamProtectionInterceptor;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthSchemeOptionResolver};
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_smithy_types::error::ErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;

use super::endpoint::{self, Place};
use super::throttle::Throttle;
use super::wire;

/// A service without an SDK here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// IAM.
    Iam,
    /// S3.
    S3,
    /// CloudWatch.
    CloudWatch,
    /// CloudWatch Logs.
    Logs,
    /// API Gateway's HTTP APIs.
    HttpApis,
}

impl Service {
    /// As AWS's models name it: `AWS_ENDPOINT_URL_…` and the sections of profiles are made of it.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Iam => "IAM",
            Self::S3 => "S3",
            Self::CloudWatch => "CloudWatch",
            Self::Logs => "CloudWatch Logs",
            Self::HttpApis => "ApiGatewayV2",
        }
    }

    /// What its host begins with. It is signed for by the same name.
    pub(super) fn host(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::S3 => "s3",
            Self::CloudWatch => "monitoring",
            Self::Logs => "logs",
            Self::HttpApis => "apigateway",
        }
    }

    /// What S3 does differently: it takes paths as they are, and the payload's hash from a header.
    fn signing(self) -> SigV4OperationSigningConfig {
        let mut options = SigningOptions::default();
        options.double_uri_encode = self != Self::S3;
        options.normalize_uri_path = self != Self::S3;
        options.content_sha256_header = self == Self::S3;
        SigV4OperationSigningConfig { signing_options: options, ..SigV4OperationSigningConfig::default() }
    }
}

/// A request, before it has an address and a signature.
#[derive(Debug)]
pub struct Request {
    pub(super) operation: &'static str,
    pub(super) method: &'static str,
    /// Percent-encoded, with the query.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: SdkBody,
    /// SHA-256 of a body that is not in memory, in hexadecimal.
    pub(super) sha256: Option<String>,
}

impl Request {
    fn serialized(self) -> HttpRequest {
        let length = self.body.content_length().filter(|length| *length > 0);
        let mut request = HttpRequest::new(self.body);
        // Both are constants of this crate or percent-encoded.
        let _ = (request.set_method(self.method), request.set_uri(self.path));
        for (name, value) in self.headers {
            request.headers_mut().insert(name, value);
        }
        if let Some(length) = length {
            request.headers_mut().insert("content-length", length.to_string());
        }
        request
    }
}

/// Why a call failed: the SDK's error, with AWS's code and message.
pub type Failure = SdkError<ErrorMetadata, HttpResponse>;

/// A client of one service.
#[derive(Debug, Clone)]
pub struct Client {
    service: Service,
    shared: SdkConfig,
    interceptor: SharedInterceptor,
}

impl Client {
    /// A client with these settings, retries included. `interceptor` sees each attempt.
    pub fn new(service: Service, shared: &SdkConfig, interceptor: impl Intercept + 'static) -> Self {
        Self { service, shared: shared.clone(), interceptor: SharedInterceptor::new(interceptor) }
    }

    /// Sends a request, and reads the response with `read`.
    ///
    /// # Errors
    /// As an SDK's. A response that `read` returns nothing for is an error of the service without a code, as it is there.
    pub async fn send<T>(
        &self,
        request: Request,
        read: impl Fn(&HttpResponse) -> Option<T> + Send + Sync + 'static,
    ) -> Result<T, Failure>
    where
        T: std::fmt::Debug + Send + Sync + 'static,
    {
        let place = self.place().await?;
        self.send_to(&place, request, read).await
    }

    pub(super) async fn place(&self) -> Result<Place, Failure> {
        endpoint::place(self.service, &self.shared).await.map_err(SdkError::construction_failure)
    }

    /// The same, to an address of its own, as buckets have.
    pub(super) async fn send_to<T>(
        &self,
        place: &Place,
        request: Request,
        read: impl Fn(&HttpResponse) -> Option<T> + Send + Sync + 'static,
    ) -> Result<T, Failure>
    where
        T: std::fmt::Debug + Send + Sync + 'static,
    {
        let service = self.service;
        let plugin = StaticRuntimePlugin::new()
            .with_config(self.settings(place, request.sha256.clone()))
            .with_runtime_components(self.components());
        let mut operation =
            Operation::builder().service_name(service.id()).operation_name(request.operation).endpoint_url(&place.url);
        if let Some(version) = self.shared.behavior_version() {
            operation = operation.behavior_version(version);
        }
        let operation = operation
            .runtime_plugin(plugin)
            .serializer(|request: Request| Ok(request.serialized()))
            .deserializer(move |response: &HttpResponse| read_response(service, response, &read));
        operation.build().invoke(request).await
    }

    fn settings(&self, place: &Place, sha256: Option<String>) -> FrozenLayer {
        let (shared, service) = (&self.shared, self.service);
        let mut layer = Layer::new("request");
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(service.signing());
        layer.store_put(SigningName::from_static(service.host()));
        layer.store_put(SigningRegion::from(place.region.clone()));
        layer.store_put(ApiMetadata::new(service.host(), env!("CARGO_PKG_VERSION")));
        // Retries of one service and region share a budget, as those of an SDK's clients do.
        layer.store_put(RetryPartition::new(format!("{}-{}", service.host(), place.region)));
        layer.store_or_unset(sha256.map(PayloadSigningOverride::Precomputed));
        layer.store_or_unset(shared.region().cloned());
        layer.store_or_unset(shared.app_name().cloned());
        layer.store_or_unset(shared.disable_clock_skew_correction().map(DisableClockSkewCorrection::from));
        if let Some(retries) = shared.retry_config() {
            layer.store_put(retries.clone());
        }
        if let Some(timeouts) = shared.timeout_config() {
            layer.store_put(timeouts.clone());
        }
        if let Some(protection) = shared.stalled_stream_protection() {
            layer.store_put(protection);
        }
        layer.freeze()
    }

    /// What an SDK's client is made of. The order is theirs.
    fn components(&self) -> RuntimeComponentsBuilder {
        let shared = &self.shared;
        let mut transient = TRANSIENT_ERRORS.to_vec();
        if self.service == Service::S3 {
            transient.push("InternalError");
        }
        let mut components = RuntimeComponentsBuilder::new("request");
        components
            .set_http_client(shared.http_client())
            .set_time_source(shared.time_source())
            .set_sleep_impl(shared.sleep_impl())
            .set_identity_cache(shared.identity_cache())
            .set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
                StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
            )))
            .push_auth_scheme(SigV4AuthScheme::new())
            .push_interceptor(self.interceptor.clone())
            .push_interceptor(ConnectionPoisoningInterceptor::new())
            .push_interceptor(ServiceClockSkewInterceptor::new())
            .push_interceptor(RequestInfoInterceptor::new())
            .push_interceptor(UserAgentInterceptor::new())
            .push_interceptor(InvocationIdInterceptor::new())
            .push_interceptor(RecursionDetectionInterceptor::new())
            .push_interceptor(StalledStreamProtectionInterceptor::default())
            .push_retry_classifier(Throttle)
            .push_retry_classifier(HttpStatusCodeClassifier::default())
            .push_retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .push_retry_classifier(
                AwsErrorCodeClassifier::<ErrorMetadata>::builder().transient_errors(transient).build(),
            )
            .push_retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new());
        if let Some(credentials) = shared.credentials_provider() {
            components.set_identity_resolver(SCHEME_ID, credentials);
        }
        components
    }
}

fn read_response<T>(
    service: Service,
    response: &HttpResponse,
    read: impl Fn(&HttpResponse) -> Option<T>,
) -> Result<T, OrchestratorError<ErrorMetadata>> {
    if !response.status().is_success() {
        return Err(OrchestratorError::operation(wire::error(service, response)));
    }
    read(response).ok_or_else(|| OrchestratorError::operation(ErrorMetadata::builder().build()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };

    use super::*;
    use crate::aws::calls::Counting;
    use crate::aws::wire::Form;
    use crate::aws::{AwsError, Calls, Kind, read_retries, wire};

    /// Responds with each of these in turn, and keeps the requests.
    #[derive(Debug, Clone)]
    struct Wire {
        replies: Arc<Mutex<Vec<(u16, &'static str)>>>,
        sent: Arc<Mutex<Vec<HttpRequest>>>,
    }

    impl HttpConnector for Wire {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.sent.lock().unwrap().push(request);
            let (status, body) = self.replies.lock().unwrap().remove(0);
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
        }
    }

    fn wire(replies: &[(u16, &'static str)]) -> (Wire, SdkConfig) {
        let wire = Wire { replies: Arc::new(Mutex::new(replies.to_vec())), sent: Arc::default() };
        let connector = SharedHttpConnector::new(wire.clone());
        let http = http_client_fn(move |_, _| connector.clone());
        let credentials = Credentials::new("AKID", "secret", Some("token".to_owned()), None, "test");
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(read_retries())
            .http_client(http);
        (wire, shared.build())
    }

    async fn asked(service: Service, replies: &[(u16, &'static str)]) -> (Result<String, AwsError>, Wire, Calls) {
        let ((wire, shared), calls) = (wire(replies), Calls::default());
        let client = Client::new(service, &shared, Counting::reads(&calls));
        let request = match service {
            Service::HttpApis => Request::bare("GetApi", "GET", "/v2/apis/a".to_owned()),
            _ => Request::query("Look", "2010-05-08", &Form::default().with("Name", "a b")),
        };
        let text = |response: &HttpResponse| {
            let found = wire::result("Look", response)?.text("Found")?.to_owned();
            Some(found)
        };
        let response = match service {
            Service::HttpApis => client.send(request, wire::json::<serde_json::Value>).await.map(|it| it.to_string()),
            _ => client.send(request, text).await,
        };
        (response.map_err(|error| AwsError::new("Look", "x", &error)), wire, calls)
    }

    const FOUND: &str = "<LookResponse><LookResult><Found>yes</Found></LookResult></LookResponse>";

    #[tokio::test]
    async fn a_request_is_signed_for_its_service_and_counted() {
        let (response, wire, calls) = asked(Service::Iam, &[(200, FOUND)]).await;
        assert_eq!(response.unwrap(), "yes");
        let sent = wire.sent.lock().unwrap();
        let header = |name: &str| sent[0].headers().get(name).unwrap_or_default().to_owned();
        assert_eq!((sent[0].method(), sent[0].uri()), ("POST", "https://iam.amazonaws.com/"));
        assert!(header("authorization").contains("/us-east-1/iam/aws4_request"), "{}", header("authorization"));
        assert!(header("user-agent").contains("aws-sdk-rust/"), "{}", header("user-agent"));
        assert_eq!((header("x-amz-security-token").as_str(), header("content-length").as_str()), ("token", "41"));
        assert!(header("amz-sdk-request").starts_with("attempt=1"));
        assert_eq!(calls.by_operation(), [("Look".to_owned(), 1)].into());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_request_is_repeated_and_a_refused_one_is_not() {
        let throttled =
            "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
        let (response, _, calls) = asked(Service::CloudWatch, &[(400, throttled), (503, ""), (200, FOUND)]).await;
        assert_eq!((response.unwrap().as_str(), calls.total()), ("yes", 3));
        let refused =
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: a</Message></Error></ErrorResponse>";
        let (response, _, calls) = asked(Service::Iam, &[(403, refused)]).await;
        let error = response.unwrap_err();
        assert_eq!((error.kind, calls.total()), (Kind::Denied, 1));
        assert_eq!(error.to_string(), "Look of x failed: AccessDenied: User: a");
    }

    #[tokio::test]
    async fn a_response_that_is_not_aws_or_not_whole_has_its_kind() {
        let kind = async |service, status, body| {
            let error = asked(service, &[(status, body)]).await.0.unwrap_err();
            (error.kind, error.to_string())
        };
        let foreign = "Look of x failed: the response is not from AWS (HTTP 403)".to_owned();
        assert_eq!(kind(Service::Iam, 403, "<html>Blocked</html>").await, (Kind::Other, foreign.clone()));
        assert_eq!(kind(Service::HttpApis, 403, "<html>Blocked</html>").await, (Kind::Other, foreign));
        let unread = "Look of x failed: the response could not be read".to_owned();
        assert_eq!(kind(Service::Iam, 200, "<LookResponse><Look").await, (Kind::Malformed, unread.clone()));
        assert_eq!(kind(Service::HttpApis, 200, "{\"a\":").await, (Kind::Malformed, unread));
    }
}
