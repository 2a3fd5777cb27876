"""What every policy must satisfy: a list of problems, each in one line. Reads no file and starts nothing."""

import json

from reference import GLOBAL_KEYS, can_match, key_is

# Characters without white space: a managed policy, the trust of a role, all policies in a role itself.
MANAGED, TRUST, INLINE = 6144, 2048, 10240
ATTACHED = 10

# Of any OpenID Connect provider, which the reference lists for a few of them only.
CLAIMS = ("aud", "sub", "amr")


def listed(value):
    return [] if value is None else value if isinstance(value, list) else [value]


def has_wildcard(text):
    return "*" in text or "?" in text


def size(document):
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def of_identity(reference, document, reason_for):
    """Of a policy of a role. `reason_for(actions, resources)` returns the reason beside a statement, or None."""
    problems = []
    for statement in listed(document["Statement"]):
        actions, resources = listed(statement.get("Action")), listed(statement.get("Resource"))
        problems += _of_statement(reference, statement, actions, resources)
        if any(map(has_wildcard, resources)) and not reason_for(actions, resources):
            problems.append(f"{_name(actions)}: a wildcard without a `reason`: {', '.join(filter(has_wildcard, resources))}")
    return problems


def _of_statement(reference, statement, actions, resources):
    problems = []
    if statement["Effect"] != "Allow" or not actions or not resources:
        return [f"a statement that is not of the form that is checked here: {json.dumps(statement)}"]
    used = set()
    for action in actions:
        if not reference.action(action):
            problems.append(f"{action}: AWS has no such action")
            continue
        types, matched = reference.types(action), []
        for resource in resources:
            kinds = [(entry, kind) for entry, kind in types if resource == "*" or can_match(resource, kind)]
            if kinds or (resource == "*" and not types):
                used.add(resource)
            matched += kinds
        if not types and "*" not in resources:
            problems.append(f"{action}: takes no resource but `*`")
        elif types and not matched:
            names = ", ".join(entry["name"] for entry, _ in types)
            problems.append(f"{action}: takes {names}, and none of these is one: {', '.join(resources)}")
        problems += _of_conditions(reference, action, matched, statement.get("Condition", {}))
    if all(map(reference.action, actions)):
        problems += [f"{_name(actions)}: no action takes {resource}" for resource in resources if resource not in used]
    return problems


def _of_conditions(reference, action, matched, conditions):
    entry = reference.action(action)
    known = list(entry["conditionKeys"])
    for of_action, kind in matched:
        known += of_action["conditionKeys"] + kind.get("conditionKeys", [])
    keys = {key for operator in conditions.values() for key in operator}
    foreign = [key for key in keys if key.lower() not in GLOBAL_KEYS and not any(key_is(one, key) for one in known)]
    return [f"{action}: has no condition key {key}" for key in sorted(foreign)]


def of_required(reference, documents):
    """Of all policies of one role together: an action that needs several kinds of resource gets at each."""
    allowed = {}
    for document in documents:
        for statement in listed(document["Statement"]):
            for action in listed(statement["Action"]):
                allowed.setdefault(action, []).extend(listed(statement["Resource"]))
    problems = []
    for action, resources in sorted(allowed.items()):
        if "tag" in action.lower():  # one kind at a time, though the reference calls several required
            continue
        for entry, kind in reference.types(action) if reference.action(action) else []:
            if entry["required"] and not any(one == "*" or can_match(one, kind) for one in resources):
                problems.append(f"{action}: needs a resource of the type {entry['name']} too")
    return problems


def of_trust(reference, document):
    """Of who may take a role."""
    problems = []
    for statement in listed(document["Statement"]):
        principal = statement.get("Principal", {})
        if principal == "*" or "*" in listed(principal.get("AWS")):
            problems.append("anybody may take the role")
        keys = {key: values for operator in statement.get("Condition", {}).values() for key, values in operator.items()}
        for action in listed(statement["Action"]):
            if not reference.action(action):
                problems.append(f"{action}: AWS has no such action")
                continue
            known = reference.action(action)["conditionKeys"]
            issuers = [provider.partition(":oidc-provider/")[2] for provider in listed(principal.get("Federated"))]
            claims = {f"{issuer}:{claim}" for issuer in issuers for claim in CLAIMS}
            for key in keys:
                if key.lower() not in GLOBAL_KEYS and key not in claims and not any(key_is(one, key) for one in known):
                    problems.append(f"{action}: has no condition key {key}")
            for issuer in issuers:
                problems += [f"{action}: no condition on {issuer}:{claim}" for claim in ("aud", "sub") if f"{issuer}:{claim}" not in keys]
        wild = [value for values in keys.values() for value in listed(values) if has_wildcard(value)]
        problems += [f"a wildcard in a condition of who may take the role: {value}" for value in wild]
    return problems


def of_bucket(reference, document):
    """Of a bucket's own policy: it may only deny; whatever allows is a role's."""
    problems = []
    for statement in listed(document["Statement"]):
        if statement["Effect"] != "Deny":
            problems.append("a bucket's policy allows something")
        for key in {key for operator in statement.get("Condition", {}).values() for key in operator}:
            if key.lower() not in GLOBAL_KEYS:
                problems.append(f"a condition key that not every request has: {key}")
    return problems


def too_long(document, most):
    found = size(document)
    return [f"{found} characters, and IAM takes {most}"] if found > most else []


def _name(actions):
    return actions[0] if len(actions) == 1 else f"{actions[0]} and {len(actions) - 1} more"
