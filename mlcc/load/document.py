"""mlcc.yaml as a checked tree with places.  Law: bytes in, `Config` and findings out; absent stays absent.

Nothing is filled in here and nothing is looked up: what a document does not say, its `Config` does not have.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from mlcc.core.findings import Finding, Severity, has_errors
from mlcc.core.nodes import Mark, Node
from mlcc.core.paths import format_path
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, nearest, quoted
from mlcc.core.values import Source
from mlcc.io.schema import keys, validator
from mlcc.io.schema.validator import Where
from mlcc.io.yaml import reader
from mlcc.load.layers import DEFAULT_ENVIRONMENT, NOTHING, STRUCTURE, Layer, leaves

# Folders beside mlcc.yaml: no other document, option or variable can name them.
OWN_ONLY = ("registries", "policies")
_SHOWN = 60


class Config(NamedTuple):
    """A read document.

    file: as the user named it; root: its tree (an empty mapping when it could not be read); findings: all that is
    wrong with it; sound: the tree without what is wrong in it, so that the rest can still be checked.
    """

    file: str
    root: Node
    findings: tuple[Finding, ...]
    sound: Node = NOTHING

    @property
    def ok(self) -> bool:
        """True when no finding is an error."""
        return not has_errors(self.findings)

    @property
    def readable(self) -> bool:
        """False when nothing at all is known of what the document says."""
        return self.sound is not NOTHING

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of the overlays, in the order written."""
        node = self.root.get("environments")
        return tuple(node.value) if node is not None and node.is_map else ()

    @property
    def extends(self) -> str:
        """The file that this one stands on, as written, or an empty string."""
        node = self.root.get("extends")
        return str(node.value) if node is not None else ""

    def texts(self, key: str) -> tuple[tuple[str, Mark], ...]:
        """The elements of a top-level list of texts (`registries`, `policies`), with their places."""
        node = self.root.get(key)
        return tuple((str(n.value), n.mark) for n in node.value) if node is not None and node.is_list else ()


def load_document(data: bytes, file: str, *, partial: bool = False, overlays: bool = True) -> Config:
    """Reads and checks one document in mlcc.yaml's shape.

    data: the file's bytes; file: its name in messages; partial: a layer (an extends base, --config FILE) that need
    not be complete; overlays: whether `environments` may stand in it.
    """
    loaded = reader.load_yaml(data, file)
    if loaded.root is None:
        return Config(file, Node({}, Mark(file, 1, 1)), loaded.findings)
    return check_tree(loaded.root, file, loaded.findings, partial=partial, overlays=overlays)


def _clean(text: str) -> str:
    """A text without secrets; asked for only where something is wrong."""
    from mlcc.registries.redaction import redact_text

    return redact_text(text)


def check_tree(
    root: Node, file: str, findings: tuple[Finding, ...] = (), *, partial: bool = False, overlays: bool = True
) -> Config:
    """The same for a tree that was read elsewhere (a TOML table, options)."""
    if not root.is_map:
        problem = _problem("MLCC022", root.mark, "", "the document is not a mapping of keys to values")
        return Config(file, Node({}, root.mark), (*findings, problem))
    wrong = validator.document_errors(root, keys.MLCC_YAML, partial=partial, clean=_clean)
    found = [*findings, *dict.fromkeys(finding for _, finding in wrong)]
    # beyond the limit nobody knows what else is wrong
    sound = _without(root, {path for path, _ in wrong}) if len(wrong) < validator.MAX_FINDINGS else NOTHING
    if not has_errors(found):
        found.extend(_structure(root, overlays))
        found.extend(_own_only(root) if partial else ())
    return Config(file, root, tuple(found), sound)


