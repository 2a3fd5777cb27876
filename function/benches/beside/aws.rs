//! DynamoDB and SSM for the functions: over TLS, and each response after a fixed delay.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};

use crate::{
    http::{self, Received, Sent},
    percentile::median,
};

/// How long DynamoDB and SSM take to respond; DynamoDB's own figure is "single-digit milliseconds".
const DELAY: Duration = Duration::from_millis(5);

/// What addresses are hashed with.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The stand-ins.
pub(crate) struct Aws {
    /// What functions find in their environment.
    pub(crate) variables: Vec<(&'static str, String)>,
    seen: Arc<Mutex<Seen>>,
    hurried: Arc<AtomicBool>,
}

#[derive(Default)]
struct Seen {
    delays: Vec<Duration>,
    written: Value,
}

impl Aws {
    /// Starts them; `roots` are the certificates that functions trust in AWS, to which one is added.
    pub(crate) fn start(scratch: &Path, roots: &Path) -> Result<Self> {
        let bundle = scratch.join("roots.pem");
        let tls = certificates(roots, &bundle)?;
        let seen = Arc::<Mutex<Seen>>::default();
        let hurried = Arc::<AtomicBool>::default();
        let (noted, at_once) = (Arc::clone(&seen), Arc::clone(&hurried));
        let dynamodb = http::serve(Some(Arc::clone(&tls)), move |received| {
            let delay = if at_once.load(Ordering::Relaxed) { Duration::ZERO } else { DELAY };
            dynamodb(&received, &noted, delay)
        })?;
        let ssm = http::serve(Some(tls), |_| {
            thread::sleep(DELAY);
            sent(&json!({"Parameter": {"Name": "/bench/key", "Type": "SecureString", "Value": SECRET}}))
        })?;
        let url = |address| format!("https://{address}");
        Ok(Self { variables: variables(&url(dynamodb), &url(ssm), &bundle), seen, hurried })
    }

    /// From now on DynamoDB responses at once.
    pub(crate) fn hurry(&self) {
        self.hurried.store(true, Ordering::Relaxed);
    }

    /// What DynamoDB's delay really was, in the median: a sleep is never shorter than asked for.
    pub(crate) fn delay(&self) -> Duration {
        median(&self.seen.lock().unwrap_or_else(PoisonError::into_inner).delays)
    }

    /// The item that was written last.
    pub(crate) fn written(&self) -> Value {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).written.clone()
    }
}

/// Writes `bundle`, for what functions trust, and returns what the stand-ins show.
///
/// The bundle is as long as in Lambda, because reading it is a part of init.
fn certificates(roots: &Path, bundle: &PathBuf) -> Result<Arc<ServerConfig>> {
    let mut params = CertificateParams::new(vec![])?;
    // Or OpenSSL takes a certificate by this authority for one that signed itself: rcgen names them all alike.
    params.distinguished_name.push(DnType::CommonName, "an authority for this run");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    std::fs::write(bundle, std::fs::read_to_string(roots)? + "\n" + &authority.pem())?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(Arc::new(config))
}

fn variables(dynamodb: &str, ssm: &str, bundle: &Path) -> Vec<(&'static str, String)> {
    let bundle = bundle.display().to_string();
    let fixed = [
        ("DYNAMODB_TABLE", "visits"),
        ("ADDRESS_KEY_PARAMETER", "/bench/key"),
        ("ALLOWED_ORIGIN", "https://a.example,https://b.example"),
        ("AWS_LAMBDA_FUNCTION_NAME", "counter"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "a-secret-key"),
        ("AWS_SESSION_TOKEN", "a-session-token"),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
        ("AWS_ENDPOINT_URL_SSM", ssm),
        // Where Rust's TLS looks for roots, and where boto3 does.
        ("SSL_CERT_FILE", &bundle),
        ("AWS_CA_BUNDLE", &bundle),
    ];
    fixed.map(|(name, value)| (name, value.to_owned())).into()
}

fn dynamodb(received: &Received, seen: &Mutex<Seen>, delay: Duration) -> Sent {
    let began = Instant::now();
    thread::sleep(delay);
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.delays.push(began.elapsed());
    let target = received.headers.get("x-amz-target").map(String::as_str).unwrap_or_default();
    match target.rsplit('.').next() {
        Some("GetItem") => sent(&json!({"Item": {"visit_id": {"S": "total"}, "count": {"N": "41"}}})),
        Some("UpdateItem") => sent(&json!({"Attributes": {"count": {"N": "42"}}})),
        _ => {
            let input: Value = serde_json::from_slice(&received.body).unwrap_or_default();
            seen.written = input.get("Item").cloned().unwrap_or_default();
            sent(&json!({}))
        }
    }
}

fn sent(body: &Value) -> Sent {
    Sent { status: 200, headers: &[("content-type", "application/x-amz-json-1.0")], body: body.to_string() }
}
