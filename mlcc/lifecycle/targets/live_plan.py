"""How what runs differs from the project, for people and programs.  Law: the shape of `mlcc plan`, on every target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.findings import Finding
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.lifecycle.context import Result

# What becomes of something that cannot be changed where it is.
REPLACE = "replace"


class Difference(NamedTuple):
    """A field that is not as it shall be.

    kind, name: of the resource; path: of the field, empty for a resource as a whole; before: what runs (None: nothing
    does); after: what shall run.
    """

    kind: str
    name: str
    path: str
    before: Any
    after: Any


def shown(
    found: Sequence[Difference],
    source: str = "account",
    findings: Sequence[Finding] = (),
    anew: Mapping[str, str] = EMPTY,
) -> Result:
    """Differences between the project and what runs.

    source: where that was seen; findings: about what runs, for the document; anew: why something is taken away and made
    anew in place of a change, by `kind/name`.
    """
    changes: dict[str, str] = {}
    values = []
    for one in found:
        where = f"{one.kind}/{one.name}"
        action = "create" if one.before is None and not one.path else "delete" if one.after is None else "update"
        # the fields of what is made anew say how it differs from what was there before
        changes.setdefault(where, "update" if one.path else action)
        if one.path:
            values.append({"path": f"{where}/{one.path}", "before": one.before, "after": one.after, "source": source})
    changes |= dict.fromkeys(anew, REPLACE)
    summary = {action: list(changes.values()).count(action) for action in dict.fromkeys(changes.values())}
    lines = [f"{action:<7} {where}{_meanwhile(anew.get(where))}" for where, action in changes.items()]
    lines += [f"  {printable(v['path'])}: {_text(v['before'])} -> {_text(v['after'])}" for v in values]
    document = {
        "changes": [{"path": where, "action": action} for where, action in changes.items()],
        "values": values,
        "summary": summary,
        "findings": [_finding(one) for one in findings],
    }
    return Result(document, lines or ["no changes: what runs is what the project says"])


def _finding(one: Finding) -> dict[str, Any]:
    """As the contract spells it: nothing in mlcc.yaml is wrong, so there is nothing that `fix` could name."""
    fields = {**one._asdict(), "severity": one.severity.label}
    del fields["fix"]
    return fields


def _meanwhile(why: str | None) -> str:
    return f" (deleted and made anew, and does not answer meanwhile: {why})" if why else ""


def _text(value: Any) -> str:
    """A value in one line: whatever stands in it, it begins no other."""
    return "(absent)" if value is None else printable(str(value), 300)
