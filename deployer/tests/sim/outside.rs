//! The outside world of one run: a network that ends in the simulated AWS, and clocks of its own.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::shared::IntoShared as _;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use deployer::world::{Outside, Proxy};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::aws::wire::{Reply, Request, decoded};
use crate::aws::{Aws, name};
use crate::fault::Fault;
use crate::printed::SECRET_KEY;
use crate::record;
use crate::scale::cost;
use crate::schedule::Schedule;
use crate::stack::{APP, ENVIRONMENTS, ledger};

/// Calls that change something.
pub(crate) const WRITES: [&str; 11] = [
    "UpdateFunctionCode",
    "PublishVersion",
    "UpdateAlias",
    "DeleteFunction",
    "CreateDeployment",
    "UpdateStage",
    "DeleteDeployment",
    "TransactWriteItems",
    "PutObject",
    "CreateTable",
    "UpdateContinuousBackups",
];

/// The state that a run and its observer share.
#[derive(Debug)]
pub(crate) struct Run {
    aws: Arc<Mutex<Aws>>,
    began: Instant,
    epoch: Timestamp,
    key: String,
    signals: watch::Sender<Option<&'static str>>,
    /// Signals that the run is to die at once.
    pub(crate) killed: Notify,
    state: Mutex<State>,
    /// The schedule that admits writes, and this run's number in it.
    schedule: Option<(Arc<Schedule>, usize)>,
}

#[derive(Debug)]
struct State {
    calls: Vec<Sent>,
    faults: Vec<(usize, Fault)>,
    /// The faults of the next calls of a name, and how many calls.
    named: Vec<(&'static str, Fault, usize)>,
    /// The token of the run's session, and when it expires according to the run.
    session: Option<(String, Option<Timestamp>)>,
    chance: fastrand::Rng,
    /// How long the machine was suspended so far.
    suspended: Duration,
    /// The error of the run's wall clock.
    skew: SignedDuration,
    /// The call at which the run is cut off, and for how long.
    cut: Option<(usize, Duration)>,
    /// Until when it is cut off.
    until: Duration,
    /// The call at which the machine falls asleep, and for how long.
    sleep: Option<(usize, Duration)>,
    sleep_at: Option<(&'static str, Duration)>,
    /// Until when it is asleep.
    asleep: Duration,
    /// The fencing token of the lock that the run took last.
    fencing_token: Option<u64>,
    /// The names of moves that took effect after the run had lost its lock.
    stale: Vec<Stale>,
}

/// A call that was made.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) name: &'static str,
    /// Since the simulation began.
    pub(crate) at: Duration,
    pub(crate) line: String,
    /// When its response arrived; none if there was no response.
    pub(crate) ended: Option<Duration>,
    /// The status; none if there was no response.
    pub(crate) status: Option<u16>,
    pub(crate) fault: Option<Fault>,
    /// The sizes of the bodies of the request and of its response.
    pub(crate) bytes: (usize, usize),
}

/// A move that took effect after the run had lost its lock.
#[derive(Debug, Clone)]
pub(crate) struct Stale {
    pub(crate) name: &'static str,
    /// Method and path: what was moved.
    pub(crate) line: String,
    /// Since the simulation began.
    pub(crate) at: Duration,
}

fn line(request: &Request) -> String {
    format!("{} {}", request.method, request.path)
}

impl Sent {
    pub(crate) fn writes(&self) -> bool {
        WRITES.contains(&self.name)
    }

    /// Whether it has changed something.
    pub(crate) fn has_written(&self) -> bool {
        self.writes() && self.status.is_some_and(|status| status < 300)
    }
}

impl Run {
    pub(crate) fn new(
        aws: &Arc<Mutex<Aws>>,
        began: Instant,
        key: &str,
        signals: watch::Sender<Option<&'static str>>,
        schedule: Option<(Arc<Schedule>, usize)>,
    ) -> Arc<Self> {
        let (epoch, chance) = {
            let mut aws = aws.lock().unwrap();
            (aws.moment.epoch, aws.moment.chance.fork())
        };
        let state = State {
            calls: Vec::new(),
            faults: Vec::new(),
            named: Vec::new(),
            session: None,
            chance,
            suspended: Duration::ZERO,
            skew: SignedDuration::ZERO,
            cut: None,
            until: Duration::ZERO,
            sleep: None,
            sleep_at: None,
            asleep: Duration::ZERO,
            fencing_token: None,
            stale: Vec::new(),
        };
        Arc::new(Self {
            aws: Arc::clone(aws),
            began,
            epoch,
            key: key.to_owned(),
            signals,
            killed: Notify::new(),
            state: Mutex::new(state),
            schedule,
        })
    }

