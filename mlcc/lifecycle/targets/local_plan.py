"""What the server of this machine was started with.  Law: recorded at its start, without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.paths import leaves
from mlcc.lifecycle import image_tag, served_code
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.targets import local_server
from mlcc.lifecycle.targets.live_plan import Difference
from mlcc.registries.redaction import redact

# Of a record: what the server was started with.
STARTED = "started"


def started(context: Context) -> dict[str, Any]:
    """What a server that is started now is made of: the state of its files, its component, and its variables."""
    component = local_server.component(context)
    return {
        "files": image_tag.tag_of(context.project),
        "code": served_code.digest(context.project),
        "component": component,
        "environment": redact(context.project.environment(component)),
    }


def differences(context: Context, record: Mapping[str, Any], runs: bool) -> Iterator[Difference]:
    """Every field in which the server is not as the project is now.

    record: of the last start; runs: whether that server runs.
    """
    name = context.project.name
    if not runs:
        yield Difference("server", name, "", None, started(context))
        return
    found = record.get(STARTED)
    found = found if isinstance(found, dict) else {}
    wanted = started(context)
    if not context.argument("component"):  # deployed for one, compared with the same
        wanted |= {"component": found.get("component", wanted["component"])}
    # an empty mapping is a leaf of its own, and says no more than that nothing is below
    before, after = ({p: v for p, v in leaves(each) if v != {}} for each in (found, wanted))
    for path in dict.fromkeys([*after, *before]):
        if before.get(path) != after.get(path):
            yield Difference("server", name, path, before.get(path), after.get(path))
