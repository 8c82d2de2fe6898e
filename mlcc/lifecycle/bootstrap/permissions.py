"""What a caller must be allowed to do.  Law: rows of registries/aws_permissions.yaml, printed or simulated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.iam import Iam
from mlcc.io.aws.sts import Identity
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.registries.loader import Registries

USES = ("bootstrap", "ci", "deploy", "doctor", "hyperpod", "secrets", "submit")
# Uses of what lies in the profile's own region; the others are of a project, which may name another.
OF_PROFILE = ("bootstrap", "ci", "secrets")
# Characters of a managed policy, of which IAM counts no whitespace.
LIMIT = 6_144
VERSION = "2012-10-17"


class Statement(NamedTuple):
    """Actions that are allowed on some resources.  condition: as IAM spells it."""

    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, str]]


def statements(registries: Registries, uses: Iterable[str], profile: Profile, account: str = "") -> list[Statement]:
    """The statements of some uses, for the account and region of a profile.

    account: its number, empty for the profile's; where neither is known, the ARNs hold for every account.
    """
    number = account or profile.account_id or "*"
    row = registries.regions.get(profile.region)
    partition = row.partition if row is not None else "aws"
    role = profile.role_arn or f"arn:{partition}:iam::{number}:role/{profile.made_role}"
    words = {
        "{partition}": partition,
        "{region}": profile.region,
        "{account}": number,
        "{prefix}": profile.prefix,
        "{repository}": profile.repository,
        "{role}": role,
        "{ci_table}": profile.ci_table,
    }
    wanted = set(uses)
    found = []
    for name, entry in registries.entries("aws_permissions").items():
        facts = entry.facts
        actions = {a for needed in facts.get("operations", {}).values() for a in needed} | set(facts.get("actions", ()))
        if actions and wanted & set(facts["for"]):
            resources = tuple(_filled(text, words) for text in facts["resources"])
            found.append(Statement(name, tuple(sorted(actions)), resources, facts.get("condition", {})))
    return found


def policy(found: Sequence[Statement]) -> dict[str, Any]:
    """Statements as a policy of IAM."""
    return {"Version": VERSION, "Statement": [_shown(one) for one in found]}


def policies(registries: Registries, uses: Iterable[str], profile: Profile) -> dict[str, dict[str, Any]]:
    """The policies of some uses by name, as few as IAM takes: a use begins another one where it no longer fits.

    A use that is too long for one by itself, because of long names, goes on in the next.
    """
    packed: list[tuple[list[str], list[Statement]]] = []
    seen: set[str] = set()
    for use in dict.fromkeys(uses):
        new = [one for one in statements(registries, [use], profile) if one.name not in seen]
        seen.update(one.name for one in new)
        for part in [new] if _fits(new) else [[one] for one in new]:
            if not packed or not _fits([*packed[-1][1], *part]):
                packed.append(([], []))
            words, found = packed[-1]
            words += [use] if use not in words else []
            found += part
    names = ["-".join(words) for words, _ in packed]
    repeated = [f"-{names[:at].count(name) + 1}" if names.count(name) > 1 else "" for at, name in enumerate(names)]
    return {
        f"{profile.prefix}-{name}{number}": policy(found)
        for name, number, (_, found) in zip(names, repeated, packed, strict=True)
    }


def _fits(found: Sequence[Statement]) -> bool:
    return len(json.dumps(policy(found), separators=(",", ":"))) <= LIMIT


def refused(caller: Caller, who: Identity, found: Sequence[Statement]) -> Iterator[str]:
    """The actions of some statements that a caller may not carry out, by IAM's own simulation.

    Raises AwsError where the caller may not simulate, or cannot be simulated (the account's root user).
    """
    principal = _principal(caller, who)
    for one in found:
        context = {key: value for pairs in one.condition.values() for key, value in pairs.items()}
        for resource, actions in _by_resource(one).items():
            yield from Iam(caller).refused(principal, actions, [resource], context)


def _by_resource(statement: Statement) -> dict[str, list[str]]:
    """Actions by the resource that each is asked for: the first one of its own service."""
    found: dict[str, list[str]] = {}
    for action in statement.actions:
        service = action.partition(":")[0]
        own = (r for r in statement.resources if r == "*" or r.split(":")[2] == service)
        found.setdefault(next(own, statement.resources[0]), []).append(action)
    return found


def _principal(caller: Caller, who: Identity) -> str:
    """Whose policies are simulated: of a session the role behind it, which has a path that the session's ARN lacks."""
    kind, _, rest = who.arn.rpartition(":")[2].partition("/")
    if kind != "assumed-role":
        return who.arn
    name = rest.partition("/")[0]
    plain = f"arn:{who.partition}:iam::{who.account}:role/{name}"
    try:
        found = Iam(caller).role(name)
    except AwsError:
        return plain
    return found.arn if found is not None else plain


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(name, value)
    return text


def _shown(one: Statement) -> dict[str, Any]:
    sid = "".join(word.capitalize() for word in one.name.split("_"))
    condition = {"Condition": {key: dict(pairs) for key, pairs in one.condition.items()}} if one.condition else {}
    found = {"Sid": sid, "Effect": "Allow", "Action": list(one.actions), "Resource": list(one.resources)}
    return {**found, **condition}
