"""What is said in an engine's own variables, as values of the typed keys of `engine:`.  Law: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark
from mlcc.core.paths import EMPTY, Path, format_path
from mlcc.core.values import Source
from mlcc.registries.engine_rows import Engine
from mlcc.resolve.candidates import Candidate, Table
from mlcc.resolve.engine.spelling import keys_of, negated, ours, read, same, spelled, text, variable


def typed_from_variables(table: Table, engine: Engine, prefix: Path) -> Iterator[Finding]:
    """What the user wrote in the engine's words, as candidates of the typed keys; a contradiction is a finding.

    May be done again: what is a candidate already is not added twice.
    """
    known, off = keys_of(engine, heard=True), negated(engine, heard=True)
    forms = [(p, str(p[-1])) for p in table.candidates if p[:-1] == (*prefix, "env")]
    forms += [(p, variable(engine, str(p[-1]))) for p in extra_arguments(table, prefix)]
    written = {(c.source, c.mark): (p, c) for p, _ in forms for c in table.candidates[p] if c.mark.line}
    for path, name in forms:
        key = known.get(name) or off.get(name)
        how = spelled(engine, key) if key is not None else None
        if key is None or how is None:
            continue
        typed: Path = (*prefix, "engine", *key.split("."))
        before = table.candidates.get(typed, [])
        for candidate in list(table.candidates[path]):
            value, _ = read(key, ours(engine, key, text(candidate.value)))
            if value is None:
                continue  # the checks say what is wrong with it, in the variable's own words
            value = not value if how.opposite != (name in off) else value
            if all(c.source != candidate.source for c in before):
                table.put(typed, value, candidate.source, candidate.origin, candidate.mark)
            yield from contradiction(path, candidate, typed, before, value, written)


def extra_arguments(table: Table, prefix: Path) -> list[Path]:
    """Paths of what stands under `engine.extra_args` in a section."""
    return [p for p in table.candidates if p[:-1] == (*prefix, "engine", "extra_args")]


def contradiction(
    path: Path,
    candidate: Candidate,
    other_path: Path,
    others: Iterable[Candidate],
    value: Any,
    written: Mapping[tuple[Source, Mark], tuple[Path, Candidate]] = EMPTY,
) -> Iterator[Finding]:
    """One option, said twice by hand in the same place: neither is above the other.

    written: what was said in variables, by source and place; one of the others may be made of such a one.
    """
    for other in others:
        if not same(other.value, value) and other.source == candidate.source and candidate.source.by_hand:
            other_path, other = written.get((other.source, other.mark), (other_path, other))
            message = (
                f"{format_path(path)} is {_told(path, candidate.value)}, and {format_path(other_path)} is "
                f"{_told(other_path, other.value)} ({other.origin}): they are one option"
            )
            mark = candidate.mark
            file = mark.file or candidate.origin
            hint = "keep one of them"
            yield Finding("MLCC130", Severity.ERROR, message, format_path(path), file, mark.line, mark.column, hint)
            return


def _told(path: Path, value: Any) -> str:
    """A value for a message; a secret, by its name or its form, is not quoted."""
    from mlcc.registries.redaction import told

    return told(str(path[-1]), text(value), 60)
