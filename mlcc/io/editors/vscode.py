"""Visual Studio Code: `yaml.schemas` in .vscode/settings.json, JSON with comments.  Law: all else stays as it is."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlcc.io.editors.json_tree import Part, has_comment, parse, value_of
from mlcc.io.editors.mappings import Mapping, Unmergeable, line_end

KEY = "yaml.schemas"
INDENT = "  "


def merged(before: str | None, mappings: Sequence[Mapping]) -> str:
    """The settings with the schemas.  Raises Unmergeable for what is no such file, or holds the key twice."""
    text = before if before is not None and before.strip("\ufeff \t\r\n") else "{\n}\n"
    wanted = {f"./{one.path}": list(one.globs) for one in mappings}
    root = _object(text, parse(text), "the file")
    if not _one(text, root, KEY):
        text = _inserted(text, root, KEY, "{}", INDENT)
    for name, patterns in wanted.items():
        root = parse(text)
        (schemas,) = root.named(KEY)
        text = _set(text, _object(text, schemas, KEY), name, patterns)
    return text


def _set(text: str, schemas: Part, name: str, patterns: list[str]) -> str:
    there, value = _one(text, schemas, name), json.dumps(patterns)
    if not there:
        return _inserted(text, schemas, name, value, INDENT)
    if value_of(text, there[0]) == patterns:
        return text
    if has_comment(text, there[0]):
        raise Unmergeable(f"a comment stands in the value of {name}", text.count("\n", 0, there[0].start) + 1)
    return text[: there[0].start] + value + text[there[0].end :]


def _object(text: str, part: Part, name: str) -> Part:
    if part.kind != "object":
        raise Unmergeable(f"{name} is no object", text.count("\n", 0, part.start) + 1)
    return part


def _one(text: str, part: Part, name: str) -> list[Part]:
    found = part.named(name)
    if len(found) > 1:
        raise Unmergeable(f"{name} is there twice", text.count("\n", 0, found[1].start) + 1)
    return found


def _inserted(text: str, part: Part, name: str, value: str, step: str) -> str:
    """A text with a new last member of an object, on a line of its own; comments stay where they are."""
    newline, close = line_end(text), part.end - 1
    outer = _indent(text, part.start)
    indent = _indent(text, part.members[0][1].start) if part.members else outer + step
    if part.members and indent == outer:  # all on one line
        indent = outer + step
    at = len(text[:close].rstrip(" \t"))
    at -= len(newline) if text.endswith(newline, 0, at) else 0
    before, between = text[:at], text[at:close]
    if part.members and not part.comma:
        end = part.members[-1][1].end
        before = before[:end] + "," + before[end:]
    tail = between if "\n" in between else newline + outer
    return f"{before}{newline}{indent}{json.dumps(name)}: {value}{tail}{text[close:]}"


def _indent(text: str, at: int) -> str:
    """The white space that begins the line of a place."""
    line = text[text.rfind("\n", 0, at) + 1 : at].lstrip("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]
