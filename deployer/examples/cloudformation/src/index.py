"""Converts cents: `GET /?cents=…&to=…`. The event is that of a Function URL."""

import json

RATES = {"eur": 1.0, "usd": 1.25, "chf": 0.95}


def handle(event, context):
    asked = event.get("queryStringParameters") or {}
    rate = RATES.get(asked.get("to"))
    if rate is None or not asked.get("cents", "").isdecimal():
        return {"statusCode": 400, "body": json.dumps({"error": "`cents` is a number, `to` a currency"})}
    return {"statusCode": 200, "body": json.dumps({"cents": round(int(asked["cents"]) * rate), "currency": asked["to"]})}
