"""mlcc catalog: the registries, browsed, filtered, and one row in full with its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from mlcc.cli import complete
from mlcc.cli.catalog_tables import TABLES, Rows
from mlcc.cli.help_sections import Command
from mlcc.cli.options import output_options
from mlcc.cli.output import cell, document, print_document, print_rows
from mlcc.cli.plugin_parts import plugged
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.nodes import Node
from mlcc.core.text import allowed, nearest, printable, quoted
from mlcc.core.text_columns import wrapped
from mlcc.io.disk.reader import Refused
from mlcc.load.inputs import gather
from mlcc.load.locate import PROJECT_FOLDERS, find_mlcc_yaml, registry_roots
from mlcc.load.request import Request
from mlcc.registries.loader import Registries, load
from mlcc.registries.policy_rows import Waiver
from mlcc.registries.rows import Entry, Framework, FrameworkVersion, Instance, Row

# Where the values of one row begin.
INDENT = 24


@click.command(
    "catalog", cls=Command, epilog="Example: mlcc catalog instances --filter accelerator=cuda --offered transform"
)
@click.argument("table", type=click.Choice(sorted(TABLES)))
@click.argument("name", required=False, default="", shell_complete=complete.rows)
@click.option("--filter", "filters", multiple=True, metavar="FIELD=TEXT", help="Rows whose field holds this text.")
@click.option(
    "--offered",
    type=click.Choice(["endpoint", "transform", "hyperpod"]),
    help="Instance types that are offered for this use.",
)
@click.option(
    "--registry",
    "roots",
    multiple=True,
    metavar="DIR",
    help="A folder of rows over the packaged ones.",
    shell_complete=complete.folders,
)
@output_options()
def command(table: str, name: str, filters: tuple[str, ...], offered: str | None, roots: tuple[str, ...]) -> int:
    """Browse the registries: a table, or one row in full with where its facts come from."""
    session = current()
    registries = load(_roots(session, roots))
    reader, columns, words = TABLES[table]
    rows = reader(registries)
    versions = {key: row for key, row in rows.items() if key.startswith(f"{name} ")} if name not in rows else {}
    if name and not versions:
        _one(session, rows, name, words, registries)
        return 0
    rows = versions if name else rows
    shown = [_flat(key, row) for key, row in rows.items()]
    for text in (*filters, *([f"{offered}=true"] if offered else [])):
        shown = _filtered(shown, text)
    if session.format in ("json", "yaml"):
        print_document(session, document(rows=shown))
    else:
        print_rows(session, [_listed(row) for row in shown], columns)
        session.say(f"{words}: {len(shown)}" + (f" of {len(rows)}" if len(shown) < len(rows) else ""))
    return 0


def _roots(session: Session, roots: tuple[str, ...]) -> Any:
    request = Request(environ=session.environ, registry_roots=roots, plugged=plugged(session))
    found, problems = registry_roots(request)
    if problems:
        raise UserError(problems)
    try:
        inputs = gather(find_mlcc_yaml("."), request)
    except Refused:
        return found
    # the rows that a project here would see
    wrong = [f for f in inputs.findings if f.path in PROJECT_FOLDERS]
    if wrong:
        raise UserError(wrong)
    return inputs.roots


def _flat(key: str, row: Row) -> dict[str, Any]:
    """A row as plain data, without empty fields."""
    flat: dict[str, Any] = {"name": key}
    for field, value in row._asdict().items():
        if field in ("name", "versions", "mark") or value in ("", (), None) or value == {}:
            continue
        flat[field] = _plain(value)
    if flat.get("defaults") in ({}, None):
        flat.pop("defaults", None)
    if isinstance(row, Entry):
        flat |= {k: _plain(v) for k, v in flat.pop("facts", {}).items()}
    flat.setdefault("origin", row.origin)
    image = row.defaults.get("framework", "base_image") if hasattr(row, "defaults") else None
    if image is not None:
        flat["base_image"] = image.value
    if isinstance(row, FrameworkVersion) and row.accelerator:
        flat["needs"] = f"{row.accelerator.get('type', '')} {row.accelerator.get('version', '')}".strip()
    if isinstance(row, Framework):
        flat["versions"] = list(row.versions)
    if isinstance(row, Instance) and not row.accelerator_count:
        flat.pop("accelerator_name", None)
    return flat


def _listed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a listing: of a mapping only the names."""
    return {k: list(v) if isinstance(v, Mapping) else v for k, v in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Node):
        return value.plain()
    if isinstance(value, Waiver):
        return {**{k: _plain(v) for k, v in value._asdict().items() if k != "mark" and v}, "origin": value.origin}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v.title if hasattr(v, "_fields") else v) for k, v in value.items()}
    return value


def _filtered(rows: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    field, equals, wanted = text.partition("=")
    known = sorted({k for row in rows for k in row})
    if not equals or (rows and field not in known):
        raise UsageError(
            [error("MLCC902", f"--filter {quoted(text)}: expected FIELD=TEXT", hint=f"fields: {allowed(known, 20)}")]
        )
    return [r for r in rows if _fits(r.get(field), wanted)]


def _fits(value: Any, wanted: str) -> bool:
    if isinstance(value, (bool, int, float)) or value is None:
        return cell(value) == wanted or (value is None and wanted in ("no", "0"))
    return wanted in cell(value)


def _one(session: Session, rows: Rows, name: str, words: str, registries: Registries) -> None:
    row = rows.get(name) or next((r for r in rows.values() if name in getattr(r, "aliases", ())), None)
    if row is None:
        near = nearest(name, rows)
        hint = (f"did you mean {near}? " if near else "") + f"{len(rows)} {words}: mlcc catalog lists them"
        raise UserError([error("MLCC401", f"none of the {words} is called {quoted(name)}", hint=hint)])
    flat = _flat(row.name, row)
    price = registries.price(row.name) if isinstance(row, Instance) else None
    if price is not None:
        flat["price"] = f"{price.amount:g} {price.currency} an hour in {price.region}, {price.date}"
    if session.format in ("json", "yaml"):
        print_document(session, document(rows=[flat]))
        return
    width = max(min(session.room, 100) - INDENT, 20) if session.room is not None else None
    for key, value in flat.items():
        several = isinstance(value, list) and width is not None and len(cell(value)) > width
        texts = [printable(cell(one), 0) for one in (value if several else [value])]
        parts = texts if width is None else [part for text in texts for part in wrapped(text, width, "") or [""]]
        for number, part in enumerate(parts):
            session.out(f"{key.replace('_', ' ') if not number else '':<{INDENT}}{part}".rstrip())
