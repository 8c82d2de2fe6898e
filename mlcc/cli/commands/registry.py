"""mlcc registry: the deployments that were recorded on this machine."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

import click

from mlcc.cli import bootstrap_tools as shared
from mlcc.cli.groups import Group
from mlcc.cli.options import output_options
from mlcc.cli.output import Columns, document, print_document, print_rows, table
from mlcc.cli.session import Session, current
from mlcc.core import durations
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.json_data import read_json
from mlcc.core.paths import leaves
from mlcc.core.text import printable, quoted
from mlcc.lifecycle.deployments.records import ID, STATUSES, is_record, without_secrets
from mlcc.lifecycle.deployments.store import FIELDS, Record, Store
from mlcc.lifecycle.steps.register import with_id

# What fits 80 columns, with two fields on two lines of a cell; `show` and `diff` take the number.
COLUMNS: Columns = (("number", "no"), ("time", "time (UTC)"), "status", "project", "where", "what")
# Of a file that `log --from` reads, in bytes and in records: all of it is added at once, or nothing.
MAX_LINE, MAX_RECORDS = 1 << 20, 100_000


@click.group("registry", cls=Group, epilog="Example: mlcc registry list --deployment-config transformers-vllm")
def command() -> None:
    """The deployment registry: what do/register wrote down, newest first.  Records are added, never changed."""


def _store(session: Session) -> Store:
    return Store(session.home, session.sleep)


@command.command("log", epilog="Example: mlcc registry log --notes 'rolled back by hand' --status partial")
@click.option("--id", "name", metavar="ID", help="The record's id, if not one that is made for it.")
@click.option("--status", type=click.Choice(STATUSES), default=STATUSES[0], show_default=True, help="How it went.")
@click.option("--notes", default="", metavar="TEXT", help="What somebody should know of it.")
@click.option("--from", "source", metavar="FILE", help="Records as JSON lines, as `export` writes them (- for stdin).")
@output_options(("table", "json", "yaml"))
def log(name: str | None, status: str, notes: str, source: str | None) -> int:
    """Add a record by hand, or records from a file; what of a file is there already, and the same, stays."""
    session = current()
    if name and not ID.match(name):
        hint = "letters, digits and . _ : -, a letter or digit first"
        raise UsageError([error("MLCC002", f"--id {quoted(name)}: no id of a record", hint=hint)])
    if source and (name or notes):
        raise UsageError([error("MLCC002", "--from brings whole records: --id and --notes do not go with it")])
    by_hand = {"status": status, "notes": notes, "registeredBy": session.user, **({"id": name} if name else {})}
    if source:
        given = [without_secrets(fields) for fields in _lines(source)]
        records = _store(session).merge(given, _whole)
        if len(given) > len(records):
            session.say(f"{len(given) - len(records)} of {len(given)} records are there already, and equal: left so")
    else:
        records = [_whole(without_secrets(by_hand))]
        _store(session).add(records)
    if session.format in ("json", "yaml"):
        print_document(session, document(records=records))
    else:
        for record in records:
            session.out(printable(str(record["id"]), 200))
    return 0


def _whole(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the id and the time of now where it has none."""
    return {**with_id({}, time.time()), **fields}


def _lines(source: str, most: int = MAX_RECORDS) -> Iterator[dict[str, Any]]:
    """Records of a file of JSON lines.  Raises UserError for a line that is none, and for more than the most."""
    count = 0
    with click.open_file(source, encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE), ""), 1):
            if not line.strip():
                continue
            count += 1
            if count > most:
                message = f"{printable(source, 200)} holds more than {most:,} records"
                raise UserError([error("MLCC335", message, hint="split it: split -l 100000")])
            try:
                found = read_json(line.encode(), finite=True)
            except ValueError:
                found = None
            if not is_record(found):
                where = f"{printable(source, 200)}:{number}"
                hint = "a line is a JSON object with the fields of a record"
                raise UserError([error("MLCC333", f"{where}: this is no record", hint=hint)])
            yield cast("dict[str, Any]", found)


def _filters(function: Any) -> Any:
    """The options by which records are chosen."""
    for name in reversed([*FIELDS]):
        words = name.replace("_", "-")
        known: dict[str, Any] = {"type": click.Choice(STATUSES)} if name == "status" else {"metavar": "TEXT"}
        text = f"Only records of this {name.replace('_', ' ')}."
        function = click.option(f"--{words}", help=text, **known)(function)
    return click.option("--since", default="", metavar="TIME", help="2026-01-31, or a time ago: 30m, 12h, 7d.")(
        function
    )


def _since(text: str) -> float:
    """A time as seconds since 1970; 0 for none.  Raises UsageError."""
    if not text:
        return 0.0
    ago = durations.seconds(text)
    if ago is not None:
        return time.time() - ago
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%d"))
    except (ValueError, OverflowError):
        raise UsageError([error("MLCC002", f"--since {quoted(text)}: no time", hint="2026-01-31, or 12h")]) from None


