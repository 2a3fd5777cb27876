"""Compares what the simulated AWS was sent, and what it responded, with AWS's service models, which botocore ships.

Takes the file that the simulator wrote for `EXCHANGES`. Prints each kind of violation once, and how many exchanges and
operations there were.
"""

import base64
import collections
import json
import re
import sys
import urllib.parse

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.validate

SERVICES = ["lambda", "apigateway", "dynamodb", "cloudwatch", "logs", "sts", "s3", "iam"]
# Codes that any operation may return, which the models leave out.
COMMON = {
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "InternalFailure", "InternalServerError",
    "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationTokenException", "ServiceUnavailable",
    "ServiceUnavailableException", "SignatureDoesNotMatch", "SlowDown", "Throttling", "ThrottlingException",
    "TooManyRequestsException", "UnrecognizedClientException", "ValidationError", "ValidationException",
}

# What AWS does but its models lack, or what a simulation does on purpose.
KNOWN = {
    # Recorded from AWS: an update shows the reason of a creation.
    "LastUpdateStatusReasonCode is 'Creating'",
    # Recorded from AWS: invoking a version that is being woken.
    "error `CodeArtifactUserPendingException`",
    # A simulation of a state and of a setting that this version does not have.
    "State is 'StateOfTomorrow'",
    "SettingOfTomorrow is unknown",
    # A new table has had no decrease: AWS returns 0, and its model begins at 1.
    "NumberOfDecreasesToday, value: 0",
}


class Model:
    def __init__(self, loader, service):
        self.service = botocore.model.ServiceModel(loader.load_service_model(service, "service-2"), service)
        self.operations = {name: self.service.operation_model(name) for name in self.service.operation_names}

    def protocol(self, exchange):
        """A service may have several: the request shows which one it was."""
        kind = exchange["headers"].get("content-type", "")
        return "query" if kind.startswith("application/x-www-form-urlencoded") else self.service.resolved_protocol


