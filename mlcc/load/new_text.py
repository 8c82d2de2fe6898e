"""The text of a new mlcc.yaml.  Law: what is given stands live, the usual next keys as comments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.paths import Path, nested
from mlcc.core.text import printable
from mlcc.io.schema import keys, validator
from mlcc.io.yaml.writer import emit
from mlcc.registries.rows import DeploymentConfig

# A text in double quotes with quotes in it, and nothing else that single quotes would not hold.
_ESCAPED = re.compile(r"""([ a-z_]+: )"((?:[ !#-&(-\[\]-~]|\\")*)"\Z""")
_QUOTE = '\\"'
MODELINE = "# yaml-language-server: $schema=https://mlcc.dev/schemas/v1/mlcc.schema.json"


def text(values: Mapping[Path, Any], row: DeploymentConfig, hub: bool, comments: Sequence[str] = ()) -> str:
    """A whole file.

    values: by path, checked; row: of the deployment config; hub: its models come from the Hub; comments: lines of its
    own for the end, without the mark of a comment.
    """
    sections = {"project": {}, "deployment": {}} | nested(values)
    lines = [MODELINE, "# What this project serves, and where. `mlcc apply` renders it; commit both.", "version: 1", ""]
    for key, body in sections.items():
        lines += [f"# {_words(key)}", *map(_readable, emit({key: body})), *_more(key, body, row), ""]
    for key in ("model", "env", "environments"):
        if key not in sections:
            lines += [*_commented(key, row, hub), ""]
    lines += [f"# {printable(line, 500)}" for line in comments]
    return "\n".join(lines).rstrip("\n") + "\n"


def _commented(key: str, row: DeploymentConfig, hub: bool) -> list[str]:
    """A section that is not given, as a comment."""
    if key == "env":
        usual = row.example_env or {"NAME": "value"}
        return ["# Environment of the container.", "# env:", *(f"#   {name}: {value}" for name, value in usual.items())]
    return _HUB_MODEL if key == "model" and hub else _COMMENTED[key]


def _readable(line: str) -> str:
    """A line of a JSON text in single quotes, in which a person can edit it."""
    found = _ESCAPED.match(line)
    text = found[2].replace(_QUOTE, '"') if found else ""
    return f"{found[1]}'{text}'" if found else line


def _words(key: str) -> str:
    return str(validator.load_schema(keys.MLCC_YAML)["properties"][key].get("description", key))


def _more(key: str, body: Mapping[str, object], row: DeploymentConfig) -> list[str]:
    if key != "deployment":
        return []
    usual = row.defaults.get("deployment", "instance_type")
    hints = {"instance_type": str(usual.value) if usual is not None else "ml.m5.xlarge", "region": "us-east-1"}
    return [f"  # {name}: {value}" for name, value in hints.items() if name not in body]


_HUB_MODEL = [
    "# The model; an engine has no sample.",
    "# model:",
    "#   name: Qwen/Qwen3-0.6B    # an id of the Hugging Face Hub, or s3://bucket/prefix/",
]
_COMMENTED = {
    "model": [
        "# The model; without it the sample model is trained by do/build and served.",
        "# model:",
        "#   name: ./model        # a folder of this project, or s3://bucket/prefix/",
        "#   format: joblib",
    ],
    "environments": [
        "# What differs elsewhere: mlcc diff --env default prod",
        "# environments:",
        "#   prod:",
        "#     deployment: {instance_count: 2}",
    ],
}
