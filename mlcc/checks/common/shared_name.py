"""MLCC192: two environments whose endpoint, component or adapter has one name in AWS.

A deployment of one of them would change what the other one runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Item, Path, format_path
from mlcc.core.physical_names import joined
from mlcc.core.text import quoted
from mlcc.resolve.result import Resolved

CODE = "MLCC192"
ENDPOINT: Path = ("endpoint", "name")
LISTS = ("inference_components", "adapters")


def check(subject: Subject) -> Iterator[Finding]:
    """One finding for each name, in the last environment that has it.

    A warning where only the base shares it: the base may be there to be overlaid, and never be deployed.
    """
    resolved = subject.resolved
    near = [(other, _names(other)) for other in subject.every if _same_place(resolved, other)]
    for name, path in _names(resolved).items():
        sharing = [other for other, names in near if name in names]
        if len(sharing) < 2 or sharing[-1].env != resolved.env:
            continue
        others = [f"environment {one.env}" if one.env else "the default environment" for one in sharing[:-1]]
        what = "the endpoint" if path == ENDPOINT else format_path(path[:-1])
        message = f"{what} has the name {quoted(name)} in {' and '.join(others)}, too: deploying one changes the other"
        severity = Severity.ERROR if any(one.env for one in sharing[:-1]) else Severity.WARNING
        yield subject.finding(CODE, path, message, _hint(resolved, path), severity)


def _names(resolved: Resolved) -> Mapping[str, Path]:
    """What SageMaker has once in an account and region, each name with the key that says it.

    In lower case: a name is taken however it is spelled (botocore: CreateEndpointInput.EndpointName).
    """
    target = resolved.rows.target
    if target is None or "endpoint" not in target.uses:
        return {}
    own = joined(str(resolved.get("project.name", "")), resolved.env or "")
    found: dict[str, Path] = {joined(str(resolved.get("endpoint.name", "")) or own).lower(): ENDPOINT}
    for section in LISTS if target.components else ():
        for name in resolved.names(section):
            enabled = resolved.values.get((section, Item(name), "enabled"))
            if enabled is not None and enabled.value is False:
                continue
            found.setdefault(joined(own, name).lower(), (section, Item(name), "name"))
    return found


def _same_place(one: Resolved, other: Resolved) -> bool:
    """Whether both are deployed to the same region and account; an account that nobody names is the same."""
    accounts = {_account(resolved) for resolved in (one, other)} - {""}
    return one.get("deployment.region", "") == other.get("deployment.region", "") and len(accounts) < 2


def _account(resolved: Resolved) -> str:
    """The account by its number, or that of the role, which is never one of another account."""
    words = str(resolved.get("deployment.role_arn", "")).split(":")
    return str(resolved.get("deployment.account_id", "")) or (words[4] if len(words) > 4 else "")


def _hint(resolved: Resolved, path: Path) -> str:
    if path != ENDPOINT:
        return "give it another name in one of the environments"
    own = joined(str(resolved.get("project.name", "")), resolved.env or "")
    key = f"environments.{resolved.env}.endpoint.name"
    return f"name the endpoint in each environment ({key}), or leave endpoint.name out: it is {own} then"
