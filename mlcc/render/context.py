"""What templates see: one flat mapping.  Law: computed here, so templates compute nothing; packaged data only."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.core.version import VERSION
from mlcc.io import packaged
from mlcc.registries.engine_rows import Engine
from mlcc.render import engine_file, triton_files
from mlcc.resolve import secret_variables
from mlcc.resolve.engine import options
from mlcc.resolve.requirements import joined
from mlcc.resolve.result import Resolved

ROOT = "project"
# What no value in a Dockerfile, in Python or in a file's name holds.  mlcc.yaml's schema says so of each of its keys;
# rows of a stranger's registry are held to it here, whatever their schemas let pass.
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\"'\\`$#%;&|{}]")
# Texts that are written as a whole by code (a JSON document, a Python literal), or that are a file of their own.
WRITTEN = ("engine_json", "entrypoint", "sample_payload", "chat_template")


_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


# Steps that only one way of building has.
STRATEGIES = {"submit": "codebuild-submit"}


def template_context(resolved: Resolved, secrets: bool = False, lacks: Collection[str] | None = None) -> dict[str, Any]:
    """The flat context of every template: validated values and lists, computed here so that templates need not.

    secrets: whether the container reads secrets when it starts, in any environment; lacks: steps that no environment's
    target has (None: those of this one's).
    """
    rows = resolved.rows
    assert rows.config is not None
    assert rows.architecture is not None
    assert rows.target is not None
    framework, version = rows.framework, rows.version
    model_path, model_file = _model_files(resolved)
    packages = {*rows.config.system_packages, *resolved.get("build.system_packages", ())}
    sample = framework.sample if framework is not None else {}
    values = {
        "root": ROOT,
        "mlcc_version": VERSION,
        "project_name": resolved.get("project.name"),
        "deployment_config": rows.config.name,
        "architecture": rows.architecture.name,
        "backend": rows.config.backend,
        "target": rows.target.name,
        "framework": framework.name if framework is not None else "",
        "framework_version": version.name if version is not None else "",
        "base_image": resolved.get("framework.base_image", ""),
        "model_format": resolved.get("model.format", ""),
        "model_file": model_file,
        "model_path": model_path,
        "port": rows.architecture.container.get("port", 8080),
        "requirements": [*joined(rows.requirements, resolved.get("build.requirements", ())).lines],
        "system_packages": sorted(packages),
        "sample": bool(model_path) and model_path == rows.architecture.sample,
        "sample_payload": python_literal(_payload(resolved) or str(sample.get("payload", ""))),
        "steps": _steps(resolved, lacks),
        "build_secrets": secret_variables.build_names({p: v.value for p, v in resolved.values.items()}),
        **_entry(resolved, secrets),
        **_engine(resolved),
        **triton_files.context({p: v.value for p, v in resolved.values.items()}, rows),
    }
    guarded = {key: value for key, value in values.items() if key not in WRITTEN}
    for key, text in _texts(guarded):
        if FORBIDDEN.search(text):
            message = f"a registry row's {key} is {quoted(text, 80)}, which no file of a project can hold"
            hint = "plain names, paths and versions: without quotes, line ends and signs of the shell"
            raise UserError([error("MLCC406", message, hint=hint)])
    return values


def _steps(resolved: Resolved, lacks: Collection[str] | None) -> list[str]:
    """The do/ steps of the architecture that a target has, and that the build strategy needs."""
    architecture, target, strategy = resolved.rows.architecture, resolved.rows.target, resolved.get("build.strategy")
    without = lacks if lacks is not None else target.lacks if target is not None else ()
    steps = architecture.steps if architecture is not None else ()
    return [step for step in steps if STRATEGIES.get(step, strategy) == strategy and step not in without]


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, with the key at the top that it stands below."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, child in value.items():
            yield key or name, name
            yield from _texts(child, key or name)
    elif isinstance(value, (list, tuple)):
        for child in value:
            yield from _texts(child, key)


def python_literal(text: str) -> str:
    """A text as Python writes it, in double quotes where it holds none."""
    literal = repr(text)
    return f'"{literal[1:-1]}"' if literal.startswith("'") and '"' not in text else literal


def _payload(resolved: Resolved) -> str:
    """The configuration's own request as JSON: what the contract test can send and check; empty for other types."""
    text = str(resolved.get("test.payload") or "")
    if str(resolved.get("test.content_type")).partition(";")[0].strip().lower() == "text/csv":
        return _rows_of_csv(text)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return text


def _rows_of_csv(text: str) -> str:
    """Lines of CSV as the rows of a JSON request; the first is a header where it alone has no number."""
    try:
        lines = [[_cell(cell) for cell in line] for line in csv.reader(io.StringIO(text), strict=True) if line]
    except csv.Error:
        return ""
    numbers = [any(isinstance(cell, (int, float)) for cell in line) for line in lines]
    if len({*map(len, lines)}) != 1:
        return ""
    named = not numbers[0] and any(numbers)
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]] if named else lines
    return json.dumps({"instances": rows})


