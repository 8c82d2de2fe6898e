"""The .conf files of do/: `export NAME='value'` lines.  Law: pure; written quoted, parsed but never executed.

Which key of mlcc.yaml has which variable is data (`x-mlcc.variable` in the schema).  Container variables keep their
name when the architecture says that its engine's prefix is harmless to a shell, and travel as IC_ENV_NAME otherwise,
so that no value of theirs can change the shell that sources the file.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from mlcc import keys
from mlcc.candidates import names
from mlcc.config import SCHEMA
from mlcc.diagnostics import Finding, Severity, printable, quoted
from mlcc.values import Item, Path

HEADER = "# Values of this project, written by mlcc apply from mlcc.yaml: change them with mlcc set.\n"
ENV_PREFIX = "IC_ENV_"
BATCH_ENV_PREFIX = "BATCH_ENV_"
UNSET = "MLCC_UNSET"
_LINE = re.compile(r"export ([A-Za-z_][A-Za-z0-9_]*)=")
_BARE = re.compile(r"[A-Za-z0-9@%_+=:,./-]*")


def text(value: Any) -> str:
    """A value as the text of a variable: lists joined by commas, mappings as JSON, switches as true or false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        scalars = all(not isinstance(v, (dict, list, tuple)) for v in value)
        return ",".join(text(v) for v in value) if scalars else json.dumps(value, separators=(",", ":"))
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _collect(values: Mapping[Path, Any], prefix: Path) -> dict[str, Any]:
    """Leaves below a mapping as nested plain data."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        if path[: len(prefix)] == prefix and len(path) > len(prefix):
            here = found
            for segment in path[len(prefix) : -1]:
                here = here.setdefault(str(segment), {})
            here[str(path[-1])] = list(value) if isinstance(value, tuple) else value
    return found


def _variables(values: Mapping[Path, Any], pattern: tuple[str, ...], prefix: Path) -> dict[str, str]:
    """Variables of the keys directly or deeper below `pattern`, read at the concrete `prefix`."""
    found: dict[str, str] = {}
    size = len(pattern)
    for path, prop in keys.index(SCHEMA).items():
        variable = prop.meta.get("variable")
        if not variable or path[:size] != pattern or "[]" in path[size:]:
            continue
        here: Path = (*prefix, *path[size:])
        if "object" in prop.types:
            collected = _collect(values, here)
            if collected:
                found[variable] = text(collected)
        elif here in values:
            found[variable] = text(values[here])
    return found


def _env(
    values: Mapping[Path, Any], prefix: Path, plain: Iterable[str] = (), carried: str = ENV_PREFIX
) -> dict[str, str]:
    starts = tuple(plain)
    found: dict[str, str] = {}
    for path, value in values.items():
        if path[:-1] == (*prefix, "env"):
            name = str(path[-1])
            kept = bool(starts) and name.startswith(starts)
            found[name if kept else carried + name] = text(value)
    return found


def config(values: Mapping[Path, Any], plain: Iterable[str] = ()) -> dict[str, str]:
    """The variables of do/config.  plain: prefixes of container variables that keep their names."""
    return _variables(values, (), ()) | _env(values, ("batch",), carried=BATCH_ENV_PREFIX) | _env(values, (), plain)


def component(values: Mapping[Path, Any], name: str, plain: Iterable[str] = ()) -> dict[str, str]:
    """The variables of do/ic/NAME.conf."""
    prefix: Path = ("inference_components", Item(name))
    return _variables(values, ("inference_components", "[]"), prefix) | _env(values, prefix, plain)


def adapter(values: Mapping[Path, Any], name: str) -> dict[str, str]:
    """The variables of do/adapters/NAME.conf."""
    return _variables(values, ("adapters", "[]"), ("adapters", Item(name)))


def components(values: Mapping[Path, Any]) -> tuple[str, ...]:
    """Names of the inference components."""
    return names(values, ("inference_components",))


def adapters(values: Mapping[Path, Any]) -> tuple[str, ...]:
    """Names of the adapters."""
    return names(values, ("adapters",))


def scoped(kind: str, name: str, variable: str) -> str:
    """How an environment's file names a component's or adapter's variable: `IC__CHAT__COPY_COUNT`.

    Names hold single hyphens only, so that the form is unambiguous.
    """
    head, _, rest = variable.partition("_")
    return f"{kind}__{name.upper().replace('-', '_')}__{rest if head == kind else variable}"


def overlay(default: Mapping[Path, Any], chosen: Mapping[Path, Any], plain: Iterable[str] = ()) -> dict[str, str]:
    """The variables of do/env/NAME.conf: what differs from the default, and which names are taken away."""
    found, gone = _difference(config(default, plain), config(chosen, plain))
    for kind, listing, variables in (("IC", components, component), ("ADAPTER", adapters, adapter)):
        for name in dict.fromkeys((*listing(default), *listing(chosen))):
            before, after = variables(default, name), variables(chosen, name)
            if not after:
                after = {**before, f"{kind}_ENABLED": "false"}
            changed, removed = _difference(before, after)
            found |= {scoped(kind, name, k): v for k, v in changed.items()}
            gone += [scoped(kind, name, k) for k in removed]
    if gone:
        found[UNSET] = " ".join(sorted(gone))
    return found


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    changed = {k: v for k, v in after.items() if before.get(k) != v}
    return changed, [k for k in before if k not in after]


# ---------------------------------------------------------------- the format
def quote(value: str) -> str:
    """A value in single quotes, also when it needs none: every line looks alike."""
    return shlex.quote(value) if "'" in value else f"'{value}'"


def render(variables: Mapping[str, str]) -> bytes:
    """A whole .conf file."""
    lines = [f"export {name}={quote(value)}\n" for name, value in sorted(variables.items())]
    return (HEADER + "".join(lines)).encode("utf-8")


def parse(data: bytes, file: str) -> tuple[dict[str, str], list[Finding]]:
    """Variables of a .conf file; any line of another form is a finding MLCC301 with its place.

    Values are one shell word of single-quoted, double-quoted (without expansions) and bare parts.
    """
    try:
        rest = data.decode("utf-8")
    except UnicodeDecodeError:
        return {}, [_refused(file, 1, "the file is not UTF-8 text")]
    variables: dict[str, str] = {}
    line = 1
    while rest:
        if rest.startswith("\n"):
            rest, line = rest[1:], line + 1
            continue
        head, newline, tail = rest.partition("\n")
        if not head.strip(" \t") or head.lstrip(" \t").startswith("#"):
            rest, line = tail, line + bool(newline)
            continue
        match = _LINE.match(rest)
        word = _word(rest, match.end()) if match else None
        if match is None or word is None:
            return variables, [_crlf(file, line) if head.endswith("\r") else _form(file, line, head)]
        value, end = word
        variables[match[1]] = value
        line += rest.count("\n", 0, end)
        rest = rest[end:]
    return variables, []


def _word(source: str, start: int) -> tuple[str, int] | None:
    """One shell word from `start` to the end of its line: (value, end) or None when it is not a plain word."""
    parts: list[str] = []
    position = start
    while position < len(source) and source[position] not in "\n":
        char = source[position]
        if char == "'":
            end = source.find("'", position + 1)
            if end < 0:
                return None
            parts.append(source[position + 1 : end])
            position = end + 1
        elif char == '"':
            end = source.find('"', position + 1)
            inner = source[position + 1 : end]
            if end < 0 or re.search(r"[$`\\!]", inner):
                return None
            parts.append(inner)
            position = end + 1
        elif char in " \t":
            trailing = source[position:].partition("\n")[0]
            if trailing.strip(" \t") and not trailing.strip(" \t").startswith("#"):
                return None
            return "".join(parts), position + len(trailing)
        else:
            bare = _BARE.match(source, position)
            if bare is None or not bare[0]:
                return None
            parts.append(bare[0])
            position = bare.end()
    return "".join(parts), position


def _form(file: str, line: int, head: str) -> Finding:
    return _refused(file, line, f"not of the form export NAME='value': {quoted(head, 40)}")


def _crlf(file: str, line: int) -> Finding:
    shown = printable(file, 200)
    hint = f"save it with Unix line endings (LF): sed -i 's/\\r$//' {shown}, or mlcc apply --restore {shown}"
    return _refused(file, line, "this file has Windows line endings (CRLF)")._replace(hint=hint)


def _refused(file: str, line: int, message: str) -> Finding:
    hint = "do/*.conf and do/config hold export lines, comments and blank lines only; set values in mlcc.yaml"
    return Finding("MLCC301", Severity.ERROR, message, file=file, line=line, column=1, hint=hint)
