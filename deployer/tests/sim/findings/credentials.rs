//! Credentials that expire, and wrong clocks.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::{CANARY, deploy, deployed, with_releases};
use crate::application::Behavior;
use crate::simulation::{Prepared, Simulation};
use crate::stack::Shape;
use crate::verdict::Serving;

/// A run with the credentials of a session that expires after the given time. `known`: whether the run can read when.
fn with_session(simulation: &Simulation, command: &str, lasts: Duration, known: bool) -> Prepared {
    let arn = "arn:aws:sts::111111111111:assumed-role/deploy/ada";
    let ends = simulation.now() + lasts;
    simulation.aws().sts.add_session("session", "token-of-the-session", (arn, ends));
    let prepared = simulation.prepare_with("session", command, None);
    let at = simulation.aws().moment.epoch + ends;
    prepared.run.session("token-of-the-session", known.then_some(at));
    prepared
}

#[test]
fn a_shift_longer_than_the_credentials_is_refused() {
    with_releases(Shape::of(1).moving(CANARY), 1).simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        let prepared = with_session(simulation, &command, Duration::from_secs(200), true);
        let run = Arc::clone(&prepared.run);
        let ended = prepared.end().await;
        assert_eq!(ended.code, Some(4), "{}", ended.words);
        assert!(ended.words.contains("`--ignore-expiry`"), "{}", ended.words);
        assert!(run.calls().iter().all(|call| !call.writes()));
        let ignored = format!("{command} --ignore-expiry");
        let ended = with_session(simulation, &ignored, Duration::from_secs(200), true).end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let command = deploy(simulation, Behavior::Right).await;
        let ended = with_session(simulation, &command, Duration::from_secs(600), true).end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
    });
}

#[test]
fn credentials_that_expire_during_a_shift_end_the_run() {
    with_releases(Shape::of(1).moving(CANARY), 1).simulate(async |simulation| {
        let (before, began) = (Serving::of(simulation, "dev"), simulation.now());
        let command = deploy(simulation, Behavior::Right).await;
        let ended = with_session(simulation, &command, Duration::from_secs(60), false).end().await;
        assert_eq!(ended.code, Some(7), "{}", ended.words);
        assert!(simulation.now() - began < Duration::from_secs(75), "{}", ended.words);
        assert!(ended.words.contains("hint: log in"), "{}", ended.words);
        assert!(ended.words.contains("not done: "), "{}", ended.words);
        assert!(!Serving::of(simulation, "dev").whole);
        simulation.done("rollback dev --to previous").await;
        assert_eq!(Serving::of(simulation, "dev"), before);
    });
}

#[test]
fn a_wrong_clock_is_corrected_by_the_time_of_aws() {
    for minutes in [10, -10, 24 * 60] {
        with_releases(Shape::of(1), 1).simulate(async |simulation| {
            let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
            prepared.run.skew(SignedDuration::from_mins(minutes));
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(0), "{minutes}: {}", ended.words);
            deployed(simulation).await;
        });
    }
}
