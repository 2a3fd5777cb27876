//! CORS in a real browser: what a page's script gets to see of the API, and what the browser keeps from it.
//!
//! A page of some origin comes in, with what it fetches ([`page`]); what it saw comes out. Nothing here reads a header
//! of CORS: the browser does ([`chromium`]). Each page asks through the front, and then the emulator itself.

mod chromium;
mod page;
pub(crate) mod releases;

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::doctor;
use crate::first_steps::total;
use crate::stack;
use crate::strict::{Call, StrictProxy as Front};

/// The one origin of `allowed_origins` in `local-dev.tfvars`.
const ALLOWED: &str = "http://localhost:3000";

/// Another port, another name, one that begins alike, and a sandboxed page of the allowed one.
const FOREIGN: [&str; 4] = ["http://localhost:3001", "http://www.example.org", "http://localhost.example:3000", "null"];

/// What `fetch` throws where the browser keeps a response to itself: no status and no word of the reason.
const REFUSED: &str = "TypeError";

/// The API of `dev`, and a front before it.
struct Api {
    url: String,
    front: Front,
}

impl Api {
    fn new() -> Self {
        Self { url: stack().url("dev"), front: Front::before(stack().checkout.port("dev")) }
    }

    /// Its address through the front, and the emulator's own.
    fn ways(&self) -> [String; 2] {
        [self.front.url(&self.url), self.url.clone()]
    }

    /// What a page of an origin sees of these, through the front and of the emulator itself.
    #[track_caller]
    fn seen_from<const N: usize>(&self, origin: &str, asks: impl Fn(&str) -> [(String, Value); N]) -> [[Value; N]; 2] {
        let asks: Vec<_> = self.ways().iter().flat_map(|url| asks(url)).collect();
        let mut seen = page::seen_from(origin, &asks).into_iter();
        [(); 2].map(|()| std::array::from_fn(|_| seen.next().unwrap()))
    }

    /// The requests that came to the stage through the front: method, path below the stage, status.
    #[track_caller]
    fn came(&self) -> Vec<String> {
        let shown = |call: &Call| {
            let (method, address) = call.line.split_once(' ').unwrap();
            let path = address.split_once("/_user_request_").map_or(address, |(_, path)| path);
            format!("{method} {path} {}", call.status.unwrap_or_default())
        };
        self.front.take().iter().filter(|call| call.name == "URL").map(shown).collect()
    }
}

/// A GET that needs no preflight.
fn simple(url: &str) -> (String, Value) {
    (url.to_owned(), json!({}))
}

/// A GET that needs one: this content type is not among those that a form can send.
fn preflighted(url: &str) -> (String, Value) {
    (url.to_owned(), json!({"headers": {"Content-Type": "application/json"}}))
}

fn refused() -> Value {
    json!({"error": REFUSED})
}

/// The body of a response that the page could read, which has this status.
#[track_caller]
fn read(seen: &Value, status: u16) -> Value {
    assert_eq!((&seen["type"], &seen["status"]), (&json!("cors"), &json!(status)), "{seen}");
    serde_json::from_str(seen["body"].as_str().unwrap()).unwrap()
}