def members(value, shape, path=""):
    """The paths in a JSON value that its shape does not have."""
    if shape is None or value is None:
        return
    if shape.type_name == "structure" and isinstance(value, dict):
        known = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for name, inner in value.items():
            if name not in known:
                yield f"{path}.{name} is unknown"
            else:
                yield from members(inner, known[name], f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for inner in value:
            yield from members(inner, shape.member, f"{path}[]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for inner in value.values():
            yield from members(inner, shape.value, f"{path}{{}}")


def enums(value, shape, path=""):
    """The values that an enumeration does not have."""
    if shape is None or value is None:
        return
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, inner in value.items():
            if name in shape.members:
                yield from enums(inner, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for inner in value:
            yield from enums(inner, shape.member, f"{path}[]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for inner in value.values():
            yield from enums(inner, shape.value, f"{path}{{}}")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path} is {value!r}, none of {shape.enum}"


def invalid(value, shape, path):
    """The errors of botocore's own validator for a parsed value, and of the enumerations that it does not check."""
    report = botocore.validate.ParamValidator().validate(value, shape)
    if report.has_errors():
        yield f"{path}: {report.generate_report()}"
    yield from enums(value, shape, path)


def from_text(text, shape):
    """A value that was sent as text, in a path, a query or a header."""
    if shape.type_name in ("integer", "long"):
        return int(text)
    if shape.type_name == "boolean":
        return text == "true"
    return text


def rest(model, exchange):
    """The parameters of a REST request, and those that no member of its operation describes."""
    operation = model.operations[exchange["operation"]]
    shape, violations, parameters = operation.input_shape, [], {}
    template = operation.http["requestUri"].split("?")[0]
    names = re.findall(r"{(\w+)\+?}", template)
    pattern = re.sub(r"\\{\w+\\}", "([^/]+)", re.sub(r"\\{\w+\\\+\\}", "(.+)", re.escape(template)))
    found = re.fullmatch(pattern.rstrip("/") + "/?", exchange["path"])
    if not found or exchange["method"] != operation.http["method"]:
        return {}, [f"request is {exchange['method']} {exchange['path']}, not {operation.http['method']} {template}"]
    by_place = collections.defaultdict(dict)
    for name, member in (shape.members if shape else {}).items():
        by_place[member.serialization.get("location", "body")][member.serialization.get("name", name)] = (name, member)
    for label, text in zip(names, found.groups()):
        name, member = by_place["uri"][label]
        parameters[name] = from_text(urllib.parse.unquote(text), member)
    for key, text in exchange["query"]:
        if key not in by_place["querystring"]:
            if key != "x-id":
                violations.append(f"request's query has `{key}`, which is unknown")
            continue
        name, member = by_place["querystring"][key]
        if member.type_name == "list":
            parameters.setdefault(name, []).append(text)
        else:
            parameters[name] = from_text(text, member)
    for key, (name, member) in by_place["header"].items():
        if key.lower() in exchange["headers"] and member.type_name in ("string", "integer", "boolean"):
            parameters[name] = from_text(exchange["headers"][key.lower()], member)
    payload = shape.serialization.get("payload") if shape else None
    body = base64.b64decode(exchange["body"])
    if payload:
        parameters[payload] = body
    elif body:
        value = json.loads(body)
        known = {key: name for key, (name, _) in by_place["body"].items()}
        violations += [f"request{path}" for path in members(value, shape) if path.count(".") == 1 and path.split(" ")[0][1:] not in known]
        for key, inner in value.items():
            if key in known:
                member = shape.members[known[key]]
                parameters[known[key]] = base64.b64decode(inner) if member.type_name == "blob" else renamed(inner, member)
    return parameters, violations


def renamed(value, shape):
    """A JSON value with the names of the model instead of those of the wire."""
    if shape.type_name == "structure" and isinstance(value, dict):
        known = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {known[key][0] if key in known else key: renamed(inner, known[key][1]) if key in known else inner
                for key, inner in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [renamed(inner, shape.member) for inner in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: renamed(inner, shape.value) for key, inner in value.items()}
    return base64.b64decode(value) if shape.type_name == "blob" and isinstance(value, str) else value


def query(shape, pairs):
    """The parameters of a request of the query protocol: `A.member.1.B=x`."""
    if shape.type_name == "structure":
        groups = collections.defaultdict(list)
        for key, text in pairs:
            first, _, after = key.partition(".")
            groups[first].append((after, text))
        known = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {known[key][0] if key in known else key: query(known[key][1], inner) if key in known else None
                for key, inner in groups.items()}
    if shape.type_name == "list" and pairs == [("", "")]:
        return []  # An empty list is written as `A=`.
    if shape.type_name == "list":
        groups = collections.defaultdict(list)
        for key, text in pairs:
            if not shape.serialization.get("flattened"):
                key = key.partition(".")[2]
            index, _, after = key.partition(".")
            groups[int(index or 0)].append((after, text))
        return [query(shape.member, inner) for _, inner in sorted(groups.items())]
    return from_text(pairs[0][1], shape)


def request(model, exchange):
    operation, body = model.operations[exchange["operation"]], base64.b64decode(exchange["body"])
    protocol = model.protocol(exchange)
    if protocol in ("rest-json", "rest-xml"):
        parameters, violations = rest(model, exchange)
    elif protocol == "json":
        value = json.loads(body)
        parameters, violations = renamed(value, operation.input_shape), [f"request{path}" for path in members(value, operation.input_shape)]
    elif protocol == "query":
        pairs = [pair for pair in urllib.parse.parse_qsl(body.decode(), keep_blank_values=True) if pair[0] not in ("Action", "Version")]
        parameters, violations = (query(operation.input_shape, pairs) if pairs else {}), []
    else:
        raise SystemExit(f"{protocol} is not known here")
    if operation.input_shape:
        violations += invalid(parameters, operation.input_shape, "request")
    return violations


def response(model, exchange):
    operation, body = model.operations[exchange["operation"]], base64.b64decode(exchange["response"])
    headers = {name.lower(): value for name, value in exchange["response_headers"]}
    http = {"status_code": exchange["status"], "headers": botocore.parsers.lowercase_dict(headers), "body": body}
    protocol = model.protocol(exchange)
    parser = botocore.parsers.create_parser(protocol)
    parsed = parser.parse(http, operation.output_shape)
    if exchange["status"] >= 300:
        code = parsed["Error"]["Code"]
        known = {shape.error_code for shape in operation.error_shapes} | {shape.name for shape in operation.error_shapes} | COMMON
        return [] if code in known else [f"error `{code}` is none of the operation's"]
    violations = []
    if operation.output_shape is None:
        return violations
    payload = operation.output_shape.serialization.get("payload")
    if protocol in ("rest-json", "json") and body and not payload:
        violations += [f"response{path}" for path in members(json.loads(body), operation.output_shape)]
    parsed.pop("ResponseMetadata", None)
    if payload and hasattr(parsed.get(payload), "read"):
        parsed[payload] = parsed[payload].read()
    return violations + list(invalid(parsed, operation.output_shape, "response"))


def main(path):
    loader = botocore.loaders.Loader()
    models = [Model(loader, service) for service in SERVICES]
    by_operation = {name: model for model in reversed(models) for name in model.operations}
    # Some of its operations have the names of REST's.
    http_apis = Model(loader, "apigatewayv2")
    counts, violations, unmodelled = collections.Counter(), collections.Counter(), collections.Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            exchange = json.loads(line)
            name = exchange["operation"]
            of_http_apis = exchange["path"].startswith("/v2/apis/")
            if name not in by_operation and not of_http_apis:
                unmodelled[name] += 1
                continue
            model = http_apis if of_http_apis else by_operation[name]
            counts[name] += 1
            for violation in request(model, exchange) + response(model, exchange):
                if not any(known in violation for known in KNOWN):
                    violations[f"{name}: {violation}"] += 1
    for violation, times in violations.most_common():
        print(f"{violation} ({times} times)")
    print(f"{sum(counts.values())} exchanges of {len(counts)} operations: {sum(violations.values())} violations; "
          f"requests that are no operation: {dict(unmodelled)}")
    missing = not counts
    return 1 if violations or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
