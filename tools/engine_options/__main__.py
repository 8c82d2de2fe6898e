"""Writes registries/options/{sglang,sglang-diffusion,vllm,vllm-omni}.yaml from the engines' published packages.

    python -m tools.engine_options --write [NAME ...]    reads the packages and writes the files anew
    python -m tools.engine_options --check [NAME ...]    exits 1 when a file is not what would be written
    python -m tools.engine_options --file PATH           prints the rows of a file: of its click command `serve`, else
                                                         of the arguments that its own statements add

Law: packages are read as text (ast), never imported, run, installed or kept; the index is the one that pip is set up
for.  What a row says stands in a package.  The other files of registries/options/ were typed from repositories at a
commit, which each of them names: their engines publish no package that holds the options.
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

from .arguments import click_options
from .engines import ENGINES, Engine
from .packages import Wheel, files, wheel
from .source import Code
from .table import Row, document, rows, span, spelled
from .walk import top_level

OPTIONS = Path(__file__).resolve().parent.parent.parent / "registries" / "options"


def made(engine: Engine) -> str:
    """The registry file of an engine; prints a line for each version read."""
    listed = files(engine.package)
    read, sources, named = {}, {}, {}
    for version in engine.versions:
        name = wheel(listed, version)
        address, digest = listed[name]
        opened = Wheel(address)
        code = Code(opened.text)
        read[version] = spelled(engine.read(code))
        sources[version] = {"source": f"PyPI {name}, sha256:{digest[:16]}"}
        variables = engine.variables(code, opened.every())
        if variables is not None:
            named[version] = variables
        if version in engine.twins:
            sources[version]["note"] = twin(engine, version, read[version])
        counts = f"{len(read[version]):4} spellings {len(variables or ()):4} variables"
        print(f"{engine.name:10} {version:14} {counts}  {name}")
    head = {"name": engine.name, "title": engine.title, "source": engine.source}
    head |= {"inherits": engine.inherits} if engine.inherits else {}
    having = {n: [v for v in named if n in named[v]] for n in sorted({n for found in named.values() for n in found})}
    listing: dict[str, Row] = {n: span(n, h, list(named)) for n, h in having.items()}
    return document(head, versions=sources, rows=rows(read), variables=listing)


def twin(engine: Engine, version: str, expected: object) -> str:
    """Says that another package has the very same options; an error where it has not."""
    listed = files(engine.twins[version])
    name = wheel(listed, version)
    if spelled(engine.read(Code(Wheel(listed[name][0]).text))) != expected:
        raise ValueError(f"{name} has other options than {engine.package} {version}")
    return f"the same options as in PyPI {name}, sha256:{listed[name][1][:16]}"


def typed(path: Path) -> str:
    """The rows of one file, to compare with what was typed; nothing outside it is known."""
    text = path.read_text()
    code = Code(lambda name: (text, False) if name == "file" else None)
    command = code.find(code.module("file"), "serve")
    found = click_options(code, command) if command else top_level(code, "file", ast.parse(text).body)
    return document({}, rows=rows({path.name: spelled(found)}))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which engines (default: all)")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--write", action="store_true")
    how.add_argument("--check", action="store_true")
    how.add_argument("--file", type=Path, metavar="PATH")
    given = parser.parse_args()
    if given.file:
        print(typed(given.file), end="")
        return 0
    stale = []
    for engine in ENGINES:
        if given.names and engine.name not in given.names:
            continue
        text, path = made(engine), OPTIONS / f"{engine.name}.yaml"
        if given.check and (not path.is_file() or path.read_text() != text):
            stale.append(path.name)
        elif given.write:
            OPTIONS.mkdir(exist_ok=True)
            path.write_text(text)
    if stale:
        print(f"not what would be written: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
