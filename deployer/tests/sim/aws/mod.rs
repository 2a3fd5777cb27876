//! The simulated AWS: accounts with their services. A request's signature or host selects the service, and the
//! signing key selects the account.

pub(crate) mod apigateway;
pub(crate) mod cloudwatch;
pub(crate) mod denial;
pub(crate) mod dynamodb;
pub(crate) mod http_api;
pub(crate) mod iam;
pub(crate) mod lambda;
pub(crate) mod logs;
pub(crate) mod query;
pub(crate) mod s3;
pub(crate) mod signature;
pub(crate) mod sts;
pub(crate) mod url;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::application::Application;
use lambda::{Around, ObjectError, Objects, RouteError};
use wire::{Moment, Reply, Request};

/// The region of everything.
pub(crate) const REGION: &str = "us-east-1";

/// All of AWS.
#[derive(Clone, Debug)]
pub(crate) struct Aws {
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) sts: sts::Sts,
    pub(crate) moment: Moment,
    /// When a request last changed what visitors see.
    pub(crate) changed: Duration,
}

/// One account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) lambda: lambda::Lambda,
    pub(crate) api: apigateway::ApiGateway,
    /// HTTP APIs and Function URLs.
    pub(crate) http: http_api::HttpApis,
    pub(crate) dynamodb: dynamodb::DynamoDb,
    pub(crate) alarms: cloudwatch::CloudWatch,
    pub(crate) logs: logs::Logs,
    pub(crate) s3: s3::S3,
    pub(crate) iam: iam::Iam,
    /// What the code of the functions does.
    pub(crate) application: Application,
}

impl Account {
    pub(crate) fn new(number: &str) -> Self {
        Self {
            lambda: lambda::Lambda::new(number, REGION),
            api: apigateway::ApiGateway::new(number, REGION),
            http: http_api::HttpApis::new(number),
            dynamodb: dynamodb::DynamoDb::new(number, REGION),
            alarms: cloudwatch::CloudWatch::new(number, REGION),
            logs: logs::Logs::default(),
            s3: s3::S3::new(),
            iam: iam::Iam::new(),
            application: Application::default(),
        }
    }
}

/// Which call a request is.
pub(crate) fn name(request: &Request) -> Option<&'static str> {
    match signature::service(request) {
        Some("lambda") => lambda::name(request),
        Some("apigateway") => apigateway::name(request).or_else(|| http_api::name(request)),
        Some("dynamodb") => dynamodb::DynamoDb::name(request),
        Some("monitoring") => cloudwatch::CloudWatch::name(request),
        Some("logs") => logs::Logs::name(request),
        Some("sts") => sts::Sts::name(request),
        Some("s3") => s3::S3::name(request),
        Some("iam") => iam::Iam::name(request),
        Some(_) => None,
        None if [".execute-api.", ".lambda-url."].iter().any(|part| request.host.contains(part)) => Some("URL"),
        None => Some("Download"),
    }
}

impl Aws {
    /// The response to a request. `None`: an operation that is not simulated.
    pub(crate) fn respond(&mut self, request: &Request) -> Option<Reply> {
        let Self { accounts, sts, moment, changed } = self;
        let Some(service) = signature::service(request) else { return self.respond_to_visitor(request) };
        let caller = match sts.caller(request, moment) {
            Ok(caller) => caller,
            Err(denial) => return Some(denial.reply()),
        };
        if service == "sts" {
            return sts.handle(request, moment);
        }
        if matches!(service, "lambda" | "apigateway") && request.method != "GET" {
            *changed = moment.now;
        }
        let Account { lambda, api, http, dynamodb, alarms, logs, s3, iam, application } =
            accounts.get_mut(&caller.account)?;
        match service {
            "lambda" if lambda::name(request) == Some("GetFunctionUrlConfig") => {
                let function = request.segments().into_iter().nth(2).unwrap_or_default();
                Some(http.url_config(&function, request.asked("Qualifier").unwrap_or_default()))
            }
            "lambda" => lambda.handle(request, moment, &mut Around { app: application, objects: &Buckets(s3) }),
            "apigateway" => api.handle(request, moment).or_else(|| http.handle(request)),
            "dynamodb" => dynamodb.handle(request, moment),
            "monitoring" => alarms.handle(request, moment),
            "logs" => logs.handle(request, moment),
            "s3" => s3.handle(request, moment),
            "iam" => iam.handle(request, moment),
            _ => None,
        }
    }

    /// An unsigned request: to the URL of a stage, or for a package.
    fn respond_to_visitor(&mut self, request: &Request) -> Option<Reply> {
        let Self { accounts, moment, .. } = self;
        let api = request.host.split('.').next().unwrap_or_default();
        let known = |account: &&mut Account| account.api.knows(api) || account.api.has_domain(&request.host);
        if let Some(Account { lambda, api, application, .. }) = accounts.values_mut().find(known) {
            return Some(url::visit(api, &mut Functions { lambda, application }, request, moment));
        }
        if let Some(Account { lambda, http, application, .. }) =
            accounts.values_mut().find(|account| account.http.knows(&request.host))
        {
            return Some(http.visit(&mut Functions { lambda, application }, request, moment));
        }
        accounts.values().find_map(|account| account.lambda.download(request, moment))
    }
}

impl apigateway::ApiGateway {
    /// The id of the account's only API.
    pub(crate) fn only(&self) -> String {
        self.apis.keys().next().cloned().unwrap_or_default()
    }

    fn knows(&self, api: &str) -> bool {
        self.apis.contains_key(api)
    }

    fn has_domain(&self, host: &str) -> bool {
        self.domains.contains_key(host)
    }
}

/// The functions, as a stage calls them.
struct Functions<'a> {
    lambda: &'a mut lambda::Lambda,
    application: &'a mut Application,
}

impl url::Backend for Functions<'_> {
    fn invoke(&mut self, function: &str, qualifier: &str, event: &Value, moment: &mut Moment) -> url::Invoked {
        let version = match self.lambda.route(function, qualifier, moment) {
            Ok(version) => version,
            Err(RouteError::NotFound(_)) => return url::Invoked::Missing,
            Err(RouteError::Throttled) => return url::Invoked::Throttled,
            Err(RouteError::Waking | RouteError::State(_)) => return url::Invoked::FunctionError,
        };
        let Some(call) = self.lambda.call(function, &version, event.clone()) else { return url::Invoked::Missing };
        match lambda::App::run(self.application, &call) {
            lambda::Ran::Payload(payload) => url::Invoked::Payload(payload),
            lambda::Ran::FunctionError { .. } => url::Invoked::FunctionError,
        }
    }

    fn permits(&self, function: &str, qualifier: &str, source_arn: &str) -> bool {
        self.lambda.permits(function, qualifier, source_arn)
    }
}

struct Buckets<'a>(&'a s3::S3);

impl Objects for Buckets<'_> {
    fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Vec<u8>, ObjectError> {
        self.0.object(bucket, key, version).map(<[u8]>::to_vec).ok_or(ObjectError::NoKey)
    }
}
