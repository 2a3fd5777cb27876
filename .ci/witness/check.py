"""Repeats the sequences of calls that were once recorded from AWS against MiniStack, the second witness beside the simulator.

Takes the file that the simulator wrote for `SEQUENCES`, and `deployer/src/local`, whose gate MiniStack is started behind. The status,
the error code and the fields of each response are compared with the simulator's. `differences.json` has what differs: in one call
(`differences`), or in a field wherever it is (`fields`). What is not listed fails, and so does what is listed and has gone.
"""

import base64
import collections
import concurrent.futures
import contextlib
import hashlib
import http.client
import io
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TOKEN = "witness"
ACCOUNT = "111111111111"  # the simulator's
# Beyond what a wait lasts, for what MiniStack does at its end.
MARGIN = 0.5
AT_ONCE = 16

# Times, addresses and sizes, which are each simulation's own.
OWN = {"CreatedDate", "LastModified", "createdDate", "lastUpdatedDate", "Location", "CodeSize", "TotalCodeSize", "schema"}
# Ids: the same in one means the same in the other, another one means another one.
IDS = {"RevisionId", "id", "parentId", "rootResourceId", "deploymentId", "cacheNamespace", "NextMarker"}
HEADERS = {"x-amz-executed-version", "x-amz-function-error"}
# A function that runs in MiniStack as the simulator's functions do.
FUNCTION = """
import os
def handler(event, context):
    if "fail" in event:
        raise type(event["fail"], (Exception,), {})("as you wish")
    return {"version": context.function_version, "code": CODE, "environment": [name for name in os.environ if name == "STAGE"]}
"""


def zipped(zipfile_of_simulator):
    """A zip that does for MiniStack what this one does for the simulator."""
    digest = base64.b64encode(hashlib.sha256(zipfile_of_simulator).digest()).decode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), FUNCTION.replace("CODE", repr(digest)))
    return stream.getvalue()


class Replay:
    """One sequence, in an account of its own."""

    def __init__(self, port, account, sequence):
        self.port, self.account, self.name, self.steps = port, account, sequence["sequence"], sequence["steps"]
        self.theirs = {ACCOUNT: account}  # by the simulator's ids
        self.ours = {account: ACCOUNT}

    def known(self, ours, theirs):
        self.theirs[ours], self.ours[theirs] = theirs, ours

    def translated(self, text):
        return replaced(text, self.theirs)

    def zips(self, value):
        if isinstance(value, dict):
            return {name: self.zip(inner) if name == "ZipFile" else self.zips(inner) for name, inner in value.items()}
        return value

    def zip(self, text):
        ours = base64.b64decode(text)
        theirs = zipped(ours)
        self.known(*(base64.b64encode(hashlib.sha256(code).digest()).decode() for code in (ours, theirs)))
        return base64.b64encode(theirs).decode()

    def send(self, step):
        """Status, headers and text of MiniStack's response."""
        service, region = step["host"].split(".")[:2]
        scope = f"{self.account}/20260101/{region}/{service}/aws4_request"
        body = base64.b64decode(step["body"]).decode()
        if body.startswith("{"):
            body = json.dumps(self.zips(json.loads(body)))
        headers = {"content-type": "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"}
        headers |= step["headers"]
        headers |= {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
                    "x-amz-security-token": TOKEN}
        query = urllib.parse.urlencode([(key, self.translated(text)) for key, text in step["query"]])
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(step["method"], f"{self.translated(step['path'])}?{query}", self.translated(body), headers)
            response = connection.getresponse()
            return response.status, {name.lower(): text for name, text in response.getheaders()}, response.read().decode()

    def run(self):
        """The differences of each call that was compared, and how many were left out."""
        differences, left_out, rules = {}, 0, False
        for step in self.steps:
            if "wait" in step:
                time.sleep(step["wait"] + MARGIN)
            elif "rule" in step:
                rules = True
            elif rules:
                left_out += "status" in step
            elif "ids" in step:
                self.make(step)
            else:
                path = replaced(step["path"], {ours: "{id}" for ours in self.theirs if ours != ACCOUNT})
                differences[f"{self.name}, {len(differences) + 1}: {step['method']} {path}"] = self.compare(step)
        return differences, left_out

    def make(self, step):
        status, _, text = self.send(step)
        if status >= 300:
            raise SystemExit(f"{self.name}: {step['method']} {step['path']} could not be made: {status} {text}")
        for name, ours in step["ids"].items():
            self.known(ours, json.loads(text)[name])

    def compare(self, step):
        ours = step["status"], dict(step["response_headers"]), base64.b64decode(step["response"]).decode()
        theirs = self.send(step)
        outcomes = [f"{status} {code(headers, text)}".strip() for status, headers, text in (ours, theirs)]
        if outcomes[0] != outcomes[1]:
            return [f"{outcomes[0]}, MiniStack {outcomes[1]}"]
        if ours[0] >= 300:
            return []
        headers = [{name: headers[name] for name in HEADERS if name in headers} for _, headers, _ in (ours, theirs)]
        return list(self.walk(*headers, "")) + list(self.walk(*(value(text) for _, _, text in (ours, theirs)), ""))

    def walk(self, ours, theirs, at):
        """Where two values differ. Learns which ids belong together."""
        if isinstance(ours, dict) and isinstance(theirs, dict):
            for name in sorted(ours.keys() | theirs.keys()):
                if name not in OWN:
                    yield from self.field(name, ours.get(name), theirs.get(name), f"{at}/{name}")
        elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
            for index, pair in enumerate(zip(in_order(ours), in_order(theirs))):
                yield from self.walk(*pair, f"{at}/{index}")
        else:
            # A function's own text about its code is the simulator's.
            if theirs not in (ours, json.loads(self.translated(json.dumps(ours)))):
                theirs = json.loads(replaced(json.dumps(theirs), self.ours))
                yield f"{at} is {short(ours)}, MiniStack {short(theirs)}"

    def field(self, name, ours, theirs, at):
        ours, theirs = (None if empty(inner) else inner for inner in (ours, theirs))
        if ours is None and theirs is None:
            return
        if name not in IDS or not (isinstance(ours, str) and isinstance(theirs, str)):
            yield from self.walk(ours, theirs, at)
        elif self.theirs.get(ours) != theirs and ours in self.theirs:
            yield f"{at} stays, MiniStack's moves"
            self.known(ours, theirs)
        elif self.theirs.get(ours) != theirs and theirs in self.ours:
            yield f"{at} moves, MiniStack's stays"
            self.known(ours, theirs)
        else:
            self.known(ours, theirs)


