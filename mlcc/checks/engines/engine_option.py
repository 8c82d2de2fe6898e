"""MLCC132: an option that the chosen version of the engine does not know."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import known, places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity, nearest
from mlcc.core.paths import Path
from mlcc.registries.engine_rows import Engine
from mlcc.resolve.engine import spelling
from mlcc.resolve.engine.options import Known, names_of

CODE = "MLCC132"


def check(subject: Subject) -> Iterator[Finding]:
    """Variables that begin with the engine's prefix are its options or its own variables; anything else is a mistake.

    Where the list is of another version than the wanted one it is a warning: the option may have come since.
    """
    engine, listed = subject.rows.engine, known(subject)
    if engine is None or listed is None:
        return
    typed, seen = spelling.keys_of(engine), set()
    for place in places(subject):
        for key, found in place.engine.items():
            how = spelling.spelled(engine, key)
            if how is not None and not listed.find(how.option) and found.path not in seen:
                seen.add(found.path)
                yield _finding(subject, found.path, f"--{how.option}", engine, listed)
            extra = key.removeprefix("extra_args.")
            variable = spelling.variable(engine, extra) if extra != key else ""
            if variable and variable not in typed and not _words(listed, variable.removeprefix(engine.prefix)):
                yield _finding(subject, found.path, f"--{extra}", engine, listed)
                seen.add(place.env[variable].path if variable in place.env else found.path)
        for name, found in place.env.items():
            prefix = next((p for p in (engine.prefix, *engine.also) if name.startswith(p)), "")
            if not prefix or name in typed or name in engine.names.values() or found.path in seen:
                continue
            if (
                name in listed.variables
                or name in [name for found in engine.along.values() for name in found]
                or _words(listed, name.removeprefix(prefix))
            ):
                continue
            seen.add(found.path)
            yield _finding(subject, found.path, name, engine, listed, prefix)


def _words(listed: Known, word: str) -> bool:
    names = (n for row in listed.options.values() for n in names_of(row))
    return any(n.upper().replace("-", "_").replace(".", "_") == word for n in names)


def _finding(subject: Subject, path: Path, name: str, engine: Engine, listed: Known, prefix: str = "") -> Finding:
    words = [spelling.variable(engine, option) for option in listed.options] + sorted(listed.variables)
    known = {w.lower(): w for w in (words if prefix else [f"--{option}" for option in listed.options])}
    near = known.get(nearest(name.lower(), known), "")
    hint = f"did you mean {near}? " if near else ""
    version = subject.rows.engine_version
    message = f"{engine.options} {version} has no option {name}"
    if not listed.exact:
        message = (
            f"{engine.options} {listed.version}, the nearest version with a list to {version}, has no option {name}"
        )
    severity = Severity.ERROR if listed.exact else Severity.WARNING
    return subject.finding(CODE, path, message, hint + "remove it, or choose a version that has it", severity)