    /// Lets the k-th call, from 1, meet a fault.
    pub(crate) fn fault(&self, k: usize, fault: Fault) {
        self.state.lock().unwrap().faults.push((k, fault));
    }

    /// Lets every call of this name meet a fault.
    pub(crate) fn fault_of(&self, name: &'static str, fault: Fault) {
        self.faults_of(name, usize::MAX, fault);
    }

    /// Lets a number of calls of this name meet a fault.
    pub(crate) fn faults_of(&self, name: &'static str, times: usize, fault: Fault) {
        self.state.lock().unwrap().named.push((name, fault, times));
    }

    /// Lets the run sign with a session's token, which expires then according to its own clock.
    pub(crate) fn session(&self, token: &str, ends: Option<Timestamp>) {
        self.state.lock().unwrap().session = Some((token.to_owned(), ends));
    }

    /// The token of the run's session, if it has one.
    pub(crate) fn token(&self) -> Option<String> {
        self.state.lock().unwrap().session.clone().map(|(token, _)| token)
    }

    /// The items in the ledgers of the run's account.
    pub(crate) fn stored(&self) -> String {
        let aws = self.aws.lock().unwrap();
        let tables = ENVIRONMENTS.iter().filter(|(_, number)| *number == self.key);
        let items = tables.map(|(environment, _)| aws.accounts[&self.key].dynamodb.items(&ledger(environment)));
        items.map(|items| serde_json::Value::from(items).to_string()).collect()
    }

    /// Cuts the run off at its k-th call, from 1, for the given time: the call is carried out within the longest time that a move
    /// may take, and neither its response nor anything else gets through.
    pub(crate) fn cut_off(&self, k: usize, time: Duration) {
        self.state.lock().unwrap().cut = Some((k, time));
    }

    /// Suspends the machine for the given time when the run makes its k-th call, from 1. The call itself goes out.
    pub(crate) fn sleep(&self, k: usize, time: Duration) {
        self.state.lock().unwrap().sleep = Some((k, time));
    }

    /// The same when the run first makes a call of this name.
    pub(crate) fn sleep_at(&self, name: &'static str, time: Duration) {
        self.state.lock().unwrap().sleep_at = Some((name, time));
    }

    /// Until when the machine is asleep, if it is.
    fn asleep_until(&self) -> Option<Instant> {
        let asleep = self.state.lock().unwrap().asleep;
        (asleep > self.began.elapsed()).then(|| self.began + asleep)
    }

    /// The run's own work, which pauses while the machine is asleep.
    pub(crate) async fn while_awake<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut wakes = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        std::future::poll_fn(|context| {
            if let Some(until) = self.asleep_until() {
                wakes.as_mut().reset(until);
                if wakes.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
            work.as_mut().poll(context)
        })
        .await
    }

    /// Moves that took effect after the run had lost its lock.
    pub(crate) fn stale(&self) -> Vec<Stale> {
        self.state.lock().unwrap().stale.clone()
    }

    /// Whether the run ever had the lock.
    pub(crate) fn had_the_lock(&self) -> bool {
        self.state.lock().unwrap().fencing_token.is_some()
    }

    /// If the run is cut off at its k-th call: when that call arrives, if ever.
    fn is_cut_off(&self, k: usize) -> Option<Option<Duration>> {
        let mut state = self.state.lock().unwrap();
        let now = self.began.elapsed();
        match state.cut {
            Some((at, time)) if at == k => {
                state.until = now + time;
                Some(Some(Duration::from_millis(state.chance.u64(0..9_500))))
            }
            _ => (now < state.until).then_some(None),
        }
    }