@command.command("list", epilog="Example: mlcc registry list --status failed --since 7d")
@_filters
@click.option("--limit", default=50, type=click.IntRange(min=0), show_default=True, help="So many; 0 for all.")
@output_options(("table", "json", "yaml"))
def listing(since: str, limit: int, **filters: str) -> int:
    """List records, newest first."""
    session = current()
    found = list(_store(session).find(filters, _since(since), limit))
    if session.format in ("json", "yaml"):
        print_document(session, document(records=[_row(record) for record in found]), clean=True)
    elif found:
        session.out(table([_shown(record) for record in found], COLUMNS, session, narrow=True))
    else:
        chosen = since or any(filters.values())
        session.say("no record matches these filters" if chosen else "no record; do/register adds one")
    return 0


@command.command("show", epilog="Example: mlcc registry show 20261130-091500-1f2e3d4c")
@click.argument("name", metavar="ID")
@click.option("--live", "compared", is_flag=True, help="Ask AWS what of it runs, and in which fields it differs.")
@output_options(("table", "json", "yaml"))
def show(name: str, compared: bool) -> int:
    """Show one record: by id, by the beginning of an id, or by its number."""
    session = current()
    if compared and session.offline:
        raise UsageError([error("MLCC901", "--live uses the network, and --offline forbids it")])
    found = _store(session).get(name)
    running = _running(session, found) if compared else None
    if session.format in ("json", "yaml"):
        more = {"live": running} if running is not None else {}
        print_document(session, document(record=_row(found), **more), clean=True)
        return 0
    if running is not None:
        return _compared(session, running)
    for key, value in _row(found).items():
        session.out(session.folded(f"{printable(key, 40):<22} {printable(_text(value), 0)}"), clean=True)
    return 0


def _running(session: Session, found: Record) -> dict[str, Any]:
    """What runs of a record, and the differences."""
    from mlcc.lifecycle.bootstrap import profiles
    from mlcc.lifecycle.bootstrap.profile import of_account
    from mlcc.lifecycle.deployments import live
    from mlcc.registries.loader import load

    profile = of_account(profiles.chosen(session.home, session.environ), str(found.document.get("accountId", "")))
    return live.look(found.document, lambda region: shared.connection(session, profile, region), load())


def _compared(session: Session, running: dict[str, Any]) -> int:
    """What runs, for people."""
    session.say(f"the endpoint is {running['running']['endpointStatus']}")
    if running["differences"]:
        print_rows(session, running["differences"], ["path", ("before", "recorded"), ("after", "running")])
    else:
        session.say("what runs is what was recorded")
    return 0


@command.command("diff", epilog="Example: mlcc registry diff 12 13")
@click.argument("first", metavar="ID")
@click.argument("second", metavar="ID")
@output_options(("table", "json", "yaml"))
def diff(first: str, second: str) -> int:
    """Show the fields in which two records differ."""
    session = current()
    before, after = (dict(leaves(_store(session).get(name).document)) for name in (first, second))
    rows = [
        {"path": path, "before": before.get(path), "after": after.get(path)}
        for path in sorted({*before, *after} - {"id", "at", "timestamp"})
        if before.get(path) != after.get(path)
    ]
    if session.format in ("json", "yaml"):
        print_document(session, document(values=rows), clean=True)
    elif rows:
        print_rows(session, rows, ["path", "before", "after"])
    else:
        session.say("no field differs")
    return 0


@command.command("export", epilog="Example: mlcc registry export --since 30d > deployments.jsonl")
@_filters
@output_options(("table", "json", "yaml"))
def export(since: str, **filters: str) -> int:
    """Print records as JSON lines, newest first, for `log --from`; with -o as one document for other programs."""
    session = current()
    if session.format in ("json", "yaml"):
        found = [dict(record.document) for record in _store(session).find(filters, _since(since), 0)]
        print_document(session, document(records=found), clean=True)
        return 0
    for record in _store(session).find(filters, _since(since), 0):
        session.out(json.dumps(record.document, sort_keys=True), clean=True)
    return 0


def _row(record: Record) -> dict[str, Any]:
    return {"number": record.number, **record.document}


def _shown(record: Record) -> dict[str, Any]:
    """A record as a line of the list."""
    own = record.document
    return {
        "number": record.number,
        "time": time.strftime("%Y-%m-%d %H:%M", time.gmtime(record.at)),
        "status": own.get("status"),
        "project": own.get("projectName"),
        "where": " ".join(str(own.get(name) or "-") for name in ("region", "instanceType")),
        "what": " ".join(str(own.get(name) or "-") for name in ("deploymentConfig", "modelName")),
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
