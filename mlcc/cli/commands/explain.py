"""mlcc explain: where a value comes from, and what it beat."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import click

from mlcc import pipeline
from mlcc.cli import complete
from mlcc.cli.options import KeyCommand, Values, env_option, file_option, output_options, value_options
from mlcc.cli.output import cell, document, print_document, print_findings, print_rows, table
from mlcc.cli.projects import read, target_of, warn_unfinished
from mlcc.cli.session import Session, current
from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.paths import Path, format_path, parse_path
from mlcc.core.text import nearest, printable, quoted
from mlcc.core.text_columns import beside
from mlcc.core.values import SOURCE_TITLES, Source, Value
from mlcc.load.locate import find_mlcc_yaml
from mlcc.resolve.result import Resolved

# However it is written: no key begins so.
CODE = re.compile(r"MLCC[0-9]+\Z", re.IGNORECASE)


@click.command("explain", cls=KeyCommand, epilog="Example: mlcc explain deployment.instance_type")
@click.argument("key", required=False, default="", shell_complete=complete.keys)
@click.option("--precedence", is_flag=True, help="Print the order in which sources win.")
@file_option
@env_option
@value_options
@output_options()
def command(
    key: str,
    precedence: bool,
    file: str,
    env: str | None,
    values: Values,
) -> int:
    """Say where a value comes from: the source that won, with file and line, and every value that it beat.

    Without a KEY all values are listed.  KEY is a dotted path (env.NAME, inference_components[chat].copy_count) or the
    beginning of one.  For the code of a finding (MLCC108) it says what it means and what to do.
    """
    session = current()
    if precedence:
        rows = [{"level": s.level, "source": s.label, "what": SOURCE_TITLES[s]} for s in Source]
        print_rows(session, rows, [("level", "precedence (1 wins)"), "source", "what"])
        return 0
    if CODE.match(key):
        return _finding(session, key.upper())
    where = file or find_mlcc_yaml(".")
    project = read(where, values, env)
    warn_unfinished(session, target_of(where, ""))
    if not session.machine:
        print_findings(pipeline.recorded_findings(target_of(where, "")), session)
    if not project.inputs.config.ok:
        raise UserError(project.findings)
    if not project.ok and not session.machine:
        # what is wrong with a value is the very reason to ask where it comes from
        print_findings(project.findings, session)
    chosen = {p: _without_secrets(p, v) for p, v in _select(project.resolved, key).items()}
    if session.format in ("json", "yaml"):
        levels = project.resolved.rows.levels
        print_document(session, document(values=[_plain(p, v, levels) for p, v in chosen.items()]))
    elif session.machine:
        rows = [{"path": format_path(p), "value": cell(v.value), "from": v.origin} for p, v in chosen.items()]
        session.out(table(rows, ["path", "value", "from"], session))
    elif len(chosen) > 1:
        for path, value in chosen.items():
            _line(session, path, value)
    else:
        for path, value in chosen.items():
            _story(session, path, value)
            level = project.resolved.rows.levels.get(format_path(path))
            if level:
                session.out(f"  validation level: {printable(level, 40)}")
    return 0


def _finding(session: Session, code: str) -> int:
    """What a code means, what to do, and an example before and after."""
    from mlcc.registries import finding_pages

    page = finding_pages.pages().get(code)
    if page is None:
        near = nearest(code, finding_pages.pages())
        hint = f"did you mean {near}? " if near else ""
        raise UserError([error("MLCC215", f"{quoted(code)} is no finding", hint=f"{hint}docs/findings.md lists all")])
    if session.machine:
        shown = {k: v._asdict() if isinstance(v, finding_pages.Example) else v for k, v in page._asdict().items()}
        print_document(session, document(values=[], code=shown))
        return 0
    session.out(f"{session.paint(f'{page.severity} {page.code}', bold=True)}  {page.title}")
    for text in (page.meaning, page.remedy):
        session.out()
        session.out(textwrap.fill(text, min(session.width, 80)))
    for heading, example in (("This shows it:", page.bad), ("Mended:", page.good)):
        if example is not None:
            session.out(f"\n{session.paint(heading, bold=True)}")
            for line in example.lines():
                session.out(f"    {line}".rstrip(), whole=True)
    return 0


def _select(resolved: Resolved, key: str) -> dict[Path, Value]:
    names = {format_path(p): p for p in resolved.values}
    if not key:
        return dict(resolved.values)
    if key in names:
        return {names[key]: resolved.values[names[key]]}
    below = {p: resolved.values[p] for n, p in names.items() if n.startswith((f"{key}.", f"{key}["))}
    if below:
        return below
    from mlcc.io.schema import keys

    path = parse_path(key)
    near = nearest(key, names) if path is None or keys.find(path) is None else ""
    hint = f"did you mean {near}? " if near else ""
    message = f"{quoted(key)} has no value here: nobody sets it"
    raise UserError([error("MLCC215", message, hint=f"{hint}mlcc explain lists all")])


def _without_secrets(path: Path, value: Value) -> Value:
    """A refused secret is explained too, but not shown."""
    from mlcc.registries.redaction import redact_leaf

    beaten = tuple(b._replace(value=redact_leaf(path, b.value)) for b in value.beaten)
    return value._replace(value=redact_leaf(path, value.value), beaten=beaten)


def _plain(path: Path, value: Value, levels: Mapping[str, str]) -> dict[str, Any]:
    beaten = [{"value": _json(b.value), "source": b.source.label, "origin": b.origin} for b in value.beaten]
    return {
        "path": format_path(path),
        "value": _json(value.value),
        "source": value.source.label,
        "origin": value.origin,
        "beaten": beaten,
        **({"validation_level": levels[format_path(path)]} if format_path(path) in levels else {}),
    }


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _line(session: Session, path: Path, value: Value) -> None:
    """A value and its origin."""
    name, text = printable(format_path(path), session.limit(200)), printable(cell(value.value), session.limit(400))
    origin = printable(value.origin, session.limit(200))
    shown = f"{name} = {session.paint(text, bold=True)}"
    session.out(beside(shown, session.paint(origin, dim=True), session.room))


def _story(session: Session, path: Path, value: Value) -> None:
    most = session.limit(400)
    shown = session.paint(printable(cell(value.value), most), bold=True)
    session.out(f"{printable(format_path(path), most)} = {shown}")
    session.out(f"  from {SOURCE_TITLES[value.source]} ({value.source.rank})")
    session.out(f"       {printable(value.origin, most)}")
    for beaten in value.beaten:
        text = printable(cell(beaten.value), most)
        session.out(f"  beat {SOURCE_TITLES[beaten.source]} ({beaten.source.rank}): {text}")
        session.out(f"       {printable(beaten.origin, most)}")
