"""Makes what infrastructure code would make, once: a role, and for each application its functions with an alias, a REST API, and a ledger.

    python3 stack.py FOLDER NAME=FUNCTION,... ...

`FOLDER/first.zip` is the first code of every function. Requests go to the local AWS that the environment names, which asks for the session
token and verifies no signature. Writes `FOLDER/NAME.json` with the API's id and URL.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
ACCOUNT = os.environ["AWS_ACCESS_KEY_ID"]
REGION = os.environ["AWS_REGION"]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/bench"
FUNCTIONS = "/2015-03-31/functions"


def send(service, method, path, body=None, **headers):
    credential = f"Credential={ACCOUNT}/20260101/{REGION}/{service}/aws4_request"
    request = urllib.request.Request(ENDPOINT + path, method=method, headers={
        "authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0",
        "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
        "content-type": "application/json",
        **headers,
    })
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    try:
        with urllib.request.urlopen(request, data) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")
    return json.loads(text) if text[:1] in (b"{", b"[") else text


def dynamodb(operation, **body):
    kind = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    return send("dynamodb", "POST", "/", body, **kind)


def role():
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ]}
    form = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "bench", "AssumeRolePolicyDocument": json.dumps(trust)}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    send("iam", "POST", "/", urllib.parse.urlencode(form).encode(), **kind)


def function(name, code):
    made = send("lambda", "POST", FUNCTIONS, {
        "FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": ROLE, "Publish": True,
        "Architectures": ["arm64" if os.uname().machine == "aarch64" else "x86_64"],
        "Code": {"ZipFile": base64.b64encode(code).decode()},
    })
    send("lambda", "POST", f"{FUNCTIONS}/{name}/aliases", {"Name": "live", "FunctionVersion": made["Version"]})
    send("lambda", "POST", f"{FUNCTIONS}/{name}/policy?Qualifier=live", {
        "StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        "SourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:*",
    })


def api(name, functions):
    """A resource for each function, and a stage of the first deployment."""
    made = send("apigateway", "POST", "/restapis", {"name": name})["id"]
    root = send("apigateway", "GET", f"/restapis/{made}/resources")
    root = (root.get("item") or root["_embedded"]["item"])[0]["id"]
    for function in functions:
        resource = send("apigateway", "POST", f"/restapis/{made}/resources/{root}", {"pathPart": function})["id"]
        method = f"/restapis/{made}/resources/{resource}/methods/GET"
        send("apigateway", "PUT", method, {"authorizationType": "NONE"})
        alias = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}:live"
        send("apigateway", "PUT", f"{method}/integration", {
            "type": "AWS_PROXY", "httpMethod": "POST",
            "uri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{alias}/invocations",
        })
    deployment = send("apigateway", "POST", f"/restapis/{made}/deployments", {})["id"]
    send("apigateway", "POST", f"/restapis/{made}/stages", {
        "stageName": "live", "deploymentId": deployment, "variables": {"deployment": deployment},
    })
    url = f"{ENDPOINT}/restapis/{made}/live/_user_request_"
    return {"id": made, "stage": "live", "url": url, "initial_deployment": deployment}


def ledger(name, functions, front):
    """The deployer's table, with the stack contract."""
    dynamodb(
        "CreateTable", TableName=f"{name}-ledger", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    texts = lambda values: {"M": {key: {"S": value} for key, value in values.items()}}
    dynamodb("PutItem", TableName=f"{name}-ledger", Item={
        "pk": {"S": name}, "sk": {"S": "stack"}, "schema": {"N": "2"}, "environment": {"S": "dev"},
        "account": {"S": ACCOUNT}, "region": {"S": REGION}, "alarms": {"L": []},
        "functions": {"M": {function: texts({"name": function, "alias": "live"}) for function in functions}},
        "api": texts({"kind": "rest", **front}),
    })


def main():
    folder, *applications = sys.argv[1:]
    with open(os.path.join(folder, "first.zip"), "rb") as file:
        code = file.read()
    role()
    for name, functions in (application.split("=") for application in applications):
        functions = functions.split(",")
        for each in functions:
            function(each, code)
        front = api(name, functions)
        ledger(name, functions, front)
        with open(os.path.join(folder, f"{name}.json"), "w") as file:
            json.dump(front, file)
    send("s3", "PUT", "/bench-packages")


main()
