"""register: writes down what was deployed.  Law: a record is added to this user's registry; nothing else happens."""

from __future__ import annotations

import secrets
import time
from typing import Any

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.tree import LOCK_MAX_BYTES, LOCK_NAME
from mlcc.io.disk.reader import Directory
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.deployments.records import STATUSES, record
from mlcc.lifecycle.deployments.store import Store


def run(context: Context) -> Result:
    """Adds a record of the project as it is rendered now."""
    if context.argument("ci"):
        message = "the table of continuous integration is not there in this version of mlcc"
        raise PreconditionError([error("MLCC311", message, hint="do/register without --ci")])
    project = context.project
    with Directory(project.directory) as tree:
        lock = tree.read(LOCK_NAME, LOCK_MAX_BYTES)
    found = record(
        project,
        status=str(context.argument("status", STATUSES[0])),
        notes=str(context.argument("notes", "")),
        build_strategy=str(context.argument("build_strategy", "")),
        project_data=bool(context.argument("project")),
        lock=lock[0] if lock is not None else b"",
        region=context.profile.region if context.profile is not None else "",
    )
    document = with_id(found, context.clock())
    if context.argument("dry_run"):
        return calls([call("registry", "log", record=document)])
    assert context.home, "BUG: a step that writes to mlcc's own folder was started without it"
    Store(context.home, context.sleep).add([document])
    words = f"registered {project.name} as {document['id']} ({document['status']})"
    return Result(document, [words, f"  mlcc registry show {document['id']}"])


def with_id(document: dict[str, Any], now: float) -> dict[str, Any]:
    """A record with its time and an id that sorts by it.  now: seconds since 1970."""
    moment = time.gmtime(now)
    name = f"{time.strftime('%Y%m%d-%H%M%S', moment)}-{secrets.token_hex(4)}"
    return {"id": name, "at": now, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment), **document}
