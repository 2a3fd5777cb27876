"""The function `counter` in Python, for measuring beside it: the same routes, checks, calls, responses, log line.

As one would write it to be fast: clients made and connections opened during init, the two writes at the same time,
no validation of parameters that are always well formed. `same.rs` checks that it returns and writes what `counter`
does.
"""

import hmac
import json
import os
import re
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from ipaddress import ip_address

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

TEXT_LIMIT = 256
KEPT = 90 * 24 * 60 * 60
CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
TOTAL = {"visit_id": {"S": "total"}}


def setting(name, pattern):
    value = os.environ.get(name, "")
    if not re.fullmatch(pattern, value):
        raise ValueError(f"environment variable `{name}` is malformed")
    return value


TABLE = setting("DYNAMODB_TABLE", r"[A-Za-z0-9_.-]{3,255}")
PARAMETER = setting("ADDRESS_KEY_PARAMETER", r"[A-Za-z0-9_./-]{1,1011}")
ORIGINS = [entry.strip() for entry in setting("ALLOWED_ORIGIN", r".+").split(",")]
if not all(re.fullmatch(r"https?://[a-z0-9_.:\[\]-]+", origin) for origin in ORIGINS):
    raise ValueError("environment variable `ALLOWED_ORIGIN` is malformed")
VERSION = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "unknown")
FUNCTION = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
NAMESPACE = uuid.UUID("5b0f9d3c-6a1e-4c8b-9f27-d10ce47a3b56")

CONFIG = Config(
    connect_timeout=2,
    read_timeout=2,
    retries={"mode": "standard", "max_attempts": 3},
    parameter_validation=False,
)
DYNAMODB = boto3.client("dynamodb", config=CONFIG)
SSM = boto3.client("ssm", config=CONFIG)
POOL = ThreadPoolExecutor(max_workers=3)


def read_total():
    item = DYNAMODB.get_item(TableName=TABLE, Key=TOTAL, ConsistentRead=True).get("Item")
    return int(item["count"]["N"]) if item else 0


def read_secret():
    return SSM.get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]["Value"].encode()


def init():
    """The key, and the two connections that a visit needs, at the same time."""
    secret, *warm = POOL.submit(read_secret), POOL.submit(read_total), POOL.submit(read_total)
    for one in warm:
        one.exception()
    secret = secret.result()
    if len(secret.strip()) < 32:
        raise ValueError(f"parameter `{PARAMETER}` is too short")
    return secret


SECRET = init()


def octets(source):
    try:
        address = ip_address(source)
    except ValueError:
        return None
    if address.version == 6:
        return address.ipv4_mapped.packed if address.ipv4_mapped else address.packed[:8]
    return address.packed


def pseudonym(source, day):
    address = octets(source) if source else None
    if address is None:
        return "unknown"
    of_the_day = hmac.digest(SECRET, day.encode(), "sha256")
    return hmac.digest(of_the_day, address, "sha256")[:16].hex()


def sanitise(text):
    return text.translate(CONTROL)[:TEXT_LIMIT] or "unknown"


def text(value):
    return value if isinstance(value, str) else ""


def member(event, name):
    value = event.get(name) if isinstance(event, dict) else None
    return value if isinstance(value, dict) else {}


def header(event, name):
    for key, value in member(event, "headers").items():
        if key.lower() == name and isinstance(value, str):
            return value
    for key, values in member(event, "multiValueHeaders").items():
        if key.lower() == name and isinstance(values, list) and values and isinstance(values[-1], str):
            return values[-1]
    return None


