"""Writes the pages that are made from data: the reference of mlcc.yaml and a page for each finding.

    python tools/docs.py --write    writes docs/mlcc-yaml.md, docs/findings.md and docs/findings/ anew
    python tools/docs.py --check    exits 1 when one of them is stale

Law: what the schema and the source say is never typed a second time.
"""

from __future__ import annotations

import argparse
import functools
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from mlcc.core.values import SOURCE_TITLES, Source
from mlcc.io.schema import keys, validator
from mlcc.io.schema.keys import Property
from mlcc.registries.finding_pages import Page, pages

ROOT = Path(__file__).resolve().parent.parent
CODE = re.compile(r'"(MLCC[0-9]{3})"')
AREAS = {
    "0": "Reading and checking mlcc.yaml",
    "1": "Whether values fit together",
    "2": "Planning and writing the project",
    "3": "The do/ steps",
    "4": "Registries",
    "5": "Plugins",
    "9": "The command line",
}


def reference() -> str:
    """The page of all keys."""
    lines = ["# mlcc.yaml", "", "Made from `schemas/mlcc.schema.json` by `make docs`; do not edit.", ""]
    lines += ["Keys that begin with `x-` are free. `-` means: set it in the file, or with `--set PATH=VALUE`.", ""]
    for key in validator.load_schema(keys.MLCC_YAML)["properties"]:
        lines += _section(key)
    return "\n".join([*lines, *_precedence()]) + "\n"


def _section(key: str) -> list[str]:
    found = [p for p in keys.index().values() if p.path[0] == key]
    head = str(found[0].schema.get("description", ""))
    rows = [_row(p) for p in found if p.path[-1] not in ("[]", "*") and (p.phase or len(p.path) == 1)]
    title = ["| key | type | default | option | variable | do/ variable | phase | what it does |", "|" + "---|" * 8]
    return [f"## {key}", "", head, "", *title, *rows, ""]


def _row(prop: Property) -> str:
    kind = " or ".join(prop.types)
    default = prop.schema.get("default", "")
    cells = [
        f"`{prop.name}`",
        kind,
        f"`{default}`" if default != "" else "",
        _code(prop.meta.get("option")),
        _code(prop.meta.get("env")),
        _code(prop.meta.get("variable")),
        prop.phase,
        str(prop.schema.get("description", "")),
    ]
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def _code(text: object) -> str:
    return f"`{text}`" if text else "-"


def _precedence() -> list[str]:
    lines = ["## Precedence", "", "Precedence 1 wins over 2; `mlcc explain KEY` shows what won and what it beat.", ""]
    return [*lines, *(f"- precedence {source.level}: {SOURCE_TITLES[source]}" for source in Source)]


@functools.cache
def codes() -> dict[str, list[str]]:
    """Every finding code in the source, with the modules that speak it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "mlcc").rglob("*.py")):
        for code in dict.fromkeys(CODE.findall(path.read_text(encoding="utf-8"))):
            found.setdefault(code, []).append(path.relative_to(ROOT).as_posix())
    return dict(sorted(found.items()))


def findings() -> str:
    """The page of all codes."""
    lines = ["# Findings", "", "Made from registries/findings.yaml by `make docs`; do not edit.", ""]
    lines += ["Each finding says its place, what is wrong, what is allowed and what to do; its code never changes."]
    lines += ["`mlcc explain CODE` prints its page. Every example is run by a test."]
    area = ""
    for code, page in pages().items():
        if code[4] != area:
            area = code[4]
            lines += ["", f"## {AREAS[area]}", ""]
        lines.append(f"- [{code}](findings/{code}.md) {page.title}")
    return "\n".join(lines) + "\n"


def finding(page: Page) -> str:
    """The page of one code."""
    lines = [f"# {page.code}: {page.title}", "", "Made from registries/findings.yaml by `make docs`; do not edit.", ""]
    lines += [f"Severity: {page.severity}. Raised by {', '.join(f'`{p}`' for p in codes()[page.code])}.", ""]
    lines += [textwrap.fill(page.meaning, 110), "", "## What to do", "", textwrap.fill(page.remedy, 110)]
    for heading, example in (("This shows it", page.bad), ("Mended", page.good)):
        if example is not None:
            lines += ["", f"## {heading}", "", "```console", *example.lines(), "```"]
    if page.because:
        lines += ["", f"There is no example: {page.because[0].lower()}{page.because[1:]}"]
    return "\n".join(lines) + "\n"


PAGES = {
    "docs/mlcc-yaml.md": reference,
    "docs/findings.md": findings,
    **{f"docs/findings/{code}.md": functools.partial(finding, page) for code, page in pages().items()},
}


def stale() -> Iterator[str]:
    """Pages whose file is not what they would be now."""
    for name, page in PAGES.items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != page():
            yield name


def main() -> int:
    """Writes the pages, or says which are stale."""
    parser = argparse.ArgumentParser(description="Write or check the generated pages.")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true")
    choice.add_argument("--check", action="store_true")
    if parser.parse_args().write:
        for name, page in PAGES.items():
            (ROOT / name).parent.mkdir(exist_ok=True)
            (ROOT / name).write_text(page(), encoding="utf-8")
        return 0
    found = list(stale())
    for name in found:
        print(f"{name} is stale: make docs", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
