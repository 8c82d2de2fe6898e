"""Resolved values to the desired tree.  Law: the only importer of cookiecutter; writes nowhere but private staging.

Three disjoint layers (common, architecture, target) are rendered one by one, each into a staging directory of its own,
by `generate_files` alone: cookiecutter's main entry point evaluates values, runs hooks and leaves a replay file in the
home directory.  Names in the staging tree are ours; no user's value is ever a path or a template there.  What holds
users' free text (do/config and its like) is written by code, quoted, not by a template.
"""

from __future__ import annotations

import functools
import glob
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mlcc import conf, lean, resources, secret_refs, triton
from mlcc.compiled import Compiled
from mlcc.context import ROOT, context
from mlcc.diagnostics import error, printable, quoted
from mlcc.errors import UserError
from mlcc.registries.types import Architecture, Target
from mlcc.resolve import Resolved
from mlcc.tree import MANAGED, Rendered, Tree
from mlcc.values import Item, Source

TEMPLATE_SUFFIX = ".j2"
COMMON = "common"
GENERATOR = ("cookiecutter.generate", "cookiecutter.extensions")
# What cookiecutter's generator takes from modules that only ask people things; rendering never does.
QUESTIONNAIRE = {"rich.prompt": ["InvalidResponse"], "cookiecutter.prompt": ["YesNoPrompt"]}
COMPILED = Compiled()
_SAFE_STAGING = re.compile(r"[A-Za-z0-9/_.-]+\Z")


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
    """A cookiecutter layer: its folder, the rules of its files, and what is copied without rendering."""

    path: str
    files: Mapping[str, FileRule]
    verbatim: tuple[str, ...]


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
    return LayerInfo(path, rules, tuple(document.get("_copy_without_render", ())))


def layer_paths(architecture: Architecture | None, target: Target | None, roots: Sequence[str] = ()) -> list[str]:
    """Folders of the layers of a project, in order.  roots: folders of plugins' layers, besides the packaged ones."""
    names = [COMMON]
    names += [row.layer for row in (architecture, target) if row is not None and row.layer]
    return [layer_path(name, roots) for name in names]


def layer_path(name: str, roots: Sequence[str] = ()) -> str:
    """A layer's folder.  Raises UserError when neither mlcc nor a plugin has it."""
    for root in (resources.path("cookiecutters"), *roots):
        path = os.path.join(root, *name.split("/"))
        if os.path.exists(os.path.join(path, "cookiecutter.json")):
            return path
    message = f"a registry row names the layer {quoted(name)}, which nobody brings"
    raise UserError([error("MLCC405", message, hint="mend the row's `layer`, or install the plugin that has it")])


# ---------------------------------------------------------------- rendering
def render(default: Resolved, environments: Mapping[str, Resolved], staging: str, roots: Sequence[str] = ()) -> Tree:
    """The desired tree of a project.

    default: the default environment, with every row selected and no error among its findings; environments: the
    overlays by name; staging: an empty private directory whose path holds only letters, digits and `/_.-`; roots:
    folders of plugins' layers.
    """
    rows = default.rows
    every = (default, *environments.values())
    secrets = any(secret_refs.variables({p: v.value for p, v in one.values.items()}) for one in every)
    values = context(default, secrets)
    optional = set(rows.config.files) if rows.config is not None else set()
    switches = {
        "sample_model": values["sample"],
        "tests": default.get("seed_files.tests", True),
        "requirements": values["requirements"],
        "serve": values.get("style") == "serve",
        "front": values.get("front"),
        "chat_template": values.get("chat_template"),
        "secrets": secrets,
    }
    tree: dict[str, Rendered] = {}
    for number, path in enumerate(layer_paths(rows.architecture, rows.target, roots)):
        layer = layer_info(path)
        for name, data in _generate(layer, values, os.path.join(staging, f"layer{number}")).items():
            rule = layer.files[name]
            if (rule.optional and name not in optional) or (rule.switch and not switches[rule.switch]):
                continue
            for target in _expanded(name, rule, values):
                assert target not in tree, f"two layers render {target}"
                tree[target] = Rendered(data, rule.mode, rule.owner)
    tree |= conf_files(default, environments)
    return dict(sorted(tree.items()))


def _expanded(name: str, rule: FileRule, values: Mapping[str, Any]) -> list[str]:
    if not rule.expand:
        return [name]
    folder = name.rpartition("/")[0]
    return [f"{folder}/{word}" for word in values[rule.expand]]


