"""Notes by their number: `GET /notes/{id}`. The event is API Gateway's payload format 2.0."""

import json

NOTES = {"1": "Buy milk", "2": "Call Ada"}


def handle(event, context):
    text = NOTES.get(event["pathParameters"]["id"])
    if text is None:
        return {"statusCode": 404, "body": json.dumps({"error": "there is no such note"})}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"text": text})}
