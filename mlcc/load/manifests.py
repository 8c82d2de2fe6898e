"""mlcc's table in the manifest of another tool.  Law: bytes in, plain data or a problem out; work is bounded by caps.

pyproject.toml and package.json come from the checkout and hold much that is not mlcc's.  A file without a table of ours
says nothing about mlcc, whatever else is wrong with it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.core.text import quoted

MANIFESTS = ("pyproject.toml", "package.json")
MAX_BYTES = 1024 * 1024
# tomllib takes the square of the parts of one key (`a.a.a...`), and a real key has few.
MAX_KEY_PARTS = 50
# Texts in quotes, over several lines too, and comments: what is between them is TOML's own.
_APART = (
    r'''"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*'''
)  # fmt: skip
_LONG_KEY = rf"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]+[ \t]*\.[ \t]*){{{MAX_KEY_PARTS}}}"


class Table(NamedTuple):
    """What a manifest has for mlcc.

    value: its table, None where it has none; problem: why it cannot be used, or an empty text.
    """

    value: Any = None
    problem: str = ""


def read_table(name: str, data: bytes) -> Table:
    """The table of a manifest.  name: the file's, one of MANIFESTS."""
    if b"mlcc" not in data:
        return Table()
    try:
        return _of_package(data) if name.endswith(".json") else _of_pyproject(data)
    except (ValueError, RecursionError):
        return Table(None, f"{name} cannot be read")


def _of_pyproject(data: bytes) -> Table:
    text = data.decode("utf-8")
    plain = re.sub(_APART, _as_word, text, flags=re.DOTALL)
    found = re.search(_LONG_KEY, plain)
    if found is not None:
        line = plain.count("\n", 0, found.start()) + 1
        return Table(None, f"a key in line {line} has more than {MAX_KEY_PARTS} parts")
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    tool = tomllib.loads(text).get("tool", {})
    return Table(tool.get("mlcc")) if isinstance(tool, dict) else Table(None, "tool in pyproject.toml is no table")


def _as_word(found: re.Match[str]) -> str:
    """A text in quotes as one word, which may be a part of a key, with its line ends; a comment as nothing."""
    return "" if found[0].startswith("#") else "q" + "\n" * found[0].count("\n")


class _Object(dict[str, Any]):
    """A JSON object that knows which of its keys stand in it twice: the last one would win silently."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        listed = list(pairs)
        super().__init__(listed)
        seen: set[str] = set()
        self.twice = [key for key, _ in listed if key in seen or seen.add(key)]  # type: ignore[func-returns-value]


def _of_package(data: bytes) -> Table:
    document = json.loads(data, object_pairs_hook=_Object, parse_constant=_refuse)
    if not isinstance(document, _Object) or "mlcc" not in document:
        return Table()
    if "mlcc" in document.twice:
        return Table(None, "the key 'mlcc' stands twice in package.json")
    pending: list[tuple[str, Any]] = [("mlcc", document["mlcc"])]
    while pending:
        path, value = pending.pop()
        if isinstance(value, _Object):
            if value.twice:
                return Table(None, f"the key {quoted(value.twice[0], 60)} stands twice in {path} of package.json")
            pending += [(f"{path}.{key}", item) for key, item in value.items()]
        elif isinstance(value, list):
            pending += [(path, item) for item in value]
    return Table(document["mlcc"])


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