def replaced(text, known):
    names = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    return re.sub(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", lambda found: known.get(found[0], found[0]), text)


def empty(value):
    """One may show what is empty or false where the other leaves a field out."""
    inner = value.values() if isinstance(value, dict) else [value]
    return value == {} or all(part is None or part is False or part in ("", []) for part in inner)


def short(value):
    if isinstance(value, list):
        return f"{len(value)} items"
    if isinstance(value, dict):
        return "there"
    return "none" if value is None else json.dumps(value)


def in_order(items):
    """AWS promises no order of most lists."""
    names = ["path", "responseType", "stageName", "name", "Name", "Version"]
    return sorted(items, key=lambda item: [str(item.get(name)) for name in names] if isinstance(item, dict) else str(item))


def value(text):
    """A body as JSON; of XML the names of its elements."""
    return dict.fromkeys(re.findall(r"<(\w+)", text), 1) if text.startswith("<") else json.loads(text or "null")


def code(headers, text):
    """The code of an error, wherever the protocol has it."""
    in_text = re.search(r'<Code>(\w+)|"__type": ?"(?:[^"]*#)?(\w+)"', text)
    found = headers.get("x-amzn-errortype") or (in_text and (in_text[1] or in_text[2])) or ""
    return found.split(":")[0]


@contextlib.contextmanager
def ministack(local):
    """MiniStack on a free port, for as long as it is needed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as scratch, open(os.path.join(scratch, "log"), "w+", encoding="utf-8") as log:
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": f"{HERE}:{os.path.abspath(local)}", "PYTHONDONTWRITEBYTECODE": "1", "HOME": scratch, "TMPDIR": scratch,
            "STATE_DIR": f"{scratch}/state", "S3_DATA_DIR": f"{scratch}/s3", "GATEWAY_PORT": str(port),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_SESSION_TOKEN": TOKEN, "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
        }
        command = [sys.executable, "-m", "hypercorn", "emulator:app", "--workers", "0", "--bind", f"127.0.0.1:{port}"]
        process = subprocess.Popen(command, cwd=scratch, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(process, port, log)
            yield port
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its functions too
            process.wait()


def wait_for(process, port, log):
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    log.seek(0)
    raise SystemExit(f"MiniStack did not start:\n{log.read()}")


def main(path, local):
    with open(path, encoding="utf-8") as lines:
        sequences = sorted((json.loads(line) for line in lines), key=lambda sequence: sequence["sequence"])
    with ministack(local) as port, concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        replays = [Replay(port, str(200000000000 + number), sequence) for number, sequence in enumerate(sequences)]
        results = list(pool.map(Replay.run, replays))
    groups = json.loads((HERE / "differences.json").read_text(encoding="utf-8"))
    listed = {difference for group in groups for difference in group.get("differences", [])}
    fields = {field for group in groups for field in group.get("fields", [])}
    calls = {call: found for differences, _ in results for call, found in differences.items()}
    found, of_fields = set(), set()
    same = but_for_fields = 0
    for call, differences in calls.items():
        own = {field_of(difference) for difference in differences} & fields
        others = {f"{call}: {difference}" for difference in differences if field_of(difference) not in fields}
        found, of_fields = found | others, of_fields | own
        same += not others
        but_for_fields += bool(own and not others)
    for difference in sorted(found - listed):
        print(f"not listed: {difference}")
    for difference in sorted((listed - found) | (fields - of_fields)):
        print(f"listed, and not there any more: {difference}")
    print(f"{len(sequences)} sequences of {len(calls)} calls: {same} are the same ({but_for_fields} of them but for {len(of_fields)} fields), "
          f"{len(calls) - same} differ in {len(found)} places; {sum(left_out for _, left_out in results)} calls need a rule that only the "
          f"simulator has")
    return 0 if calls and found == listed and of_fields == fields else 1


def field_of(difference):
    """A difference of a field, wherever that is: without its path. One of the outcome of a call has none."""
    return re.sub(r"^/(?:\S*/)?", "", difference) if difference.startswith("/") else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
