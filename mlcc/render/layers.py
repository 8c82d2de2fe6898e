"""The layers of a rendered project: which files each has, who owns them, and which paths can be rendered."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import quoted
from mlcc.core.tree import MANAGED
from mlcc.io import packaged
from mlcc.registries.loader import Registries
from mlcc.registries.rows import Architecture, Target
from mlcc.render import triton_files
from mlcc.resolve.hyperpod import manifests


def producible(registries: Registries, roots: Sequence[str] = ()) -> Producible:
    """Every path that some layer can render.  roots: folders of plugins' layers."""

    def every() -> tuple[list[str], set[str]]:
        names = {COMMON, *(r.layer for r in registries.architectures.values())}
        names |= {r.layer for r in registries.targets.values()} - {""}
        steps = {step for row in registries.architectures.values() for step in row.steps}
        return [layer_path(name, roots) for name in sorted(names)], steps

    return Producible(every)


TEMPLATE_SUFFIX = ".j2"
COMMON = "common"


class FileRule(NamedTuple):
    """How a layer's file is owned.

    owner: managed or seed; mode: permission bits; switch: what must hold for it to be there; expand: the context
    list whose elements name the copies of the file; optional: rendered only where a deployment config lists it.
    """

    owner: str = MANAGED
    mode: int = 0o644
    switch: str = ""
    expand: str = ""
    optional: bool = False


class LayerInfo(NamedTuple):
    """A cookiecutter layer: its folder, the rules of its files, and what is copied without rendering.

    retired: paths that earlier releases of the layer rendered, so that they can still be taken away.
    """

    path: str
    files: Mapping[str, FileRule]
    verbatim: tuple[str, ...]
    retired: tuple[str, ...] = ()


def layer_info(path: str) -> LayerInfo:
    """Reads a layer's cookiecutter.json."""
    with open(os.path.join(path, "cookiecutter.json"), encoding="utf-8") as stream:
        document = json.load(stream)
    rules = {
        name: FileRule(
            rule.get("owner", MANAGED),
            int(rule.get("mode", "0644"), 8),
            rule.get("switch", ""),
            rule.get("expand", ""),
            rule.get("optional", False),
        )
        for name, rule in document["_mlcc"]["files"].items()
    }
    retired = tuple(document["_mlcc"].get("retired", ()))
    return LayerInfo(path, rules, tuple(document.get("_copy_without_render", ())), retired)


def layer_paths(architecture: Architecture | None, target: Target | None, roots: Sequence[str] = ()) -> list[str]:
    """Folders of the layers of a project, in order.  roots: folders of plugins' layers, besides the packaged ones."""
    names = [COMMON]
    names += [row.layer for row in (architecture, target) if row is not None and row.layer]
    return [layer_path(name, roots) for name in names]


def layer_path(name: str, roots: Sequence[str] = ()) -> str:
    """A layer's folder.  Raises UserError when neither mlcc nor a plugin has it."""
    for root in (packaged.path("cookiecutters"), *roots):
        path = os.path.join(root, *name.split("/"))
        if os.path.exists(os.path.join(path, "cookiecutter.json")):
            return path
    message = f"a registry row names the layer {quoted(name)}, which nobody brings"
    raise UserError([error("MLCC405", message, hint="mend the row's `layer`, or install the plugin that has it")])


# ---------------------------------------------------------------- what could be rendered at all
_NAME = r"[a-z0-9](?:-?[a-z0-9])*"
_CONF = re.compile(rf"do/(?:config|env/{_NAME}\.conf|ic/{_NAME}\.conf|adapters/{_NAME}\.conf)\Z")


def is_conf(path: str) -> bool:
    """True for the files that hold `export NAME='value'` lines."""
    return bool(_CONF.match(path))


class Producible:
    """Whether some layer can render a path, or once did: nothing else is ever deleted or recovered."""

    def __init__(self, every: Callable[[], tuple[Iterable[str], Iterable[str]]]) -> None:
        """every: folders of all layers, and names of all do/ steps there are; called when the first path is asked for.

        A first apply asks for none.
        """
        self._every = every

    @functools.cached_property
    def _paths(self) -> set[str]:
        layers, steps = self._every()
        infos = [layer_info(path) for path in layers]
        return {f"do/{step}" for step in steps}.union(*((*info.files, *info.retired) for info in infos))

    def __call__(self, path: str) -> bool:
        """True for a path that a layer or the conf writer produces."""
        return (
            path in self._paths
            or bool(_CONF.match(path))
            or triton_files.is_rendered(path)
            or manifests.is_manifest(path)
        )