/// As Ubuntu 24.04's `chromium`, which has no sandbox.
pub(crate) fn a_browser_that_prints_its_version_but_shows_no_page_is_passed_over() {
    let folder = tempfile::TempDir::new().unwrap();
    let broken = folder.path().join("chromium");
    std::fs::write(&broken, "#!/bin/sh\n[ \"$1\" = --version ] && echo Chromium 1 || exit 1\n").unwrap();
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
    let good = folder.path().join("google-chrome");
    std::fs::write(&good, "#!/bin/sh\necho '<html></html>'\n").unwrap();
    std::fs::set_permissions(&good, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (broken, good) = (broken.to_str().unwrap(), good.to_str().unwrap());
    assert_eq!(chromium::first_that_starts(&[broken, good]), Some(good));
    assert_eq!(chromium::first_that_starts(&[broken]), None);
}

pub(crate) fn a_page_of_the_allowed_origin_reads_responses_a_foreign_one_does_not() {
    a_page_of_the_allowed_origin_reads_the_count_and_its_preflight_passes();
    a_page_of_a_foreign_origin_reads_nothing_though_its_simple_request_counts();
    a_method_or_header_that_the_preflight_does_not_allow_is_never_sent();
    a_path_or_method_that_api_gateway_does_not_know_is_readable_as_403_without_a_preflight();
    a_request_that_the_stage_throttles_is_readable_as_429();
    a_function_that_cannot_be_called_is_readable_as_500();
    an_error_of_the_function_is_readable_with_its_sentence_and_request_id();
}

fn a_page_of_the_allowed_origin_reads_the_count_and_its_preflight_passes() {
    let (api, before) = (Api::new(), total(stack()));
    let seen = api.seen_from(ALLOWED, |url| [simple, preflighted].map(|ask| ask(&format!("{url}/count"))));
    for (seen, count) in seen.iter().flatten().zip(before + 1..) {
        assert_eq!(read(seen, 200), json!({"count": count, "message": "Visitor count updated successfully"}));
    }
    assert_eq!(api.came(), ["GET /count 200", "OPTIONS /count 200", "GET /count 200"]);
}

fn a_page_of_a_foreign_origin_reads_nothing_though_its_simple_request_counts() {
    let api = Api::new();
    for origin in FOREIGN {
        let before = total(stack());
        let seen = api.seen_from(origin, |url| {
            let count = format!("{url}/count");
            [simple(&count), (count.clone(), json!({"mode": "no-cors"})), preflighted(&count)]
        });
        for [plain, blind, asked] in seen {
            assert_eq!((plain, asked), (refused(), refused()), "{origin}");
            assert_eq!(blind, json!({"type": "opaque", "status": 0, "body": ""}), "{origin}");
        }
        // The preflights kept the third ones back.
        assert_eq!(total(stack()), before + 4, "{origin}");
        assert_eq!(api.came(), ["GET /count 200", "GET /count 200", "OPTIONS /count 200"], "{origin}");
    }
}

fn a_method_or_header_that_the_preflight_does_not_allow_is_never_sent() {
    let (api, before) = (Api::new(), total(stack()));
    let seen = api.seen_from(ALLOWED, |url| {
        [json!({"method": "DELETE"}), json!({"headers": {"X-Other": "1"}})].map(|with| (format!("{url}/count"), with))
    });
    assert!(seen.iter().flatten().all(|seen| *seen == refused()), "{seen:?}");
    assert_eq!(total(stack()), before);
    assert_eq!(api.came(), ["OPTIONS /count 200", "OPTIONS /count 200"]);
}

fn a_path_or_method_that_api_gateway_does_not_know_is_readable_as_403_without_a_preflight() {
    let api = Api::new();
    let nothing = |url: &str| format!("{url}/nothing");
    let seen = api.seen_from(ALLOWED, |url| {
        // A POST of text is as simple as a form's.
        let post = (format!("{url}/count"), json!({"method": "POST", "body": "text"}));
        [simple(&nothing(url)), post, preflighted(&nothing(url))]
    });
    for [path, method, asked] in seen {
        for seen in [path, method] {
            assert_eq!(read(&seen, 403), json!({"message": "Missing Authentication Token"}));
        }
        // To a preflight the browser takes a status of success and no other, whatever its headers.
        assert_eq!(asked, refused());
    }
    assert_eq!(api.seen_from(FOREIGN[0], |url| [simple(&nothing(url))]), [[refused()], [refused()]]);
    assert_eq!(api.came(), ["GET /nothing 403", "POST /count 403", "OPTIONS /nothing 403", "GET /nothing 403"]);
}

/// The limits of the stage are the emulator's to keep: not through the front.
fn a_request_that_the_stage_throttles_is_readable_as_429() {
    let (_throttled, count) = (Throttled::new(), format!("{}/count", stack().url("dev")));
    for seen in page::seen_from(ALLOWED, &[simple(&count), preflighted(&count)]) {
        assert_eq!(read(&seen, 429), json!({"message": "Too Many Requests"}));
    }
    assert_eq!(page::seen_from(FOREIGN[0], &[simple(&count)]), [refused()]);
}

/// Whether a permission is there is for the front to look at: the emulator does not.
fn a_function_that_cannot_be_called_is_readable_as_500() {
    let (api, _forbidden) = (Api::new(), Forbidden::new());
    let count = format!("{}/count", api.ways()[0]);
    for seen in page::seen_from(ALLOWED, &[simple(&count), preflighted(&count)]) {
        assert_eq!(read(&seen, 500), json!({"message": "Internal server error"}));
    }
    assert_eq!(page::seen_from(FOREIGN[0], &[simple(&count)]), [refused()]);
    assert_eq!(api.came(), ["GET /count 500", "OPTIONS /count 200", "GET /count 500", "GET /count 500"]);
}

fn an_error_of_the_function_is_readable_with_its_sentence_and_request_id() {
    let (api, _broken) = (Api::new(), BrokenTotal::new());
    let count = |url: &str| format!("{url}/count");
    for seen in api.seen_from(ALLOWED, |url| [simple(&count(url)), preflighted(&count(url))]).iter().flatten() {
        let body = read(seen, 500);
        assert_eq!(body["error"], "Database error", "{body}");
        assert_eq!(body["message"], "The visitor count could not be reached. Please try again later.");
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{body}");
    }
    assert_eq!(api.seen_from(FOREIGN[0], |url| [simple(&count(url))]), [[refused()], [refused()]]);
    assert_eq!(api.came(), ["GET /count 500", "OPTIONS /count 200", "GET /count 500", "GET /count 500"]);
}

/// `GET /count` is throttled altogether, until the value is dropped. Its preflight is not.
struct Throttled;

impl Throttled {
    fn new() -> Self {
        let zero = |limit| json!({"op": "replace", "path": format!("/~1count/GET/throttling/{limit}"), "value": "0"});
        change_stage(&json!([zero("rateLimit"), zero("burstLimit")]));
        Self
    }
}

impl Drop for Throttled {
    fn drop(&mut self) {
        change_stage(&json!([{"op": "remove", "path": "/~1count/GET"}]));
    }
}

fn change_stage(operations: &Value) {
    let path = format!("/restapis/{}/stages/dev", stack().api("dev"));
    stack().behind("dev", "PATCH", &path, None, &json!({"patchOperations": operations}));
}

/// API Gateway may not call the counter for `GET /count`, until the value is dropped.
struct Forbidden {
    permission: Value,
}

impl Forbidden {
    fn new() -> Self {
        let permission = doctor::permission("/GET/count");
        doctor::remove_permission(permission["Sid"].as_str().unwrap());
        Self { permission }
    }
}

impl Drop for Forbidden {
    fn drop(&mut self) {
        doctor::add_permission(self.permission["Sid"].as_str().unwrap(), doctor::source(&self.permission));
    }
}

/// The total is not a number, until the value is dropped.
struct BrokenTotal {
    before: Value,
}

impl BrokenTotal {
    fn new() -> Self {
        // So that there is one.
        stack().get(&format!("{}/count", stack().url("dev")));
        let before = table("GetItem", "Key", &json!({"visit_id": {"S": "total"}}))["Item"].clone();
        assert!(before["count"]["N"].is_string(), "{before}");
        table("PutItem", "Item", &json!({"visit_id": {"S": "total"}, "count": {"S": "many"}}));
        Self { before }
    }
}

impl Drop for BrokenTotal {
    fn drop(&mut self) {
        table("PutItem", "Item", &self.before);
    }
}

fn table(operation: &str, name: &str, value: &Value) -> Value {
    let body = json!({"TableName": "ResumeVisitorCounter-dev", name: value});
    stack().behind("dev", "POST", "/", Some(&format!("DynamoDB_20120810.{operation}")), &body)
}