def _cell(text: str) -> str | int | float | None:
    """A cell of CSV as a server reads it: a number, a text, or nothing."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() and "." not in text else number
    return text or None


def _engine(resolved: Resolved) -> dict[str, Any]:
    """What the templates of serving engines see: how the engine is started, and the model's chat template."""
    rows = resolved.rows
    if rows.engine is None:
        return {
            "engine": "", "engine_json": "{}", "style": "", "front": False, "chat_template": "",
            "chat_template_file": "",
        }  # fmt: skip
    known = options.at_version(rows.options, rows.engine_version) if rows.options is not None else None
    return {
        "engine": rows.engine.name,
        "engine_json": engine_file.engine_document(rows.engine, rows.engine_version, known),
        "style": rows.engine.style,
        "front": bool(rows.engine.routes),
        "chat_template": _chat_template(resolved),
        "chat_template_file": "/".join(_parts(str(resolved.get("model.chat_template_file", "")))),
    }


OWN_PROGRAM, WITH_SECRETS = "/opt/program/serve", "/opt/program/with_secrets"


def entrypoint(engine: Engine | None, secrets: bool) -> tuple[tuple[str, ...], bool]:
    """What the image starts, and whether that is the base image's own entry point.

    engine: the row of the serving engine, None for a server of mlcc's own; secrets: whether the container reads secrets
    when it starts, in any environment.
    """
    theirs = engine is not None and engine.style == "image"
    program = engine.entrypoint if theirs and engine is not None else (OWN_PROGRAM,)
    return (*([WITH_SECRETS] if secrets else []), *program), theirs and not secrets


def _entry(resolved: Resolved, secrets: bool) -> dict[str, Any]:
    """The image's entry point as JSON, empty where it stays the base image's own; whether code/ is in the image."""
    words, theirs = entrypoint(resolved.rows.engine, secrets)
    own_code = not theirs or bool(_chat_template(resolved))
    return {"entrypoint": "" if theirs else json.dumps(words), "own_code": own_code}


def _parts(path: str) -> list[str]:
    """The words of a relative path, without `.` and empty ones."""
    return [part for part in path.split("/") if part not in ("", ".")]


def _chat_template(resolved: Resolved) -> str:
    """The text of the chat template: the configuration's own (a text, or a packaged one's name), else the row's."""
    own, model = str(resolved.get("model.chat_template", "")), resolved.rows.model
    if own or resolved.get("model.chat_template_file") or model is None or not model.requires_template:
        return _packaged(own) or own
    return _packaged(model.chat_template)


def _packaged(name: str) -> str:
    """A template of the registries by its name; an empty text when none is called so."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", name):
        return ""
    path = packaged.path("registries", "chat_templates", f"{name}.jinja")
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8") as stream:
        return stream.read().rstrip("\n")


def _model_files(resolved: Resolved) -> tuple[str, str]:
    """The folder (or file) below the project that is copied into the image, and the artifact's file name."""
    rows = resolved.rows
    form = resolved.get("model.format", "")
    usual = rows.framework.formats.get(form, "") if rows.framework is not None else ""
    name = str(resolved.get("model.name", ""))
    if not name:
        seeded = resolved.get("seed_files.sample_model", True)
        return (rows.architecture.sample if rows.architecture is not None and seeded else ""), usual
    if not name.startswith("./"):
        return "", usual
    path = "/".join(_parts(name))
    last = path.rpartition("/")[2]
    is_file = "." in usual and "." in last and last.rpartition(".")[2] == usual.rpartition(".")[2]
    return path, (last if is_file else usual)
