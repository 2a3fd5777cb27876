"""The emulator behind a gate: only this checkout can send requests to it.

The emulator itself has no authentication, accepts every `Host` and allows every origin, so any web page could create
and run functions as the user. Here a request needs this instance's session token, which is random for each start, or
it goes to the URL of a stage or of a function, which are public on AWS too. Any other `Host` (DNS rebinding) is refused first.
"""

import hashlib
import hmac
import os
import re
from urllib.parse import parse_qs

from ministack import app as emulator
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts
from replies import once

TOKEN = os.environ["AWS_SESSION_TOKEN"].encode()
NAMES = ("127.0.0.1", "localhost", "[::1]")
HOSTS = {f"{name}:{os.environ['GATEWAY_PORT']}".encode() for name in NAMES}
URL = re.compile(
    r"/(restapis/[a-z0-9]+/[$\w-]+/_user_request_|_aws/execute-api/[a-z0-9]+/[$\w-]+|_aws/lambda-url/[a-z0-9]+)(/|$)", re.ASCII
)
CODE = "UnrecognizedClientException"
REASON = "this local AWS belongs to another checkout or run"
ZIP = "/_ministack/lambda-code/"
BEHIND = once(emulator.app)


def signature(path):
    """The signature in the address of a function's zip, like S3's on AWS."""
    return hmac.new(TOKEN, path.encode(), hashlib.sha256).hexdigest()


def has_token(headers, query):
    """The instance's own token, or one that it issued for an assumed role."""
    sent = headers.get(b"x-amz-security-token") or query.get("X-Amz-Security-Token", [""])[0].encode()
    given = (session.get("SessionToken", "").encode() for session in list(sts._sessions.values()))
    return any(known and hmac.compare_digest(sent, known) for known in (TOKEN, *given))


def has_signature(scope, query):
    sent = query.get("X-Amz-Signature", [""])[0]
    good = hmac.compare_digest(sent.encode(), signature(scope["path"]).encode())
    return scope["path"].startswith(ZIP) and scope["method"] == "GET" and good


def allowed(scope):
    headers = dict(scope["headers"])
    if headers.get(b"host", b"").lower() not in HOSTS:
        return False
    query = parse_qs(scope["query_string"].decode("latin-1"))
    if has_token(headers, query):
        return True
    return scope["type"] == "http" and (URL.match(scope["path"]) is not None or has_signature(scope, query))


def refusal(kind):
    """AWS's own error for unknown credentials, so that every SDK reports it. Query protocols use XML."""
    if kind.startswith(b"application/x-www-form-urlencoded"):
        body = f"<ErrorResponse><Error><Code>{CODE}</Code><Message>{REASON}</Message></Error></ErrorResponse>"
        return b"text/xml", body.encode()
    return b"application/json", f'{{"__type":"{CODE}","message":"{REASON}"}}'.encode()


async def app(scope, receive, send):
    if scope["type"] == "lifespan" or allowed(scope):
        await BEHIND(scope, receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        kind, body = refusal(dict(scope["headers"]).get(b"content-type", b""))
        headers = [(b"content-type", kind), (b"x-amzn-errortype", CODE.encode())]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def sign_addresses_of_zips():
    plain = lambda_svc._presigned_code_url

    def signed(function):
        address = plain(function)
        path = address[address.index(ZIP):].partition("?")[0]
        return re.sub("X-Amz-Signature=[^&]*", f"X-Amz-Signature={signature(path)}", address)

    lambda_svc._presigned_code_url = signed


def guard_runtime_api():
    """The runtime API of a function has a port too. Its client sends none of the headers that browsers always send."""
    plain = lambda_runtime.ProvidedWorker._build_handler_class

    def guarded(worker, *arguments):
        class Handler(plain(worker, *arguments)):
            def parse_request(self):
                if not super().parse_request():
                    return False
                host = f"127.0.0.1:{self.server.server_address[1]}"
                of_browser = "Origin" in self.headers or "Sec-Fetch-Site" in self.headers
                if self.headers.get("Host") == host and not of_browser:
                    return True
                self.close_connection = True
                self.send_error(403)
                return False

        return Handler

    lambda_runtime.ProvidedWorker._build_handler_class = guarded


sign_addresses_of_zips()
guard_runtime_api()
