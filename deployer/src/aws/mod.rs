//! AWS: one file for each service, plain data in and out. The only module that names an SDK type.
//!
//! It makes single calls and distinguishes the errors that code branches on. It never decides. What only looks gets a
//! [`Reader`], which has no way to change anything; a [`Writer`] has both.

mod apigateway;
mod apigatewayv2;
mod body;
mod calls;
mod clock;
mod cloudwatch;
mod cloudwatchlogs;
mod denial;
mod dynamodb;
mod endpoint;
mod error;
mod hint;
mod http;
mod iam;
mod lambda;
mod lost_reply;
mod machine;
mod paced;
mod profile;
#[cfg(test)]
mod reference;
mod request;
mod retry;
mod s3;
mod sts;
mod throttle;
mod upload;
mod web_identity;
mod wire;
mod xml;

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_async::time::SharedTimeSource;
use jiff::Timestamp;

use self::profile::Profile;
use crate::config::{Access, Environment, LocalAccess};
use crate::world::{Proxy, World};

pub use apigateway::{About, ApiReader, ApiWriter, Deployment, Route, Stage, StageMove};
pub use apigatewayv2::{HttpApiReader, HttpRoute, HttpStage};
pub use calls::{Call, Calls};
pub use cloudwatch::{Alarm, AlarmState, CloudWatch};
pub use cloudwatchlogs::{CloudWatchLogs, LastRecords, LogStreams};
pub use dynamodb::{Change, Condition, TableReader, TableWriter};
pub use error::{AwsError, Kind};
pub use http::{Http, HttpResponse, NoResponse};
pub use iam::{Asked, Iam};
pub use lambda::{
    Alias, AliasMove, Code, EventSource, FunctionUrl, Invocation, LambdaReader, LambdaWriter, Provisioned, Readiness,
    Routing, Settings, VersionState,
};
pub use lost_reply::{TRIES, certainly};
pub use machine::Machine;
pub use request::{Client, Failure, Request, Service};
pub use retry::{Patience, patiently};
pub use s3::S3Writer;
pub use sts::{Caller, Sts};
pub use web_identity::explained;
pub use wire::Form;

/// The longest that a move of traffic may take, an alias's or a stage's: a run that takes over a lock waits so long, on top
/// of the lease, before a move of the old holder is certain to have ended.
pub const MOVE: Duration = Duration::from_secs(10);

/// No wait of ours may hang: the SDK has a connect timeout only, unless set otherwise.
const CONNECT: Duration = Duration::from_secs(3);
const ATTEMPT: Duration = Duration::from_secs(20);
const OPERATION: Duration = Duration::from_secs(45);
/// A zip of 50 MB through a slow line.
const UPLOAD: Duration = Duration::from_secs(300);

/// Looks at the AWS of one environment.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Functions, versions, aliases.
    pub lambda: LambdaReader,
    /// A REST API's stage, deployments and definition.
    pub api: ApiReader,
    /// An HTTP API's stage and routes.
    pub http_api: HttpApiReader,
    /// The ledger's table.
    pub table: TableReader,
    /// Whose credentials these are.
    pub sts: Sts,
    /// Alarms.
    pub cloudwatch: CloudWatch,
    /// What functions logged.
    pub logs: CloudWatchLogs,
    /// What principals may do.
    pub iam: Iam,
    /// Every call made so far, by a writer of the same environment too.
    pub calls: Calls,
    /// The world in which it is reached.
    pub world: World,
    /// What its credentials come from, before any role is taken: such a role can be taken again as long as these last.
    source: Option<SharedCredentialsProvider>,
}

/// Changes the AWS of one environment.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Looks at it.
    pub reader: Reader,
    /// Code, versions, aliases.
    pub lambda: LambdaWriter,
    /// Deployments and the stage.
    pub api: ApiWriter,
    /// The ledger's table.
    pub table: TableWriter,
    /// Where big zips go.
    pub s3: S3Writer,
}

impl Reader {
    /// Opens an environment for reading. No call is made yet, unless a role is to be assumed.
    pub async fn open(environment: &Environment, world: &World) -> Self {
        Writer::open(environment, world).await.reader
    }

    /// When the credentials end, as far as that is known.
    pub async fn credentials_end(&self) -> Option<Timestamp> {
        let credentials = self.source.as_ref()?.provide_credentials().await.ok()?;
        Timestamp::try_from(credentials.expiry()?).ok()
    }

    /// Opens `from` for reading by assuming `role`, which trusts the credentials of `to`. No call is made yet, and none of
    /// another reader's is counted here.
    pub async fn assuming(from: &Environment, to: &Environment, role: &str, world: &World) -> Self {
        let base = in_role(&to.access, base(&from.region, &to.access, world).await).await;
        let base = match &from.access {
            Access::Account { .. } => base,
            Access::Local(there) => base.into_builder().endpoint_url(there.endpoint()).build(),
        };
        Writer::of(&assume(role, base).await, from, world).reader
    }
}

impl Writer {
    /// Opens an environment. No call is made yet, unless a role is to be assumed.
    pub async fn open(environment: &Environment, world: &World) -> Self {
        let base = base(&environment.region, &environment.access, world).await;
        let source = base.credentials_provider();
        let mut writer = Self::of(&in_role(&environment.access, base).await, environment, world);
        writer.reader.source = source;
        writer
    }