def _generate(layer: LayerInfo, values: Mapping[str, Any], staging: str) -> dict[str, bytes]:
    """Renders one layer into `staging` and reads it back."""
    lean.load(GENERATOR, QUESTIONNAIRE, packages=["cookiecutter"], lazy=["arrow"])
    from cookiecutter.generate import generate_files

    assert _SAFE_STAGING.match(staging), "cookiecutter renders the output path too"
    os.makedirs(staging)
    private = {k: v for k, v in values.items() if not k.startswith("_")}
    private["_copy_without_render"] = [glob.escape(name) for name in layer.verbatim]
    private["_jinja2_env_vars"] = {"bytecode_cache": COMPILED}
    try:
        generate_files(repo_dir=layer.path, context={"cookiecutter": private}, output_dir=staging, accept_hooks=False)
        return dict(_read_back(os.path.join(staging, ROOT)))
    except OSError as problem:
        if not isinstance(problem, LookupError):
            raise
        # Jinja's word for a template that is not there is both
        message = f"the layer {printable(os.path.basename(layer.path))} has no template {quoted(str(problem), 100)}"
        hint = (
            "a registry row names a backend or framework that the layer does not know; mlcc catalog lists those it does"
        )
        raise UserError([error("MLCC405", message, hint=hint)]) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _read_back(root: str) -> Iterable[tuple[str, bytes]]:
    for folder, _, files in os.walk(root):
        for name in files:
            full = os.path.join(folder, name)
            with open(full, "rb") as stream:
                yield os.path.relpath(full, root).replace(os.sep, "/").removesuffix(TEMPLATE_SUFFIX), stream.read()


def conf_files(default: Resolved, environments: Mapping[str, Resolved]) -> dict[str, Rendered]:
    """What is written by code: do/config and the .conf files, and a Triton repository's own files."""
    plain = default.rows.architecture.env_prefixes if default.rows.architecture is not None else ()
    values = {p: v.value for p, v in default.values.items()}
    files = {"do/config": conf.config(values, plain)}
    overlays = {name: {p: v.value for p, v in r.values.items()} for name, r in environments.items()}
    for name, resolved in overlays.items():
        files[f"do/env/{name}.conf"] = conf.overlay(values, resolved, plain)
    for name in _everywhere(conf.components, values, overlays):
        if not _implied(default, name):
            files[f"do/ic/{name}.conf"] = conf.component(values, name, plain) or _disabled("IC", name)
    for name in _everywhere(conf.adapters, values, overlays):
        files[f"do/adapters/{name}.conf"] = conf.adapter(values, name) or _disabled("ADAPTER", name)
    texts = triton.files(values, default.rows.backends)
    return {path: Rendered(conf.render(variables)) for path, variables in files.items()} | {
        path: Rendered(text.encode()) for path, text in texts.items()
    }


def _implied(default: Resolved, name: str) -> bool:
    """True for the component that nobody wrote down: all it has are defaults, and no file is needed to say so."""
    prefix = ("inference_components", Item(name))
    own = [v for p, v in default.values.items() if p[:2] == prefix]
    return bool(own) and all(v.source is Source.DEFAULT for v in own)


def _disabled(kind: str, name: str) -> dict[str, str]:
    """What the default environment says of an element that only an overlay has."""
    return {f"{kind}_NAME": name, f"{kind}_ENABLED": "false"}


def _everywhere(listing: Any, values: Mapping[Any, Any], overlays: Mapping[str, Mapping[Any, Any]]) -> list[str]:
    found = list(listing(values))
    for resolved in overlays.values():
        found += listing(resolved)
    return sorted(dict.fromkeys(found))


# ---------------------------------------------------------------- what could be rendered at all
_NAME = r"[a-z0-9](?:-?[a-z0-9])*"
_CONF = re.compile(rf"do/(?:config|env/{_NAME}\.conf|ic/{_NAME}\.conf|adapters/{_NAME}\.conf)\Z")


def is_conf(path: str) -> bool:
    """True for the files that hold `export NAME='value'` lines."""
    return bool(_CONF.match(path))


class Producible:
    """Whether some layer can render a path: nothing else is ever deleted or recovered."""

    def __init__(self, every: Callable[[], tuple[Iterable[str], Iterable[str]]]) -> None:
        """every: folders of all layers, and names of all do/ steps there are; called when the first path is asked for.

        A first apply asks for none.
        """
        self._every = every

    @functools.cached_property
    def _paths(self) -> set[str]:
        layers, steps = self._every()
        return {f"do/{step}" for step in steps}.union(*(layer_info(path).files for path in layers))

    def __call__(self, path: str) -> bool:
        """True for a path that a layer or the conf writer produces."""
        return path in self._paths or bool(_CONF.match(path)) or triton.is_rendered(path)


def staging_parent(candidates: Iterable[str]) -> str | None:
    """The first of the given directories in which a staging directory may be made."""
    for candidate in candidates:
        if candidate and _SAFE_STAGING.match(candidate) and os.access(candidate, os.W_OK | os.X_OK):
            return candidate
    return None
