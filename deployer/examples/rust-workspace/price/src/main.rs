//! `GET /price?grams=…` of a REST API: what a parcel would cost.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(price)).await
}

async fn price(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let grams = event.payload["queryStringParameters"]["grams"].as_str().and_then(|grams| grams.parse().ok());
    let (status, body) = match grams {
        Some(grams) => (200, json!({ "grams": grams, "cents": tariff::cents(grams) })),
        None => (400, json!({ "error": "`grams` must be a number" })),
    };
    let headers = json!({ "content-type": "application/json" });
    Ok(json!({ "statusCode": status, "headers": headers, "body": body.to_string() }))
}