    /// Sets the wall clock wrong.
    pub(crate) fn skew(&self, by: SignedDuration) {
        self.state.lock().unwrap().skew = by;
    }

    /// The machine was asleep for this long: only its uptime shows it.
    pub(crate) fn suspend(&self, time: Duration) {
        self.state.lock().unwrap().suspended += time;
    }

    pub(crate) fn calls(&self) -> Vec<Sent> {
        self.state.lock().unwrap().calls.clone()
    }

    pub(crate) fn signal(&self, name: &'static str) {
        self.signals.send_replace(Some(name));
    }

    /// Records a call: its number, its fault, and its time there and back.
    fn note(&self, request: &Request) -> (usize, Option<Fault>, Duration, Duration) {
        let mut state = self.state.lock().unwrap();
        let name = name(request).unwrap_or("unknown");
        let line = line(request);
        let k = state.calls.len() + 1;
        let fault = state.faults.iter().find(|(at, _)| *at == k).map(|(_, fault)| *fault);
        let fault = fault.or_else(|| {
            let (_, fault, times) = state.named.iter_mut().find(|(of, _, times)| *of == name && *times > 0)?;
            *times -= 1;
            Some(*fault)
        });
        let at = self.began.elapsed();
        let bytes = (request.body.len(), 0);
        state.calls.push(Sent { name, at, line, ended: None, status: None, fault, bytes });
        if let Some((_, time)) = state.sleep.take_if(|(at, _)| *at == k) {
            state.asleep = at + time;
        }
        if let Some((_, time)) = state.sleep_at.take_if(|(of, _)| *of == name) {
            state.asleep = at + time;
        }
        let mut way = || Duration::from_micros(state.chance.u64(1_000..10_000));
        let (out, back) = (way(), way());
        (k, fault, out, back)
    }

    fn carry_out(&self, request: &Request) -> Reply {
        let mut aws = self.aws.lock().unwrap();
        aws.moment.now = self.began.elapsed();
        let reply = cost::of_aws(|| aws.respond(request))
            .unwrap_or_else(|| panic!("the simulator does not support {} {}", request.method, request.path));
        record::exchange(name(request).unwrap_or("unknown"), request, &reply);
        if reply.status == 200
            && let Some(name) = name(request).filter(|name| WRITES.contains(name))
        {
            self.compare_fencing_tokens(&aws, name, request);
        }
        reply
    }

    /// Records the lock holder after a write that took effect.
    fn compare_fencing_tokens(&self, aws: &Aws, name: &'static str, request: &Request) {
        let Some(account) = aws.accounts.get(&self.key) else { return };
        let environment = ENVIRONMENTS.iter().find(|(_, number)| *number == self.key).map_or("", |(name, _)| name);
        let lock = account.dynamodb.item(&ledger(environment), APP, "lock").unwrap_or_default();
        let token = lock["fencing_token"]["N"].as_str().and_then(|token| token.parse().ok());
        let mut state = self.state.lock().unwrap();
        match name {
            "TransactWriteItems" if !lock["holder"].is_null() => state.fencing_token = token,
            "UpdateAlias" | "UpdateStage" if state.fencing_token.is_none() || state.fencing_token < token => {
                state.stale.push(Stale { name, line: line(request), at: self.began.elapsed() });
            }
            _ => {}
        }
    }

