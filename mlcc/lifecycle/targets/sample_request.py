"""What do/test sends.  Law: what mlcc.yaml says, else what the framework's row has; never nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.core.tree import MAX_FILE_BYTES, digest
from mlcc.io.disk.reader import Directory
from mlcc.lifecycle.context import Result
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets import server_contract
from mlcc.lifecycle.targets.server_contract import Checked

HINT = (
    """mlcc set test.payload '{"instances": [[...]]}' (and test.content_type for what is not JSON), then mlcc apply; """
    "mlcc init --model FILE proposes one of a model file's own columns"
)


def request_of(project: RenderedProject) -> server_contract.Request:
    """What is sent: test.* of mlcc.yaml, else the sample payload, where the sample model is served.

    Raises PreconditionError for a model of the user's own without test.payload: the sample's rows are none of its.
    """
    sample = str(project.framework.sample.get("payload", "")) if project.framework is not None else ""
    own = project.variables.get("MODEL_NAME", "")
    payload = str(project.get("test.payload", "") or (sample if not own else ""))
    if not payload:
        served = f"what {quoted(own, 100)} takes" if own else "what this model takes"
        message = f"test.payload is not set, and nobody but you knows {served}"
        raise PreconditionError([error("MLCC310", message, hint=HINT)])
    return settings(project)._replace(payload=payload)


def settings(project: RenderedProject) -> server_contract.Request:
    """How a request is sent, without what is sent."""
    return server_contract.Request(
        "",
        str(project.get("test.content_type", "application/json")),
        str(project.get("test.accept", "")),
        str(project.get("test.custom_attributes", "")),
        float(project.get("test.timeout_s", 60)),
        own_answer=_is_edited(project, str(project.container.get("handler", ""))),
    )


def _is_edited(project: RenderedProject, path: str) -> bool:
    """Whether a file of the project is not as it was rendered; an absent one is not edited."""
    record = project.lock.files.get(path)
    if record is None:
        return False
    with Directory(project.directory) as tree:
        found = tree.read(path, MAX_FILE_BYTES)
    return found is not None and digest(found[0]) != record.digest


def report(checks: Sequence[Checked], log: Sequence[str] = (), **more: Any) -> Result:
    """The result of do/test.  log: the server's last lines, where one failed; more: members of the document."""
    lines = [f"{'ok  ' if c.ok else 'FAIL'} {c.name:<13}{c.milliseconds:8.1f} ms  {c.detail}" for c in checks]
    failed = [c for c in checks if not c.ok]
    lines.append(f"{len(checks) - len(failed)} of {len(checks)} checks hold")
    shown = [{"name": c.name, "ok": c.ok, "detail": c.detail, "milliseconds": round(c.milliseconds, 2)} for c in checks]
    quoted_log = {"log": list(log)} if log else {}
    lines += ["the server's last lines:", *(f"    {line}" for line in log)] if log else []
    return Result({**more, "checks": shown, **quoted_log}, lines, ok=not failed)
