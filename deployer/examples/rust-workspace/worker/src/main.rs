//! Parcels from a queue: what a batch of them costs together. One of 0 g is a check: it costs nothing.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(work)).await
}

async fn work(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let records = event.payload["Records"].as_array().ok_or("the event has no records")?;
    let mut cents = 0;
    for record in records {
        let parcel: Value = serde_json::from_str(record["body"].as_str().unwrap_or_default())?;
        let grams = parcel["grams"].as_u64().ok_or("a parcel has no `grams`")?;
        cents += if grams == 0 { 0 } else { tariff::cents(grams) };
    }
    Ok(json!({ "parcels": records.len(), "cents": cents }))
}
