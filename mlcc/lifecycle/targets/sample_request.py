"""What do/test sends.  Law: what mlcc.yaml says, else what the framework's row has; never nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.lifecycle.context import Result
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets import server_contract
from mlcc.lifecycle.targets.server_contract import Checked


def request_of(project: RenderedProject) -> server_contract.Request:
    """What is sent: test.* of mlcc.yaml, else the framework's sample payload."""
    sample = str(project.framework.sample.get("payload", "")) if project.framework is not None else ""
    payload = str(project.get("test.payload", "") or sample)
    if not payload:
        raise PreconditionError(
            [error("MLCC310", "there is nothing to send", hint="test: {payload: ...} in mlcc.yaml")]
        )
    return settings(project)._replace(payload=payload)


def settings(project: RenderedProject) -> server_contract.Request:
    """How a request is sent, without what is sent."""
    return server_contract.Request(
        "",
        str(project.get("test.content_type", "application/json")),
        str(project.get("test.accept", "")),
        str(project.get("test.custom_attributes", "")),
        float(project.get("test.timeout_s", 60)),
    )


def report(checks: Sequence[Checked], **more: Any) -> Result:
    """The result of do/test.  more: members of the document beside the checks."""
    lines = [f"{'ok  ' if c.ok else 'FAIL'} {c.name:<13}{c.milliseconds:8.1f} ms  {c.detail}" for c in checks]
    failed = [c for c in checks if not c.ok]
    lines.append(f"{len(checks) - len(failed)} of {len(checks)} checks hold")
    shown = [{"name": c.name, "ok": c.ok, "detail": c.detail, "milliseconds": round(c.milliseconds, 2)} for c in checks]
    return Result({**more, "checks": shown}, lines, ok=not failed)