def _without(root: Node, wrong: set[Where]) -> Node:
    """A tree without the values at the given paths; a list with a wrong element goes as a whole."""
    above = {path[:size] for path in wrong for size in range(len(path) + 1)}

    def kept(node: Node, here: Where) -> Node:
        if here not in above:
            return node
        if node.is_list:
            return Node((), node.mark, style=node.style)
        if not node.is_map:
            return node
        values = {k: kept(v, (*here, k)) for k, v in node.value.items() if (*here, k) not in wrong}
        return Node(values, node.mark, keys=node.keys, end=node.end, style=node.style)

    return kept(root, ())


def _problem(code: str, mark: Mark, path: str, message: str, hint: str = "") -> Finding:
    return Finding(code, Severity.ERROR, message, path, mark.file, mark.line, mark.column, hint)


def _structure(root: Node, overlays: bool) -> Iterator[Finding]:
    yield from _twins(root, ())
    environments = root.get("environments")
    if environments is None:
        return
    if not overlays:
        yield _problem("MLCC030", root.mark_of(("environments",)), "environments", "environments belong in mlcc.yaml")
        return
    for name, overlay in environments.value.items():
        if name == DEFAULT_ENVIRONMENT:
            mark = environments.keys[name]
            message = f"{name} is the name of the values without an overlay"
            yield _problem("MLCC035", mark, f"environments.{name}", message, "give the environment another name")
        yield from _build_keys(name, overlay)
        yield from _twins(overlay, ())


def _own_only(root: Node) -> Iterator[Finding]:
    for key in OWN_ONLY:
        if key in root.value:
            message = f"{key} names folders of the project, and belongs in mlcc.yaml itself"
            hint = "--registry FOLDER adds one to a single run" if key == "registries" else "write it there"
            yield _problem("MLCC030", root.mark_of((key,)), key, message, hint)


def _twins(root: Node, path: tuple[str | int, ...]) -> Iterator[Finding]:
    """Two elements of a named list with one name (also when only case or Unicode form differ: one file on macOS)."""
    for key, node in root.value.items():
        here = (*path, key)
        if node.is_map and key != "environments":
            yield from _twins(node, here)
        elif node.is_list and node.value and all(e.is_map for e in node.value):
            seen: dict[str, int] = {}
            for index, element in enumerate(node.value):
                name = element.get("name")
                if name is not None:
                    folded = unicodedata.normalize("NFC", str(name.value)).casefold()
                    where = format_path((*here, index, "name"))
                    if folded in seen:
                        message = f"{quoted(str(name.value), _SHOWN)} names an earlier element too"
                        yield _problem("MLCC028", name.mark, where, message, "give each element its own name")
                    seen[folded] = index
                yield from _twins(element, (*here, index))


def _build_keys(name: str, overlay: Node) -> Iterator[Finding]:
    for path, node in leaves(overlay):
        prop = keys.find(path)
        if prop is not None and prop.phase == "build":
            where = f"environments.{name}.{format_path(path)}"
            message = f"{format_path(path)} changes what is built, and one tree serves all environments"
            hint = "make two projects (two mlcc.yaml files), or set it at the top for all environments"
            yield _problem("MLCC031", node.mark, where, message, hint)


def document_layers(config: Config, env: str | None) -> list[Layer]:
    """The file's own layer, with the overlay `env` above it when one is chosen (it must be known: `environment`)."""
    root = config.root if config.ok else config.sound
    own = {k: v for k, v in root.value.items() if k not in STRUCTURE and not k.startswith("x-")}
    found = [Layer(Source.FILE, Node(own, root.mark, keys=root.keys))]
    if env:
        overlay = root.get("environments", env)
        if overlay is not None:
            found.insert(0, Layer(Source.OVERLAY, overlay))
    return found


def unknown_environment(config: Config, env: str) -> list[Finding]:
    """A finding when `env` is not one of the file's environments."""
    if env in config.environments:
        return []
    near = nearest(env, config.environments)
    known = allowed(config.environments) if config.environments else "none (add it under environments:)"
    hint = (f"did you mean {near}? " if near else "") + f"known: {known}"
    mark = config.root.mark_of(("environments",))
    return [_problem("MLCC032", mark, "environments", f"no environment is called {quoted(env, _SHOWN)}", hint)]