    /// Carries a call out later, even if the run no longer waits for it.
    fn carry_out_at(self: &Arc<Self>, moment: Instant, request: Request) {
        let run = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep_until(moment).await;
            run.carry_out(&request);
        });
    }

    async fn deliver(self: &Arc<Self>, request: Request) -> Result<Reply, ConnectorError> {
        if let Some(wakes) = self.asleep_until() {
            tokio::time::sleep_until(wakes).await;
        }
        let (k, fault, out, back) = self.note(&request);
        if let Some(wakes) = self.asleep_until() {
            // It was on its way when the machine fell asleep: when it arrives, the run no longer waits for it.
            self.carry_out_at(wakes + out, request);
            return std::future::pending().await;
        }
        if let Some(arrives) = self.is_cut_off(k) {
            if let Some(time) = arrives {
                self.carry_out_at(Instant::now() + time, request);
            }
            return std::future::pending().await;
        }
        tokio::time::sleep(out).await;
        if let Some((schedule, run)) = &self.schedule
            && name(&request).is_some_and(|name| WRITES.contains(&name))
        {
            schedule.turn(*run).await;
        }
        let Some(fault) = fault else {
            let reply = self.carry_out(&request);
            return self.arrive(k, reply, back).await;
        };
        if let Some(reply) = fault.reply(&request) {
            return self.arrive(k, reply, back).await;
        }
        if let Fault::Signal(name) = fault {
            self.signal(name);
        }
        let reply = fault.lets_it_happen().then(|| self.carry_out(&request));
        match (fault, reply) {
            (Fault::Signal(_), Some(reply)) => self.arrive(k, reply, back).await,
            (Fault::KilledBefore | Fault::KilledAfter, _) => {
                self.killed.notify_one();
                std::future::pending().await
            }
            (Fault::Stalled | Fault::ReplyStalled, _) => std::future::pending().await,
            (Fault::NoConnection(why), _) => Err(ConnectorError::io(std::io::Error::other(why).into())),
            _ => {
                let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                Err(ConnectorError::io(reset.into()))
            }
        }
    }

    async fn arrive(&self, k: usize, reply: Reply, back: Duration) -> Result<Reply, ConnectorError> {
        // AWS's clock, as in every response of its services.
        let date = (self.epoch + self.began.elapsed()).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let reply = reply.with("date", &date);
        tokio::time::sleep(back).await;
        if let Some(call) = self.state.lock().unwrap().calls.get_mut(k - 1) {
            (call.ended, call.status) = (Some(self.began.elapsed()), Some(reply.status));
            call.bytes.1 = reply.body.len();
        }
        Ok(reply)
    }
}

/// The run's outside world.
#[derive(Debug, Clone)]
pub(crate) struct Simulated(pub(crate) Arc<Run>);

impl HttpConnector for Simulated {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let run = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = read(request).await?;
            Ok(response(run.deliver(request).await?))
        })
    }
}

impl Outside for Simulated {
    fn http_client(&self, _: Proxy) -> SharedHttpClient {
        let connector = self.clone().into_shared();
        http_client_fn(move |_, _| SharedHttpConnector::clone(&connector))
    }

    fn connector(&self, _: &HttpConnectorSettings, _: Proxy) -> SharedHttpConnector {
        self.clone().into_shared()
    }

    fn credentials(&self, _: Option<&str>) -> Option<SharedCredentialsProvider> {
        let (token, ends) = self.0.state.lock().unwrap().session.clone().unzip();
        let credentials = Credentials::new(&self.0.key, SECRET_KEY, token, ends.flatten().map(Into::into), "simulated");
        Some(SharedCredentialsProvider::new(credentials))
    }

    fn now(&self) -> Timestamp {
        self.0.epoch + self.0.began.elapsed() + self.0.state.lock().unwrap().skew
    }

    fn uptime(&self) -> Duration {
        self.0.began.elapsed() + self.0.state.lock().unwrap().suspended
    }

    fn random(&self) -> u128 {
        self.0.state.lock().unwrap().chance.u128(..)
    }
}

async fn read(request: HttpRequest) -> Result<Request, ConnectorError> {
    let uri: url::Url = request.uri().parse().map_err(|error: url::ParseError| ConnectorError::user(error.into()))?;
    let headers = request.headers().iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let query = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = query.map(|(name, value)| (decoded(name), decoded(value))).collect();
    let (method, host, path) =
        (request.method().to_owned(), uri.host_str().unwrap_or_default().to_owned(), uri.path().to_owned());
    let body =
        ByteStream::new(request.into_body()).collect().await.map_err(|error| ConnectorError::user(error.into()))?;
    Ok(Request { method, host, path, query, headers, body: body.to_vec() })
}

fn response(reply: Reply) -> HttpResponse {
    let status = reply.status.try_into().unwrap();
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value);
    }
    response
}