def record(event, path):
    now = datetime.now(timezone.utc)
    stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    context = member(event, "requestContext")
    source = member(context, "identity").get("sourceIp")
    item = {
        "visit_id": {"S": str(uuid.uuid5(NAMESPACE, text(context.get("extendedRequestId"))))},
        "day": {"S": stamp[:10]},
        "timestamp": {"S": stamp},
        "visitor_ip": {"S": pseudonym(source, stamp[:10])},
        "user_agent": {"S": sanitise(header(event, "user-agent") or "")},
        "path": {"S": sanitise(path)},
        "expiration_time": {"N": str(int(now.timestamp()) + KEPT)},
    }
    began = time.perf_counter()
    DYNAMODB.put_item(
        TableName=TABLE,
        Item=item,
        ConditionExpression="attribute_not_exists(visit_id)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    return time.perf_counter() - began


def increment():
    began = time.perf_counter()
    updated = DYNAMODB.update_item(
        TableName=TABLE,
        Key=TOTAL,
        UpdateExpression="ADD #count :one",
        ExpressionAttributeNames={"#count": "count"},
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    return int(updated["Attributes"]["count"]["N"]), time.perf_counter() - began


def count(event, path):
    # One of the two in this thread: a thread less to wake.
    recorded = POOL.submit(record, event, path)
    try:
        counted, added = increment()
    finally:
        failed = recorded.exception()
    if failed:
        raise failed
    metrics(recorded.result(), added)
    return {"count": counted, "message": "Visitor count updated successfully"}


def metrics(put, update):
    """The same line in CloudWatch's embedded metric format."""
    store = [{"Name": "PutItemLatency", "Unit": "Milliseconds"}, {"Name": "UpdateItemLatency", "Unit": "Milliseconds"}]
    visits = [{"Name": "VisitorCount", "Unit": "Count"}]
    directives = [
        {"Namespace": "ResumeMetrics", "Dimensions": [[], ["FunctionName"]], "Metrics": visits},
        {"Namespace": "ResumeMetrics", "Dimensions": [["FunctionName"]], "Metrics": store},
    ]
    line = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives},
        "FunctionName": FUNCTION,
        "VisitorCount": 1,
        "PutItemLatency": [round(put * 1000, 3)],
        "UpdateItemLatency": [round(update * 1000, 3)],
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")


def problem(error, message, request_id):
    return {"error": error, "message": message, "request_id": request_id}


def reply(event, route, path, request_id):
    method = text(event.get("httpMethod")) if isinstance(event, dict) else ""
    if route not in ("/count", "/health"):
        return 404, problem("Not found", "There is nothing at this path.", request_id), {}
    if method != "GET":
        refused = problem("Method not allowed", "This path does not support this method.", request_id)
        return 405, refused, {"Allow": "GET"}
    if route == "/count":
        return 200, count(event, path), {}
    return 200, {"count": read_total(), "status": "ok", "version": VERSION}, {}


def framed(event, status, body, more):
    origin = header(event, "origin")
    headers = {
        "Content-Type": "application/json",
        "Access-Control-Allow-Origin": origin if origin in ORIGINS else ORIGINS[0],
        "Access-Control-Allow-Methods": "GET, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type",
        "Vary": "Origin",
        "x-function-version": VERSION,
        **more,
    }
    deployment = member(event, "stageVariables").get("deployment")
    if deployment:
        headers["x-api-deployment"] = deployment
    body = json.dumps(body, separators=(",", ":"))
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def log(level, message, request_id, **fields):
    stamp = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    line = {"timestamp": stamp, "level": level, "message": message, **fields, "span": {"request_id": request_id}}
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")


def handler(event, context):
    started = time.perf_counter()
    request_id = context.aws_request_id
    fields = event if isinstance(event, dict) else {}
    resource, path = text(fields.get("resource")), text(fields.get("path"))
    route = path if not resource or "{" in resource else resource
    try:
        status, body, more = reply(event, route, path, request_id)
    except (BotoCoreError, ClientError) as error:
        log("ERROR", "request failed", request_id, cause=str(error))
        said = "The visitor count could not be reached. Please try again later."
        status, body, more = 500, problem("Database error", said, request_id), {}
    response = framed(event, status, body, more)
    took = int((time.perf_counter() - started) * 1_000_000)
    log("INFO", "responded", request_id, resource=resource, status=status, duration_us=took)
    return response
