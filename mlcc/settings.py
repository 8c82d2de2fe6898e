"""Values that one run knows: options and variables.  Law: checked like any document, each with an origin."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlcc import config, schema
from mlcc.config import SCHEMA, Layer
from mlcc.diagnostics import Finding, error, nearest, printable, quoted
from mlcc.resolve import node_layer
from mlcc.values import Item, Path, Source, format_path, parse_path

Read = tuple["Layer | None", Iterable[Finding]]
"""What a source gave: its layer, or None, and what was wrong with it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a command was asked for, beyond the file.

    settings: `path=value` texts of --set; options: texts by path of generated options; environ: the process
    environment; extra: the file of --config; registry_roots: folders named by --registry, in order.
    """

    settings: Sequence[str] = ()
    options: Mapping[str, str] | None = None
    environ: Mapping[str, str] | None = None
    extra: str = ""
    registry_roots: Sequence[str] = ()


def variables(environ: Mapping[str, str]) -> Read:
    """The ML_ variables that the schema knows; others belong to other tools."""
    known = {p.meta["env"]: p for p in schema.index(SCHEMA).values() if p.meta.get("env")}
    found: dict[Path, tuple[Any, str]] = {}
    problems = []
    for name in sorted(n for n in environ if n.startswith("ML_")):
        if name not in known:
            continue  # other tools have ML_ variables too
        value, wrong = config.coerce(known[name].path, environ[name])
        if wrong:
            problems.append(error("MLCC034", f"{name}: {wrong}", path=known[name].name, file="environment"))
        else:
            found[known[name].path] = (value, f"${name}")
    return _assembled(found, Source.ENVIRONMENT, problems)


def options(request: Request) -> Read:
    """Generated options and --set, the latter over the former."""
    found: dict[Path, tuple[Any, str]] = {}
    problems = []
    pairs = [(dotted, text, f"option {option}") for option, dotted, text in _generated(request)]
    for setting in request.settings:
        dotted, equals, text = setting.partition("=")
        if not equals:
            problems.append(error("MLCC033", f"--set {quoted(setting)}: expected path=value", hint="--set env.A=1"))
        else:
            pairs.append((dotted, text, f"--set {printable(dotted)}"))
    for dotted, text, origin in pairs:
        path = parse_path(dotted)
        prop = schema.find(SCHEMA, path) if path else None
        if path is None or prop is None or path[0] in config.STRUCTURE:
            near = nearest(dotted, (p.name for p in schema.index(SCHEMA).values()))
            hint = f"did you mean {near}?" if near else "mlcc explain lists the paths"
            problems.append(
                error("MLCC033", f"{quoted(dotted)} is not a key of mlcc.yaml", path=printable(dotted), hint=hint)
            )
            continue
        value, wrong = config.coerce(path, text)
        if wrong:
            problems.append(error("MLCC033", f"{printable(origin)}: {wrong}", path=format_path(path)))
        else:
            found[path] = (value, origin)
    return _assembled(found, Source.OPTION, problems)


def _generated(request: Request) -> Iterable[tuple[str, str, str]]:
    for dotted, text in (request.options or {}).items():
        prop = schema.find(SCHEMA, parse_path(dotted) or ())
        yield (str(prop.meta.get("option")) if prop is not None else dotted), dotted, text


def _assembled(found: Mapping[Path, tuple[Any, str]], source: Source, problems: list[Finding]) -> Read:
    """One layer of leaves with an origin each, checked against the schema like any document."""
    if not found:
        return None, problems
    root: dict[str, Any] = {}
    for path, (value, _) in found.items():
        here: Any = root
        for segment, following in itertools.pairwise(path):
            if isinstance(segment, Item):
                match = next((e for e in here if e["name"] == segment.name), None)
                if match is None:
                    match = {"name": segment.name}
                    here.append(match)
                here = match
            else:
                here = here.setdefault(str(segment), [] if isinstance(following, Item) else {})
        here[str(path[-1])] = value
    origins = ", ".join(sorted({o for _, o in found.values()}))
    label = origins if len(found) == 1 else source.label
    layer = node_layer(source, root, label)
    read = config.check(layer.root, label, partial=True, overlays=False)
    problems = [*problems, *read.findings]
    return (layer if read.ok else None), problems
