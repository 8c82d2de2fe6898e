"""The deployment registry of one user: what was deployed, and how it went.  Law: rows are added, never changed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import quoted
from mlcc.io.database import Database, Duplicate

FOLDER, FILE = "registry", "deployments.db"
# Fields that can be filtered by, with the field of a record that they hold; first those that usually leave the fewest.
FIELDS: Mapping[str, str] = {
    "project": "projectName",
    "model": "modelName",
    "deployment_config": "deploymentConfig",
    "instance_type": "instanceType",
    "region": "region",
    "status": "status",
}
COLUMNS = ("id", "at", *FIELDS)
VERSION = 1
# Of ids in one query.
MOST_IDS = 500
# Fields that say when a record was made.
TIMES = ("at", "timestamp")
# Of the records that a filter leaves, how many are counted.
LOOK = 5000
# Documents stand apart: a filter looks at many rows, and shows few.
SCHEMA = (
    "CREATE TABLE records (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, "
    + ", ".join(f"{name} TEXT NOT NULL" for name in FIELDS)
    + ")",
    "CREATE TABLE documents (number INTEGER PRIMARY KEY REFERENCES records (number), document TEXT NOT NULL)",
    "CREATE INDEX by_at ON records (at, number)",
    *(f"CREATE INDEX by_{name} ON records ({name}, at, number)" for name in FIELDS),
    *(
        f"CREATE TRIGGER no_{verb.lower()}_of_{table} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'records stay'); END"
        for verb in ("UPDATE", "DELETE")
        for table in ("records", "documents")
    ),
)
# The texts below are made of the names above, never of anybody's input.
INSERT = f"INSERT INTO records ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
INSERT_DOCUMENT = "INSERT INTO documents SELECT number, ? FROM records WHERE id = ?"
SELECT = "SELECT number, id, at, document FROM records JOIN documents USING (number)"
NEWEST_FIRST = "ORDER BY at DESC, number DESC"


class Record(NamedTuple):
    """One deployment.

    number: its place in the history, from 1 on; id: the user's handle; at: seconds since 1970; document: all its
    fields.
    """

    number: int
    id: str
    at: float
    document: Mapping[str, Any]


class Store:
    """The records below `$MLCC_HOME`."""

    def __init__(self, home: str, sleep: Callable[[float], None]) -> None:
        """home: mlcc's own folder."""
        self._database = Database(os.path.join(home, FOLDER), FILE, VERSION, SCHEMA, sleep)

    def add(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Adds records, all or none.  Each has `id` and `at`.  Raises UserError for an id that is there already."""
        rows, texts = [], []
        for document in documents:
            rows.append(_row(document))
            texts.append((json.dumps(document, sort_keys=True), str(document["id"])))
        try:
            self._database.write((INSERT, rows), (INSERT_DOCUMENT, texts))
        except Duplicate:
            ids = ", ".join(quoted(str(row[0])) for row in rows[:5])
            message = f"a record of this id is there already, and records are not changed ({ids})"
            raise UserError(
                [error("MLCC331", message, hint="give it another id, or none (log --id, or the line of --from)")]
            ) from None

    def merge(
        self, given: Sequence[Mapping[str, Any]], whole: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Adds records as `add` does, but leaves those that are there already, field by field; returns the new ones.

        whole: gives a record the id and the time that it lacks.  They are added the oldest first, as they once were,
        so that numbers are those of the history that they come from.
        """
        given = _oldest_first(given)
        known = self._known([str(one["id"]) for one in given if "id" in one])
        new = []
        for one in given:
            before = known.get(str(one.get("id", "")))
            if before is not None and {**{name: before.get(name) for name in TIMES}, **one} == before:
                continue
            new.append(whole(one))
            known[str(new[-1]["id"])] = new[-1]
        self.add(new)
        return new

    def _known(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The documents of those ids that are there."""
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), MOST_IDS):
            some = ids[start : start + MOST_IDS]
            places = ", ".join("?" * len(some))
            found |= {one.id: one.document for one in self._records(f"{SELECT} WHERE id IN ({places})", some)}
        return found

    def find(self, filters: Mapping[str, str], since: float = 0.0, limit: int = 50) -> Iterator[Record]:
        """Records, the newest by their time first.

        filters: values of FIELDS; since: seconds since 1970; limit: 0 for all.
        """
        wanted = self._rarest_first([(name, filters[name]) for name in FIELDS if filters.get(name)])
        # one index leads to the records in order; `+` keeps the others from being chosen in its place
        clauses = [f"{'+' if number else ''}{name} = ?" for number, (name, _) in enumerate(wanted)]
        values: list[Any] = [value for _, value in wanted]
        if since:
            clauses.append("at >= ?")
            values.append(since)
        where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
        yield from self._records(f"{SELECT}{where} {NEWEST_FIRST}" + (f" LIMIT {int(limit)}" if limit else ""), values)

    def _rarest_first(self, wanted: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Filters, the one that leaves the fewest records first, as far as a short look tells."""
        if len(wanted) < 2:
            return wanted
        counts = {}
        for name, value in wanted:
            query = f"SELECT count(*) FROM (SELECT 1 FROM records WHERE {name} = ? LIMIT {LOOK})"  # noqa: S608
            counts[name] = next(self._database.read(query, [value]), (0,))[0]
        return sorted(wanted, key=lambda one: counts[one[0]])

    def get(self, name: str) -> Record:
        """One record, by id, by the beginning of an id, or by its number.  Raises UserError where there is not one."""
        query = f"{SELECT} WHERE "
        if name.isdecimal() and len(name) < 19:
            found = list(self._records(query + "number = ? OR id = ?", [int(name), name]))
        else:
            found = list(self._records(query + "id = ?", [name]))
        if not found and name:
            end = name[:-1] + chr(ord(name[-1]) + 1)
            found = list(self._records(query + "id >= ? AND id < ? LIMIT 2", [name, end]))
        if len(found) != 1:
            what = f"several records begin with {quoted(name)}" if found else f"no record has the id {quoted(name)}"
            raise UserError([error("MLCC332", what, hint="mlcc registry list")])
        return found[0]

    def _records(self, query: str, values: Sequence[Any]) -> Iterator[Record]:
        for number, name, at, document in self._database.read(query, values):
            yield Record(number, name, at, json.loads(document))


def _oldest_first(given: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Records by their time; those of one time, and those without one (of now), as they stand in the file.

    A file that has the newest first, as an export has, is read from its end.
    """
    times = [float(one.get("at", math.inf)) for one in given]
    turned = times != sorted(times) or (len(set(times)) == 1 and math.inf not in times)
    return sorted(reversed(given) if turned else given, key=lambda one: float(one.get("at", math.inf)))


def _row(document: Mapping[str, Any]) -> tuple[Any, ...]:
    fields = [str(document.get(field, "") or "") for field in FIELDS.values()]
    return (str(document["id"]), float(document["at"]), *fields)
