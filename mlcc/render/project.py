"""Resolved values to the desired tree.  Law: writes nowhere but private staging, by `generator` alone.

Three disjoint layers (common, architecture, target) are rendered one by one, each into a staging directory of its own,
by `generate_files` alone: cookiecutter's main entry point evaluates values, runs hooks and leaves a replay file in the
home directory.  Names in the staging tree are ours; no user's value is ever a path or a template there.  What holds
users' free text (do/config and its like) is written by code, quoted, not by a template.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.paths import Item
from mlcc.core.tree import Rendered, Tree
from mlcc.core.values import Source
from mlcc.render import conf_lines, conf_values, manifest_files, triton_files
from mlcc.render.context import template_context
from mlcc.render.generator import generate
from mlcc.render.layers import FileRule, layer_info, layer_paths
from mlcc.resolve import secret_variables
from mlcc.resolve.result import Resolved


# ---------------------------------------------------------------- rendering
def render_project(
    default: Resolved, environments: Mapping[str, Resolved], staging: str, roots: Sequence[str] = ()
) -> Tree:
    """The desired tree of a project.

    default: the default environment, with every row selected and no error among its findings; environments: the
    overlays by name; staging: an empty private directory whose path holds only letters, digits and `/_.-`; roots:
    folders of plugins' layers.
    """
    rows = default.rows
    every = (default, *environments.values())
    secrets = any(secret_variables.variables({p: v.value for p, v in one.values.items()}) for one in every)
    targets = [one.rows.target for one in every if one.rows.target is not None]
    lacks = frozenset.intersection(*(frozenset(target.lacks) for target in targets))
    values = template_context(default, secrets, lacks)
    optional = set(rows.config.files) if rows.config is not None else set()
    switches = {
        "sample_model": values["sample"],
        "tests": default.get("seed_files.tests", True),
        "requirements": values["requirements"],
        "serve": values.get("style") == "serve",
        "front": values.get("front"),
        "chat_template": values.get("chat_template"),
        "secrets": secrets,
        "codebuild": "submit" in values["steps"],
    }
    tree: dict[str, Rendered] = {}
    for number, path in enumerate(layer_paths(rows.architecture, rows.target, roots)):
        layer = layer_info(path)
        for name, data in generate(layer, values, os.path.join(staging, f"layer{number}")).items():
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


def conf_files(default: Resolved, environments: Mapping[str, Resolved]) -> dict[str, Rendered]:
    """What is written by code: do/config and the .conf files, a Triton repository's own files, and manifests."""
    plain = default.rows.architecture.env_prefixes if default.rows.architecture is not None else ()
    values = {p: v.value for p, v in default.values.items()}
    files = {"do/config": conf_values.config(values, plain)}
    overlays = {name: {p: v.value for p, v in r.values.items()} for name, r in environments.items()}
    for name, resolved in overlays.items():
        files[f"do/env/{name}.conf"] = conf_values.overlay(values, resolved, plain)
    for name in _everywhere(conf_values.components, values, overlays):
        if not all(_implied(one, name) for one in (default, *environments.values())):
            files[f"do/ic/{name}.conf"] = conf_values.component(values, name, plain) or _disabled("IC", name)
    for name in _everywhere(conf_values.adapters, values, overlays):
        files[f"do/adapters/{name}.conf"] = conf_values.adapter(values, name) or _disabled("ADAPTER", name)
    written = {path: text.encode() for path, text in manifest_files.files(default, environments).items()}
    return {path: Rendered(conf_lines.conf_text(variables)) for path, variables in files.items()} | {
        path: Rendered(data) for path, data in (triton_files.files(default) | written).items()
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
