//! The first steps of a newcomer: one command, and a URL that counts.

use std::process::Command;

use serde_json::Value;

use crate::harness::Stack;
use crate::stack;

pub(crate) fn local_up_in_a_clean_checkout_makes_a_live_stack() {
    its_last_line_is_a_curl_that_counts();
    status_shows_the_releases_of_both_environments();
    every_get_counts_up_by_one();
    the_preflight_function_responds_to_options();
    the_declared_checks_pass();
    the_users_aws_and_terraform_settings_reach_nothing_local();
}

fn its_last_line_is_a_curl_that_counts() {
    let up = &stack().up;
    assert_eq!(up.code, 0, "{}\n{}", up.stdout, up.stderr);
    for environment in ["dev", "prod"] {
        let url = stack().url(environment);
        assert!(up.stdout.contains(&url), "no {url} in {}", up.stdout);
    }
    let line = up.stdout.lines().find(|line| line.trim_start().starts_with("curl ")).unwrap();
    let count = || {
        let output = Command::new("sh").args(["-c", &format!("{line} -sS --noproxy '*'")]).output().unwrap();
        let body: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("`{line}`: {output:?}"));
        body["count"].as_u64().unwrap()
    };
    let before = count();
    assert_eq!(count(), before + 1);
}

fn status_shows_the_releases_of_both_environments() {
    let text = stack().checkout.deployer("status --wide").expect(0).stdout;
    for environment in ["dev", "prod"] {
        let status = stack().status(environment);
        assert_eq!(status["release"], stack().last_number(environment));
        assert_eq!(status["drift"], Value::Null);
        assert_eq!(status["lock"], Value::Null);
        let hash = status["source_hash"].as_str().unwrap();
        assert!(hash.len() == 64 && text.contains(&hash[..12]), "{text}");
        for function in ["counter", "preflight"] {
            let version = status["functions"][function]["version"].as_str().unwrap();
            let is_row = |line: &str| line.split_whitespace().take(2).eq([function, version]);
            assert!(version.parse::<u32>().unwrap() > 1 && text.lines().any(is_row), "{text}");
        }
    }
    // The copied checkout lies within this repository, so git finds a commit.
    assert!(stack().status("dev")["commit"].as_str().is_some_and(|commit| commit.len() == 40));
}

fn every_get_counts_up_by_one() {
    let url = format!("{}/count", stack().url("dev"));
    let count = || {
        let (status, headers, body) = stack().get(&url);
        assert_eq!(status, 200, "{body}");
        assert!(headers.contains("access-control-allow-origin"), "{headers}");
        assert_eq!(body["message"], "Visitor count updated successfully");
        body["count"].as_u64().unwrap()
    };
    let before = count();
    assert_eq!((count(), count()), (before + 1, before + 2));
}

/// The visits of `dev` so far.
pub(crate) fn total(stack: &Stack) -> u64 {
    let (_, _, body) = stack.get(&format!("{}/health", stack.url("dev")));
    body["count"].as_u64().unwrap()
}

fn the_preflight_function_responds_to_options() {
    let address = format!("{}/count", stack().url("dev"));
    let output =
        Command::new("curl").args(["-sS", "--noproxy", "*", "-i", "-X", "OPTIONS", &address]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(text.starts_with("http/1.1 200"), "{text}");
    assert!(text.contains("access-control-allow-methods: get, options"), "{text}");
    let version = stack().status("dev")["functions"]["preflight"]["version"].as_str().unwrap().to_owned();
    assert!(text.contains(&format!("x-function-version: {version}")), "{text}");
    assert!(text.trim_end().lines().last().unwrap().contains(": "), "the body is not empty: {text}");
}

fn the_declared_checks_pass() {
    let view = stack().checkout.deployer("check prod --output json").expect(0).json();
    assert_eq!(view["passed"], true);
    let names: Vec<_> = view["checks"].as_array().unwrap().iter().map(|check| check["name"].clone()).collect();
    assert_eq!(names, ["health", "preflight"]);
}

/// Every run of the tests carries the poison; here is looked for what it could have got into.
fn the_users_aws_and_terraform_settings_reach_nothing_local() {
    assert_eq!(stack().checkout.trapped(), 0, "a process used the user's endpoint or proxy");
    let local = stack().checkout.deployer("local status --output json").expect(0).json();
    for environment in ["dev", "prod"] {
        let process = local["environments"][environment]["process"].as_u64().unwrap();
        let mut processes = vec![process];
        processes.extend(children(process));
        assert!(processes.len() > 1, "no function runs under {environment}");
        for process in processes {
            let variables = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
            let variables = String::from_utf8_lossy(&variables).into_owned();
            assert!(!variables.contains("poison"), "process {process}: {variables}");
            // Where an SDK would look for the user's AWS files.
            let home = variables.split('\0').find_map(|variable| variable.strip_prefix("HOME="));
            assert!(home.is_some_and(|home| home.contains("/.deployer/local/")), "process {process}: {home:?}");
        }
    }
}

pub(crate) fn children(parent: u64) -> Vec<u64> {
    let stats = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let text = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        let process = text.split(' ').next()?.parse().ok()?;
        let of: u64 = text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        (of == parent).then_some(process)
    });
    stats.collect()
}

pub(crate) fn up_again_starts_makes_builds_and_releases_nothing() {
    let before = stack().last_number("dev");
    let up = stack().checkout.deployer("local up").expect(0);
    for verb in ["Downloading", "Started", "Making", "Building", "Releasing"] {
        assert!(!up.stderr.contains(verb), "{}", up.stderr);
    }
    assert!(up.stdout.contains("curl "), "{}", up.stdout);
    assert_eq!(stack().last_number("dev"), before);
}