    fn of(shared: &SdkConfig, environment: &Environment, world: &World) -> Self {
        let calls = Calls::of(environment, world);
        let downloads = Http::new(world, environment.access.proxy(), UPLOAD);
        let (lambda, lambda_writer) = lambda::open(shared, &calls, downloads, world);
        let (api, api_writer) = apigateway::open(shared, &calls);
        let (table, table_writer) = dynamodb::open(shared, &calls, &environment.ledger, world);
        let s3 = S3Writer::new(shared, &calls, matches!(environment.access, Access::Local(_)));
        let reader = Reader {
            lambda,
            api,
            http_api: apigatewayv2::open(shared, &calls),
            table,
            sts: Sts::new(shared, &calls),
            cloudwatch: CloudWatch::new(shared, &calls),
            logs: CloudWatchLogs::new(shared, &calls),
            iam: Iam::new(shared, &calls),
            calls,
            world: world.clone(),
            source: None,
        };
        Self { reader, lambda: lambda_writer, api: api_writer, table: table_writer, s3 }
    }
}

/// The region of a profile of the AWS configuration files, the default one's if none is named.
pub async fn region_of_profile(profile: Option<&str>) -> Option<String> {
    let mut provider = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        provider = provider.profile_name(profile);
    }
    Some(provider.build().region().await?.as_ref().to_owned())
}

/// What all clients share, but for the role. No call is made yet.
async fn base(region: &str, access: &Access, world: &World) -> SdkConfig {
    match access {
        Access::Account { profile, .. } => account(region, profile.as_deref(), world).await,
        Access::Local(local) => local_aws(region, local, world),
    }
}

async fn in_role(access: &Access, base: SdkConfig) -> SdkConfig {
    match access {
        Access::Account { role: Some(role), .. } => assume(role, base).await,
        _ => base,
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}

fn upload_timeouts() -> TimeoutConfig {
    timeouts().to_builder().read_timeout(UPLOAD).operation_attempt_timeout(UPLOAD).operation_timeout(UPLOAD).build()
}

/// Writes to the ledger renew a lease: several of them have to fit into one, also where the first ones get no response.
fn quick_timeouts() -> TimeoutConfig {
    const QUICK: Duration = Duration::from_secs(3);
    timeouts().to_builder().read_timeout(QUICK).operation_attempt_timeout(QUICK).operation_timeout(QUICK).build()
}

/// For what moves traffic: one attempt, and an end that others can reckon with.
fn move_timeouts() -> TimeoutConfig {
    timeouts().to_builder().read_timeout(MOVE).operation_attempt_timeout(MOVE).operation_timeout(MOVE).build()
}

/// Reads may be repeated by the SDK, which knows `Retry-After` and backs off with jitter. Writes may not: a
/// repeated write whose first reply was lost is recognised only by reading back.
fn read_retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(6).with_initial_backoff(Duration::from_millis(100))
}

/// The user's credentials, by the SDK's usual chain, unless the world has others.
async fn account(region: &str, profile: Option<&str>, world: &World) -> SdkConfig {
    // As for the loader's own settings, `HTTPS_PROXY` and `NO_PROXY` are the SDK's to read.
    let http = clock::watched(world.outside().http_client(Proxy::OfTheUser), world);
    if let Some(credentials) = world.outside().credentials(profile) {
        return given(region, credentials, world).http_client(http).build();
    }
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .time_source(SharedTimeSource::new(world.clone()))
        .http_client(http.clone())
        .timeout_config(timeouts())
        .retry_config(read_retries());
    if let Some(profile) = profile {
        // What the file names wins over keys in the environment, which the SDK would ask first.
        let provider = ProviderConfig::default()
            .with_region(Some(Region::new(region.to_owned())))
            .with_http_client(http.clone())
            .with_time_source(SharedTimeSource::new(world.clone()));
        loader = loader.profile_name(profile).credentials_provider(Profile::new(profile, &provider));
    }
    loader.load().await
}

/// The same, with the credentials of a role that `base` may assume.
async fn assume(role: &str, base: SdkConfig) -> SdkConfig {
    let assumed =
        aws_config::sts::AssumeRoleProvider::builder(role).session_name("deployer").configure(&base).build().await;
    let assumed = SharedCredentialsProvider::new(assumed);
    // One cache for all clients: the role is assumed once, not once a service.
    base.into_builder().credentials_provider(assumed).identity_cache(IdentityCache::lazy().build()).build()
}

/// The local AWS: without a proxy.
fn local_aws(region: &str, local: &LocalAccess, world: &World) -> SdkConfig {
    // The emulator distinguishes accounts by the key. What authenticates is the token.
    let credentials = Credentials::new(local.account.clone(), "local", local.token(), None, "local");
    given(region, SharedCredentialsProvider::new(credentials), world)
        .endpoint_url(local.endpoint())
        .http_client(clock::watched(world.outside().http_client(Proxy::None), world))
        .build()
}

/// Built without the loader, so that nothing of the user's environment or files gets in.
fn given(region: &str, credentials: SharedCredentialsProvider, world: &World) -> aws_types::sdk_config::Builder {
    let mut builder = SdkConfig::builder();
    builder.set_time_source(Some(SharedTimeSource::new(world.clone())));
    builder
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .timeout_config(timeouts())
        .retry_config(read_retries())
}

/// Two clients of one service: for reads, which the SDK may repeat, and for writes, which it may not.
macro_rules! clients {
    ($service:ident, $shared:expr, $calls:expr) => {{
        let read = $service::config::Builder::from($shared)
            .interceptor($crate::aws::calls::Counting::reads($calls))
            .retry_classifier($crate::aws::throttle::Throttle);
        let mut write = $service::config::Builder::from($shared);
        write.set_time_source($calls.clock());
        let write = write
            .interceptor($crate::aws::calls::Counting::writes($calls))
            .retry_config(aws_config::retry::RetryConfig::disabled());
        ($service::Client::from_conf(read.build()), $service::Client::from_conf(write.build()))
    }};
}
use clients;
