"""mlcc set: changes mlcc.yaml itself, keeping comments and order: what is reviewed is what is committed."""

from __future__ import annotations

import click

from mlcc.cli import complete, mlcc_yaml
from mlcc.cli.help_sections import Command
from mlcc.cli.options import file_option, output_options
from mlcc.cli.session import Session, current
from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.paths import Item, Path, format_path, parse_path
from mlcc.core.text import nearest, printable, quoted
from mlcc.io.schema import keys
from mlcc.load import coerce, document, edit
from mlcc.load.locate import find_mlcc_yaml


@click.command("set", cls=Command, epilog="Example: mlcc set deployment.instance_type ml.c5.xlarge")
@click.argument("key", shell_complete=complete.keys)
@click.argument("value", required=False, shell_complete=complete.value)
@click.option("--unset", is_flag=True, help="Remove the key.")
@click.option(
    "--env",
    "env",
    default="",
    metavar="NAME",
    help="Set it in an environment's overlay.",
    shell_complete=complete.environments,
)
@file_option
@output_options()
def command(key: str, value: str | None, unset: bool, env: str, file: str) -> int:
    """Set KEY to VALUE in mlcc.yaml.

    KEY is a dotted path: env.NAME, inference_components[chat].copy_count, or environments.prod.ttl, which is ttl with
    --env prod.  Lists are written as A,B or in YAML.
    The result is checked before it is written.  Comments stay, the one above a removed key too.
    """
    session = current()
    if unset == (value is not None):
        raise click.UsageError("give a VALUE, or --unset")
    name = file or find_mlcc_yaml(".")
    env, path = _within(key, env, unset)
    plain = None if value is None else _value(path, value)
    where: Path = (ENVIRONMENTS, env, *path) if env else path
    results: list[bytes] = []

    def edited(before: bytes) -> bytes:
        results.append(_edited(before, name, where, plain).encode())
        return results[-1]

    before, left = mlcc_yaml.change(name, edited)
    if results[-1] == before:
        session.say(f"{printable(name, 200)}: {printable(format_path(where), 120)} is that already")
        return 0
    if env and not unset and env not in document.load_document(before, name).environments:
        session.say(f"note: the environment {printable(env, 60)} is new")
    _report(session, name, where, edit.comment_above(before.decode("utf-8"), where) if unset else None)
    if left:
        session.say(f"{left} error{'s are' if left > 1 else ' is'} left: mlcc validate says which")
    return 0


ENVIRONMENTS = "environments"


def _within(key: str, env: str, unset: bool) -> tuple[str, Path]:
    """The environment that a key is set in (empty: none), and the key within it.

    unset: an environment as a whole can be removed, and its path is empty then.
    """
    path = parse_path(key)
    if path is None or path[0] != ENVIRONMENTS:
        return env, _path(key)
    if len(path) == 1:
        hint = "name one of their keys: environments.prod.ttl"
        raise UserError([error("MLCC219", f"{quoted(key)} holds all environments", hint=hint)])
    if env:
        raise click.UsageError("KEY names an environment already: give it without --env")
    if len(path) == 2 and unset:
        return str(path[1]), ()
    return str(path[1]), _path(format_path(path[2:]))


def _path(key: str) -> Path:
    path = parse_path(key)
    prop = keys.find(path) if path else None
    if path is not None and any(isinstance(s, Item) and s.name.isdecimal() for s in path):
        hint = "inference_components[chat].copy_count"
        raise UserError([error("MLCC033", f"{quoted(key)} counts elements; they go by their names", hint=hint)])
    if path is None or prop is None:
        near = nearest(key, (p.name for p in keys.index().values()))
        hint = f"did you mean {near}? " if near else ""
        raise UserError([error("MLCC033", f"{quoted(key)} is not a key of mlcc.yaml", hint=f"{hint}see mlcc schema")])
    return path


def _value(path: Path, text: str) -> object:
    wrong = coerce.plain_problem(text)
    value, wrong = (None, wrong) if wrong else coerce.coerce_text(path, text)
    if wrong:
        raise UserError([error("MLCC033", wrong, path=format_path(path))])
    return value


def _edited(before: bytes, name: str, path: Path, value: object) -> str:
    loaded = document.load_document(before, name)
    if not loaded.ok:
        raise UserError(loaded.findings)
    return edit.change(before.decode("utf-8"), path, value)


def _report(session: Session, name: str, path: Path, comment: int | None) -> None:
    """comment: the line of the comment that stood above what was removed (0: none did); None when it was set."""
    done = "set" if comment is None else "removed"
    left = f"; the comment above it is left (line {comment})" if comment else ""
    session.say(f"{printable(name, 200)}: {printable(format_path(path), 120)} {done}{left}; mlcc apply renders it")
