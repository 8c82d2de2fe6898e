"""Values that one run knows: options and variables.  Law: checked like any document, each with an origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlcc.core.findings import Finding, error
from mlcc.core.paths import Item, Path, format_path, nested, parse_path, sections
from mlcc.core.text import nearest, printable, quoted
from mlcc.core.values import Source
from mlcc.io.schema import keys
from mlcc.load import coerce, document
from mlcc.load.layers import STRUCTURE, node_layer
from mlcc.load.request import Read, Request


def variables(environ: Mapping[str, str]) -> Read:
    """The ML_ variables that the schema knows; others belong to other tools."""
    known = {p.meta["env"]: p for p in keys.index().values() if p.meta.get("env")}
    found: dict[Path, tuple[Any, str]] = {}
    problems = []
    for name in sorted(n for n in environ if n.startswith("ML_")):
        if name not in known:
            continue  # other tools have ML_ variables too
        wrong = coerce.plain_problem(environ[name])
        value, wrong = (None, wrong) if wrong else coerce.coerce_text(known[name].path, environ[name])
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
        unusable = _unusable(dotted, path)
        problem = unusable or coerce.plain_problem(text)
        value, wrong = (None, problem) if problem or path is None else coerce.coerce_text(path, text)
        if wrong or path is None:
            shown = format_path(path) if path is not None and not problem else printable(dotted)
            problems.append(error("MLCC033", f"{printable(origin)}: {wrong}", path=shown, hint=_hint(dotted, unusable)))
        else:
            found[path] = (value, origin)
    return _assembled(found, Source.OPTION, problems)


def _unusable(dotted: str, path: Path | None) -> str:
    """Why a path cannot be set, or ''."""
    if path is None or path[0] in STRUCTURE or keys.find(path) is None:
        return f"{quoted(dotted)} is not a key of mlcc.yaml"
    for at, segment in enumerate(path):
        if isinstance(segment, Item):
            if segment.name.isdecimal():
                return f"{quoted(dotted)} counts elements; they go by their names"
            prop = keys.find(path[:at])
            if prop is None or not prop.named or at == len(path) - 1:
                return f"{quoted(dotted)} names an element; set one of its keys, or the whole list"
    return ""


def _hint(dotted: str, problem: str) -> str:
    near = nearest(dotted, (p.name for p in keys.index().values())) if problem else ""
    near = near.replace("[]", "[NAME]").replace(".*", ".NAME")
    return f"did you mean {near}?" if near and near != dotted else "mlcc explain lists the paths" if problem else ""


def _generated(request: Request) -> Iterable[tuple[str, str, str]]:
    for dotted, text in (request.options or {}).items():
        prop = keys.find(parse_path(dotted) or ())
        yield (str(prop.meta.get("option")) if prop is not None else dotted), dotted, text


def _assembled(found: Mapping[Path, tuple[Any, str]], source: Source, problems: list[Finding]) -> Read:
    """One layer of leaves with an origin each, checked against the schema like any document."""
    if not found:
        return None, problems
    for path in found:
        above = next((p for p in sections(path) if p in found), None)
        if above is not None:
            message = f"{format_path(above)} and {format_path(path)} are both set, and one holds the other"
            return None, [*problems, error("MLCC033", message, path=format_path(path), hint="set one of them")]
    root = nested({path: value for path, (value, _) in found.items()})
    origins = ", ".join(sorted({o for _, o in found.values()}))
    label = origins if len(found) == 1 else source.label
    layer = node_layer(source, root, label)
    read = document.check_tree(layer.root, label, partial=True, overlays=False)
    problems = [*problems, *read.findings]
    # what is valid in it is checked all the same: every mistake is shown at once
    return (layer if read.ok else layer._replace(root=read.sound)), problems
