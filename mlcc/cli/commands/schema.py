"""mlcc schema: what editors read, and the matrix of keys, options, variables and phases."""

from __future__ import annotations

import json
import os

import click

from mlcc.cli.options import output_options
from mlcc.cli.output import print_rows
from mlcc.cli.session import current
from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import allowed, nearest, quoted
from mlcc.io import packaged
from mlcc.io.schema import keys


@click.command("schema", epilog="Example: mlcc schema > mlcc.schema.json")
@click.argument("name", required=False, default=keys.MLCC_YAML)
@click.option("--options", "matrix", is_flag=True, help="Print the matrix: key, option, variables, phase.")
@output_options()
def command(name: str, matrix: bool) -> int:
    """Print the JSON Schema of mlcc.yaml, or of another document (lock, instances ...)."""
    session = current()
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
