//! Releases that nobody has seen yet, without a build, and the way back to what there was.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::SENTENCE;
use crate::stack;

/// What makes each of them another one.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// An artifact of both functions.
pub(super) struct Artifact {
    /// In the checkout.
    pub folder: String,
    /// CodeSha256 of the counter and of the preflight function.
    pub codes: [String; 2],
}

/// Makes the definition another one, so that the next release needs a deployment.
pub(super) fn change_definition(environment: &str) {
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let body = json!({"responseTemplates": {"application/json": format!("{{\"case\":{number}}}")}});
    stack().behind(environment, "PUT", &response(environment), None, &body);
}

/// The definition as Terraform made it, and both environments released from unchanged sources.
pub(super) fn restore() {
    for environment in ["dev", "prod"] {
        let all = format!("/restapis/{}/gatewayresponses", stack().api(environment));
        let all = stack().behind(environment, "GET", &all, None, &Value::Null);
        let ours = |response: &Value| response["responseTemplates"].to_string().contains("case");
        if all["item"].as_array().unwrap().iter().any(ours) {
            stack().behind(environment, "DELETE", &response(environment), None, &Value::Null);
        }
    }
    let base = stack().checkout.artifact(SENTENCE);
    stack().released("dev", &base);
    stack().promoted("promote dev prod").0.expect(0);
}

fn response(environment: &str) -> String {
    format!("/restapis/{}/gatewayresponses/THROTTLED", stack().api(environment))
}

/// An artifact of both functions that nobody has seen, without a build: a zip may carry a comment.
pub(super) fn fresh() -> Artifact {
    let (number, root) = (NUMBER.fetch_add(1, Ordering::SeqCst), &stack().checkout.root);
    let (base, folder) = (stack().checkout.artifact(SENTENCE), format!("case-{number}"));
    std::fs::create_dir_all(root.join(&folder)).unwrap();
    let mut manifest: Value = serde_json::from_str(&stack().checkout.read(&format!("{base}/manifest.json"))).unwrap();
    let another = |hash: &Value| json!(format!("{number:08x}{}", &hash.as_str().unwrap()[8..]));
    manifest["source_hash"] = another(&manifest["source_hash"]);
    let codes = ["counter", "preflight"].map(|key| {
        let packed = &mut manifest["functions"][key];
        let zip = packed["zip"].as_str().unwrap();
        let bytes = commented(&root.join(&base).join(zip), &format!("case {number}"));
        std::fs::write(root.join(&folder).join(zip), &bytes).unwrap();
        packed["source_hash"] = another(&packed["source_hash"]);
        packed["size"] = json!(bytes.len());
        let code = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&bytes));
        packed["sha256"] = json!(code);
        code
    });
    stack().checkout.write(&format!("{folder}/manifest.json"), &manifest.to_string());
    Artifact { folder, codes }
}

/// A zip with a comment at its end; the two bytes before it are its length.
fn commented(zip: &Path, comment: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(zip).unwrap();
    let length = bytes.len() - 2;
    assert_eq!(bytes[length..], [0, 0], "it has a comment already");
    bytes[length..].copy_from_slice(&u16::try_from(comment.len()).unwrap().to_le_bytes());
    bytes.extend(comment.as_bytes());
    bytes
}
