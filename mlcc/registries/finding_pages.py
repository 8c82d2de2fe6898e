"""The page of each finding.  Law: read only when a page is shown; texts and examples are rows, and tests run them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io import packaged
from mlcc.io.yaml import reader
from mlcc.io.yaml.limits import OPERATOR_LIMITS

FILE = "findings.yaml"
USUAL = ("mlcc validate",)


class Example(NamedTuple):
    """A project and commands: the last command shows the finding, or (mended) does not.

    files: texts by path; links: targets by path; env: variables; run: commands.
    """

    files: Mapping[str, str]
    links: Mapping[str, str]
    env: Mapping[str, str]
    run: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The example as a person would type it."""
        for path, text in self.files.items():
            yield f"# {path}"
            yield from text.rstrip("\n").split("\n")
            yield ""
        yield from (f"$ ln -s {target} {path}" for path, target in self.links.items())
        variables = "".join(f"{name}={value} " for name, value in self.env.items())
        yield from (f"$ {variables}{command}" for command in self.run)


class Page(NamedTuple):
    """One code: what it means and what to do; examples, or why there are none."""

    code: str
    title: str
    severity: str
    meaning: str
    remedy: str
    bad: Example | None = None
    good: Example | None = None
    because: str = ""


@functools.cache
def pages() -> Mapping[str, Page]:
    """Every code's page."""
    loaded = reader.load_yaml(packaged.read("registries", FILE), FILE, OPERATOR_LIMITS, public=True, packaged=True)
    assert loaded.root is not None, loaded.findings
    rows: Mapping[str, Mapping[str, Any]] = loaded.root.plain()["rows"]
    return {code: _page(code, row) for code, row in rows.items()}


def _page(code: str, row: Mapping[str, Any]) -> Page:
    bad = _example(row.get("bad"), USUAL)
    good = _example(row.get("good"), bad.run if bad is not None else USUAL)
    title, severity, meaning, remedy, because = (
        str(row.get(key, "")).strip() for key in ("title", "severity", "meaning", "remedy", "because")
    )
    return Page(code, title, severity, meaning, remedy, bad, good, because)


def _example(row: Mapping[str, Any] | None, usual: tuple[str, ...]) -> Example | None:
    if row is None:
        return None
    own = {key: {str(k): str(v) for k, v in row.get(key, {}).items()} for key in ("files", "links", "env")}
    return Example(own["files"], own["links"], own["env"], tuple(row.get("run", usual)))
