"""mlcc schema: what editors read, and the matrix of keys, options, variables and phases."""

from __future__ import annotations

import json
import os

import click

from mlcc.cli import complete, editor_files
from mlcc.cli.help_sections import Command
from mlcc.cli.options import directory_option, not_empty, output_options
from mlcc.cli.output import print_rows
from mlcc.cli.session import current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.text import allowed, nearest, quoted
from mlcc.io import packaged
from mlcc.io.schema import keys


@click.command("schema", cls=Command, epilog="Example: mlcc schema > mlcc.schema.json")
@click.argument("name", required=False, default=keys.MLCC_YAML)
@click.option("--options", "matrix", is_flag=True, help="Print the matrix: key, option, variables, phase.")
@click.option(
    "--install",
    "editor",
    default="",
    metavar="EDITOR",
    help="Write the schemas and the settings of vscode, idea or nvim.",
    callback=not_empty,
    shell_complete=complete.entries("editors"),
)
@click.option("--print", "shown", is_flag=True, help="With --install: print the settings; write nothing.")
@directory_option("With --install: a folder of the repository.")
@output_options()
def command(name: str, matrix: bool, editor: str, shown: bool, directory: str) -> int:
    """Print the JSON Schema of mlcc.yaml, or of another document (lock, instances ...).

    With --install it writes what an editor needs for completion, help and checks of mlcc.yaml, policies and registries:
    the schemas below .schemas/mlcc at the repository's root, and its settings there.  What stands in these stays.
    """
    session = current()
    if editor and not matrix and name == keys.MLCC_YAML:
        return editor_files.run(session, directory, editor, shown)
    if editor or shown or directory != ".":
        message = "--install EDITOR, with --print and -C, takes no schema's name and no --options"
        raise UsageError([error("MLCC901", message, hint="mlcc schema --install vscode")])
    known = [n.removesuffix(".schema.json") for n in os.listdir(packaged.path("schemas")) if n.endswith(".schema.json")]
    if name not in known:
        near = nearest(name, known)
        hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(known)}"
        raise UserError([error("MLCC218", f"no schema is called {quoted(name)}", hint=hint)])
    if not matrix:
        session.out(json.dumps(packaged.schema(name), indent=2, ensure_ascii=False), whole=True)
        return 0
    rows = [
        {
            "key": p.name,
            "option": p.meta.get("option") or "",
            "environment": p.meta.get("env") or "",
            "do_variable": p.meta.get("variable") or "",
            "phase": p.phase,
        }
        for p in keys.index(name).values()
        if p.meta
    ]
    print_rows(session, rows, ["key", "option", "environment", "do_variable", "phase"])
    return 0
