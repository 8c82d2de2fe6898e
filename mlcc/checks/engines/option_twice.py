"""MLCC130: container variables that are one option of the engine and say different things."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import Found, known, places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.nodes import Mark
from mlcc.core.paths import format_path
from mlcc.registries.engine_rows import Engine
from mlcc.registries.redaction import told
from mlcc.resolve.engine import spelling
from mlcc.resolve.engine.options import Known, names_of

CODE = "MLCC130"


def check(subject: Subject) -> Iterator[Finding]:
    """The same option by two prefixes, by an alias, or by its opposite.  Keys of `engine:` are judged when resolved."""
    engine, listed = subject.rows.engine, known(subject)
    if engine is None or listed is None:
        return
    seen = {f.path for f in subject.resolved.findings if f.code == CODE}
    words = _words(listed)
    for place in places(subject):
        said: dict[str, tuple[str, str, Found]] = {}
        extra = {
            _mark(subject, e): (f"engine.{key}", e) for key, e in place.engine.items() if key.startswith("extra_args.")
        }
        for name, found in place.env.items():
            option, opposite = _option(engine, words, name)
            value = _value(engine, listed, option, opposite, str(found.value)) if option else ""
            if not value:
                continue
            name, found = extra.get(_mark(subject, found), (name, found))
            first, text, other = said.setdefault(option, (name, value, found))
            paths = (format_path(found.path), format_path(other.path))
            if not spelling.same(text, value) and not seen & set(paths):
                seen.update(paths)
                shown = (told(n, spelling.text(f.value), 60) for n, f in ((name, found), (first, other)))
                message = f"{name} is {next(shown)}, and {first} is {next(shown)}: they are one option{place.words}"
                yield subject.finding(CODE, found.path, message, "keep one of them")


def _words(listed: Known) -> dict[str, tuple[str, bool]]:
    """Which option the end of a variable's name is, and whether it is the option's opposite."""
    found = {}
    for row in listed.options.values():
        for name in names_of(row):
            own = name in (row.name, *row.aliases)
            found[name.upper().replace("-", "_").replace(".", "_")] = (row.name, not own)
    return found


def _option(engine: Engine, words: dict[str, tuple[str, bool]], name: str) -> tuple[str, bool]:
    prefix = max((p for p in (engine.prefix, *engine.also) if name.startswith(p)), key=len, default="")
    return words.get(name[len(prefix) :], ("", False)) if prefix else ("", False)


def _value(engine: Engine, listed: Known, option: str, opposite: bool, text: str) -> str:
    """What a variable says, to be compared; empty where it says nothing at all."""
    if listed.options[option].type not in ("flag", "switch", "boolean"):
        return text.strip()
    off = text.strip().lower() in spelling.OFF
    if off and (opposite or engine.drops_false or listed.options[option].type == "flag"):
        return ""
    return "off" if off or opposite else "on"


def _mark(subject: Subject, found: Found) -> Mark:
    return subject.resolved.values[found.path].mark
