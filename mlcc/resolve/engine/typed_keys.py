"""Variables of an engine, read as the typed keys of `engine:`.

Law: pure; a value that a user wrote as a variable counts as if it were written as the key, and two values for one
option from the same source are a finding, because neither is above the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark
from mlcc.core.paths import EMPTY, Path, format_path
from mlcc.core.records import NamedTuple
from mlcc.core.value_text import short_text
from mlcc.core.values import Source
from mlcc.registries.engine_rows import Engine
from mlcc.resolve.candidates import Candidate, Table
from mlcc.resolve.engine import spelling

# Candidates by their source and place, with the path at which a person wrote each.
Written = Mapping[tuple[Source, Mark], tuple[Path, Candidate]]


class Reading(NamedTuple):
    """A variable or an extra argument, and the value that it gives to a typed key."""

    path: Path
    candidate: Candidate
    key_path: Path
    value: Any


def offer_typed_keys(table: Table, engine: Engine, prefix: Path) -> None:
    """Offers the values of variables and extra arguments for their typed keys.

    May be done again: a source that has offered a value for a key already is not taken twice.
    """
    for reading in list(_readings(table, engine, prefix)):
        table.offer(reading.key_path, reading.candidate._replace(value=reading.value))


def typed_key_contradictions(table: Table, engine: Engine, prefix: Path) -> Iterator[Finding]:
    """Variables that give a typed key another value than the same source gives it elsewhere."""
    written = {
        (candidate.source, candidate.mark): (path, candidate)
        for path, _ in _variables(table, engine, prefix)
        for candidate in table.all_for(path)
        if candidate.mark.line
    }
    for path, candidate, key_path, value in _readings(table, engine, prefix):
        yield from contradiction(path, candidate, key_path, table.all_for(key_path), value, written)


def _readings(table: Table, engine: Engine, prefix: Path) -> Iterator[Reading]:
    on, off = spelling.keys_by_variable(engine, accepted=True), spelling.negated_keys(engine, accepted=True)
    for path, name in _variables(table, engine, prefix):
        key = on.get(name) or off.get(name)
        how = spelling.spelled(engine, key) if key is not None else None
        if key is None or how is None:
            continue
        for candidate in table.all_for(path):
            text = spelling.mlcc_word(engine, key, short_text(candidate.value))
            value = spelling.parse_value(key, text).value
            if value is not None:  # the checks report a wrong one, by the name of the variable
                value = not value if how.opposite != (name in off) else value
                yield Reading(path, candidate, (*prefix, "engine", *key.split(".")), value)


def _variables(table: Table, engine: Engine, prefix: Path) -> list[tuple[Path, str]]:
    """Paths of the variables and extra arguments of a section, with the name of the variable."""
    paths = [(path, str(path[-1])) for path in table.keys(*prefix, "env")]
    return paths + [(path, spelling.variable(engine, str(path[-1]))) for path in extra_arguments(table, prefix)]


def extra_arguments(table: Table, prefix: Path) -> tuple[Path, ...]:
    """Paths of the arguments in `engine.extra_args` of a section."""
    return table.keys(*prefix, "engine", "extra_args")


def contradiction(
    path: Path,
    candidate: Candidate,
    other_path: Path,
    others: Iterable[Candidate],
    value: Any,
    written: Written = EMPTY,
) -> Iterator[Finding]:
    """At most one finding: a person wrote two different values for one option in the same source.

    value: the candidate's value in the form of the others; written: what was written as variables; one of the others
    may have been made from such a variable, and the finding then names it.
    """
    for other in others:
        if other.source is candidate.source and other.source.by_hand and not spelling.same_value(other.value, value):
            other_path, other = written.get((other.source, other.mark), (other_path, other))
            message = (
                f"{format_path(path)} is {_shown(path, candidate.value)}, and {format_path(other_path)} is "
                f"{_shown(other_path, other.value)} ({other.origin}): they are one option"
            )
            mark = candidate.mark
            file = mark.file or candidate.origin
            hint = "keep one of them"
            yield Finding("MLCC130", Severity.ERROR, message, format_path(path), file, mark.line, mark.column, hint)
            return


def _shown(path: Path, value: Any) -> str:
    """A value for a message; a secret, by its name or its form, is not quoted."""
    from mlcc.registries.redaction import shown_value

    return shown_value(str(path[-1]), short_text(value), 60)
