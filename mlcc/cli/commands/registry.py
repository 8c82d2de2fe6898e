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
from mlcc.core.findings import Finding, Severity, error
from mlcc.core.json_data import read_json
from mlcc.core.text import printable, quoted
from mlcc.lifecycle.deployments.records import ID, STATUSES, differences, lacking, without_secrets
from mlcc.lifecycle.deployments.store import FIELDS, Record, Store
from mlcc.lifecycle.steps.register import with_id

# What fits 80 columns, with two fields on two lines of a cell; `show` and `diff` take the number.
COLUMNS: Columns = (("number", "no"), ("time", "time (UTC)"), "status", "project", "where", "what")
# Of a file that `log --from` reads, in bytes and in records: all of it is added at once, or nothing.
MAX_LINE, MAX_RECORDS = 1 << 20, 100_000
# Of its wrong lines so many are named.
MAX_WRONG = 20


@click.group("registry", cls=Group, epilog="Example: mlcc registry list --deployment-config transformers-vllm")
def command() -> None:
    """The deployment registry: what do/register wrote down, newest first.  Records are added, never changed."""


def _store(session: Session) -> Store:
    return Store(session.home, session.sleep)


@command.command("log", epilog="Example: mlcc registry log --project chat --deployment-config transformers-vllm")
@click.option("--project", metavar="NAME", help="The project (needed without --from).")
@click.option("--deployment-config", metavar="NAME", help="Its deployment config (needed without --from).")
@click.option("--model", metavar="NAME", help="Its model.")
@click.option("--instance-type", metavar="TYPE", help="Where it was deployed.")
@click.option("--region", metavar="REGION", help="Where it was deployed.")
@click.option("--id", metavar="ID", help="The record's id, if not one that is made for it.")
@click.option("--status", type=click.Choice(STATUSES), help=f"How it went (default: {STATUSES[0]}).")
@click.option("--notes", metavar="TEXT", help="What somebody should know of it.")
@click.option("--from", "source", metavar="FILE", help="Records as JSON lines, as `export` writes them (- for stdin).")
@output_options(("table", "json", "yaml"))
def log(source: str | None, **given: str | None) -> int:
    """Add a record by hand, or records from a file; what of a file is there already, and the same, stays.

    A record names its project and its deployment config at least.  Of a file all is added or nothing, the oldest first.
    """
    session = current()
    by_hand = _by_hand(session, source, given)
    if source:
        found = [without_secrets(fields) for fields in _lines(source)]
        records = _store(session).merge(found, _whole)
        if len(found) > len(records):
            session.say(f"{len(found) - len(records)} of {len(found)} records are there already, and equal: left so")
    else:
        records = [_whole(without_secrets(by_hand))]
        _store(session).add(records)
    if session.format in ("json", "yaml"):
        print_document(session, document(records=records))
    else:
        for record in records:
            session.out(printable(str(record["id"]), 200))
    return 0


def _by_hand(session: Session, source: str | None, given: Mapping[str, str | None]) -> dict[str, str]:
    """The record that options describe.  Raises UsageError where they say too little, or stand beside a file."""
    fields = {(FIELDS.get(name) or name): value for name, value in given.items() if value}
    if source and fields:
        message = "--from brings whole records, and options that describe one have no effect on them"
        raise UsageError([error("MLCC901", message, hint="leave them out, or leave --from out")])
    if not ID.match(fields.get("id", "x")):
        hint = "letters, digits and . _ : -, a letter or digit first"
        raise UsageError([error("MLCC002", f"--id {quoted(fields['id'])}: no id of a record", hint=hint)])
    if not source and lacking(fields):
        message = "a record by hand needs --project NAME and --deployment-config NAME"
        raise UsageError([error("MLCC900", message, hint="--from FILE adds whole records; do/register makes one")])
    return {"status": STATUSES[0], "notes": "", "registeredBy": session.user, **fields}


MEND = "mend the line, or leave it out; nothing of the file was added"


def _whole(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the id and the time of now where it has none."""
    return {**with_id({}, time.time()), **fields}


def _lines(source: str, most: int = MAX_RECORDS) -> Iterator[dict[str, Any]]:
    """Records of a file of JSON lines.  Raises UserError for lines that are none, and for more than the most."""
    count, wrong = 0, list[Finding]()
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
            why = lacking(found)
            if why:
                message = f"this is no record: {why}"
                wrong.append(Finding("MLCC333", Severity.ERROR, message, file=source, line=number, hint=MEND))
                if len(wrong) == MAX_WRONG:
                    break
            else:
                yield cast("dict[str, Any]", found)
    if wrong:
        raise UserError(wrong)


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
        session.out(f"{printable(key, 40):<22} {printable(_text(value), 0)}", clean=True)
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
        rows = [{**row, "before": _or(row["before"], "(not recorded)")} for row in running["differences"]]
        print_rows(session, rows, ["path", ("before", "recorded"), ("after", "running")])
    else:
        session.say("what runs is what was recorded")
    return 0


def _or(value: Any, words: str) -> Any:
    return words if value is None else value


@command.command("diff", epilog="Example: mlcc registry diff 12 13")
@click.argument("first", metavar="ID")
@click.argument("second", metavar="ID")
@output_options(("table", "json", "yaml"))
def diff(first: str, second: str) -> int:
    """Show the fields in which two records differ."""
    session = current()
    rows = list(differences(*(_store(session).get(name).document for name in (first, second))))
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
        session.out(json.dumps(record.document, sort_keys=True), clean=True, whole=True)
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
