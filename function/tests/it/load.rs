//! Many invocations of one function, one after the other, as Lambda sends them.

use crate::{
    binaries::{endpoints, event, variables},
    lambda::{COUNTER, Lambda, dynamodb, ssm},
};

#[test]
fn memory_stays_flat_over_thousands_of_invocations() {
    const BEGINNING: usize = 2_000;
    const ALL: usize = 12_000;
    let (table, asked) = dynamodb();
    let (endpoint, keys) = endpoints(&table, &ssm(vec![]).0);
    let function = Lambda::start_unheard(COUNTER, &variables(&endpoint, &keys));
    let invoke = |times: usize| {
        for _ in 0..times {
            assert_eq!(function.invoke(&event("GET", "/count"))["statusCode"], 200);
            asked.lock().unwrap().clear();
        }
    };
    invoke(BEGINNING);
    let before = function.memory();
    invoke(ALL - BEGINNING);
    let after = function.memory();
    println!("after {BEGINNING} invocations {before} KiB, after {ALL} {after} KiB");
    // A leak of 100 bytes an invocation would be a megabyte. `cargo bench` goes on to 100,000.
    assert!(after < before + 1024, "after {BEGINNING} invocations {before} KiB, after {ALL} {after} KiB");
}
