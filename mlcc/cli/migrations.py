"""A change of the serving engine, as plan, diff and apply print it.  Law: by mlcc's names, with both spellings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.apply.prepare import Prepared
from mlcc.cli.output import folded
from mlcc.cli.session import Session
from mlcc.core.text import printable
from mlcc.registries.redaction import redact_leaf
from mlcc.resolve.engine import migration
from mlcc.resolve.engine.migration import Migration, Moved, Spelling
from mlcc.resolve.project import Project


def of(project: Project, prepared: Prepared) -> Migration | None:
    """The change of the chosen environment's engine since the last apply; None where it is the same one."""
    return migration.of(prepared.before.environment(project.chosen), project.resolved, project.registries)


def document(found: Migration) -> dict[str, Any]:
    """As the contract spells it (`engine` in schemas/output-plan)."""
    return {"before": found.before, "after": found.after, "options": [_option(one) for one in found.options]}


def _option(one: Moved) -> dict[str, Any]:
    given = {"before": one.before, "after": one.after}
    shown = {word: {"name": s.name, "value": _value(s)} if s is not None else None for word, s in given.items()}
    return {"path": one.path, **shown, "counterpart": one.counterpart or None, "stays": one.stays}


def _value(spelling: Spelling) -> str:
    """A value without secrets."""
    return str(redact_leaf(("env", spelling.name), spelling.value))


def lines(found: Migration, session: Session) -> Iterator[str]:
    """The two engines, and a line for each option; last, what the new engine has no option for."""
    yield f"  engine: {printable(found.before, 80)} -> {printable(found.after, 80)}"
    kept = [one for one in found.options if one.counterpart or one.after is not None]
    for one in kept:
        yield folded(f"{printable(one.path, 120)}: {_change(one)}", session.room, "    ", "        ")
    for one in (one for one in found.options if one not in kept and one.before is not None):
        text = f"{printable(one.path, 120)}: {_text(one.before)} -> no counterpart in {printable(found.after, 80)}"
        text += ", which does not read it: remove it" if one.stays else ""
        yield folded(text, session.room, "    ", "        ")


def _change(one: Moved) -> str:
    if one.before is None:
        return f"(not set) -> {_text(one.after)}"
    if one.after is None:
        return f"{_text(one.before)} -> (not set; there it is {printable(one.counterpart, 120)})"
    return f"{_text(one.before)} -> {_text(one.after)}"


def _text(spelling: Spelling | None) -> str:
    return f"{printable(spelling.name, 120)}={printable(_value(spelling), 120)}" if spelling is not None else ""


def without(rows: Sequence[Mapping[str, Any]], found: Migration | None) -> list[Mapping[str, Any]]:
    """Changed values without those that the lines above say already."""
    return [row for row in rows if found is None or row["path"] not in found.covered]
