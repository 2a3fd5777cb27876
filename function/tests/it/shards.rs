//! How many visits a second a counter of so many shards takes: a simulation of DynamoDB's limit on the
//! writes of one item, with the shards that the store itself chooses. The index of visits, with a key for
//! each day and shard, has the same limit.

use std::collections::HashMap;

use function::store::shards::{Shard, Shards};
use uuid::Uuid;

/// What one item takes in a second. Past it DynamoDB refuses at once (`KeyRangeThroughputExceeded`), and an
/// addition is not sent again.
const WRITES: u32 = 1_000;
const SECONDS: u32 = 20;

/// Of `load` visits a second over `shards`: how many were counted a second, and the share that was refused.
fn simulate(load: u32, shards: Shards) -> (f64, f64) {
    let mut counted = 0;
    for second in 0..SECONDS {
        let mut written = HashMap::<Shard, u32>::new();
        for number in 0..load {
            let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{second}/{number}").as_bytes());
            let writes = written.entry(shards.of(id)).or_default();
            *writes += 1;
            counted += u32::from(*writes <= WRITES);
        }
    }
    let all = f64::from(load * SECONDS);
    (f64::from(counted) / f64::from(SECONDS), 1.0 - f64::from(counted) / all)
}

#[test]
fn a_counter_takes_about_a_thousand_visits_a_second_for_each_of_its_shards() {
    println!("| shards | visits/s | counted/s | refused |\n|---|---|---|---|");
    for shards in [1_u32, 2, 4, 8, 16] {
        for load in [500, 1_000, 2_000, 4_000, 8_000, 16_000] {
            let (counted, refused) = simulate(load, shards.to_string().parse().unwrap());
            println!("| {shards} | {load} | {counted:.0} | {:.1} % |", refused * 100.0);
            let (load, most) = (f64::from(load), f64::from(shards * WRITES));
            assert!(counted <= most, "{shards} shards counted {counted} a second");
            // Near the limit chance fills one shard before the others: some percent.
            assert!(counted >= 0.97 * load.min(most), "{shards} shards counted {counted} of {load} a second");
            assert!(load > 0.8 * most || refused == 0.0, "{shards} shards refused {refused} of {load} a second");
        }
    }
}
