"""Every key of mlcc.yaml is of use: it changes what is rendered or called, or a finding names it, or a reason is listed.

That a value stands in mlcc.lock and do/config proves nothing: both carry whatever is written.  So of the tree only the
other files count, and of the steps what their `--dry-run` would call.  key_reasons.yaml has what comes with a key, and
why some keys change nothing.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc import lifecycle, pipeline
from mlcc.core.errors import MlccError
from mlcc.core.findings import Severity
from mlcc.io.schema import keys
from mlcc.io.schema.keys import Property
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import unrendered
from mlcc.lifecycle.targets.sagemaker import desired, facts
from mlcc.load.request import Request
from mlcc.registries.loader import load
from mlcc.resolve.project import Project
from tests.functional.test_all_configs import TARGETS
from tests.helpers import needed
from tests.stress.faults import FULL

KNOWN = load()
DATA: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "key_reasons.yaml").read_text())
CONFIGS = ("http-fastapi", "transformers-vllm", "triton-onnxruntime")
PAIRS = [(c, t) for c in CONFIGS for t in KNOWN.targets if t not in KNOWN.deployment_configs[c].not_on]
# The two that most projects are; all pairs in `make stress`, for they take a minute.
FEW = {"async-inference": 0, "realtime-inference": 1}
CHOSEN = PAIRS if FULL else [(CONFIGS[number], target) for target, number in FEW.items()]
STEPS = ("deploy", "submit", "build", "push", "test", "run")
VALUES = ("do/config", "do/env/", "do/ic/", "do/adapters/", "mlcc.lock")
# Other values than the examples, so that each of them changes something.
END = {"kind": "CONTROL_SEQUENCE_END", "fp32_false_true": [0, 2]}
# What an element of a list must say besides the key that is tried.
ELEMENTS: dict[str, dict[str, Any]] = {
    "inference_components": {"name": "a"},
    "adapters": {"name": "legal", "artifact_url": "s3://bucket/legal.tar.gz"},
    "triton.models": {"name": "wine"},
    "triton.models.[].inputs": {"name": "x", "data_type": "TYPE_FP32", "dims": [4]},
    "triton.models.[].outputs": {"name": "y", "data_type": "TYPE_FP32", "dims": [1]},
    "triton.models.[].instance_group": {"count": 1},
    "triton.models.[].instance_group.[].rate_limiter.resources": {"name": "R9"},
    "triton.models.[].instance_group.[].secondary_devices": {"kind": "KIND_NVDLA"},
    "triton.models.[].ensemble_scheduling.step": {
        "model_name": "wine",
        "input_map": {"x": "a"},
        "output_map": {"y": "b"},
    },
    "triton.models.[].sequence_batching.control_input": {"name": "END", "control": [END]},
    "triton.models.[].sequence_batching.control_input.[].control": END,
    "triton.models.[].sequence_batching.state": {
        "input_name": "i",
        "output_name": "o",
        "data_type": "TYPE_INT32",
        "dims": [9],
    },
    "triton.models.[].sequence_batching.state.[].initial_state": {"data_type": "TYPE_INT32", "dims": [9]},
    "triton.models.[].optimization.cuda.graph_spec": {"batch_size": 3},
    "triton.models.[].optimization.execution_accelerators.gpu_execution_accelerator": {"name": "other"},
    "triton.models.[].optimization.execution_accelerators.cpu_execution_accelerator": {"name": "other"},
    "triton.models.[].model_warmup": {
        "name": "zeros",
        "batch_size": 1,
        "inputs": {"x": {"data_type": "TYPE_FP32", "dims": [4], "zero_data": True}},
    },
}


# Names in a map that has names of its own kind; NAME in all others.
NAMES = {"triton.models.[].dynamic_batching.priority_queue_policy": "1"}


def leaves() -> list[Property]:
    """Keys that hold a value: no sections, and no elements of lists of plain values."""
    known = keys.index()
    above = {path[:-1] for path in known if path[-1] != "[]" or any(p[:-1] == path for p in known)}
    return [p for path, p in known.items() if path not in above and path[-1] != "[]" and path[0] not in DATA["apart"]]


def base(config: str, target: str) -> dict[str, Any]:
    head = (
        f"version: 1\nproject: {{name: demo}}\ndeployment: {{config: {config}, target: {target}, region: us-east-1}}\n"
    )
    text = head + needed(config) + TARGETS.get(target, "")
    text += "hyperpod: {cluster: ml-cluster}\n" if target == "hyperpod-eks" else ""
    return dict(yaml.safe_load(text))


def put(document: dict[str, Any], path: tuple[str, ...], value: Any, with_value: bool) -> None:
    """Sets a key, or only makes the elements that it stands in."""
    here: Any = document
    for number, word in enumerate(path):
        if word == "[]":
            here = here[0] if here else here.append(copy.deepcopy(ELEMENTS[".".join(path[:number])])) or here[0]
            continue
        name = NAMES.get(".".join(path[:number]), "NAME") if word == "*" else word
        if number == len(path) - 1:
            if with_value:
                here[name] = value
        else:
            listed = path[number + 1] == "[]"
            if not with_value and not listed and "[]" not in path[number:]:
                return
            here = here.setdefault(name, [] if listed else {})


def merged(document: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(document.get(name), dict):
            merged(document[name], value)
        else:
            document[name] = value


def other(prop: Property, now: Any) -> Any:
    """A value that is allowed and is not the one of now."""
    given = DATA["values"].get(prop.name)
    found = [given] if given is not None else list(prop.schema.get("examples", ()))
    found += [True, False] if "boolean" in prop.types else [*prop.schema.get("enum", ())]
    return next(value for value in found if value != now)


@functools.cache
def read(text: str, folder: str) -> Project:
    file = Path(folder, "mlcc.yaml")
    file.write_text(text)
    return pipeline.read(file, Request())


def outputs(project: Project, folder: str) -> Iterator[tuple[str, Any]]:
    """What is made of a project, part by part."""
    assert project.default is not None
    values = {path: value.value for path, value in project.default.values.items()}
    known = unrendered(folder, project.registries, values)
    if known.target.instances and not known.target.manifests:  # what an update says, too, which no dry run shows
        yield "wanted", repr(desired.wanted(known, facts.assumed(known, "", 0.0)[0]))
    if not known.target.instances:  # a dry run shows the variables' names alone: a value may be a secret
        yield "environment", known.environment()
    for step in STEPS:
        context = Context(known, {}, Silent(), lambda _: None, lambda: 0.0, {"dry_run": True})
        try:
            yield step, json.dumps(lifecycle.STEPS[step].run(context).document, default=str)  # type: ignore[misc]
        except MlccError as problem:
            yield step, str(problem.findings)
    tree = pipeline.render(project, ["/tmp"])
    yield "tree", {path: file.data for path, file in tree.items() if not path.startswith(VALUES)}


def names_it(project: Project, name: str) -> bool:
    """Whether a finding is about a key or the section that it stands in."""
    plain = name.replace("[]", "").replace("*", "NAME")
    for finding in project.findings:
        path = "".join(part.partition("]")[2] if "]" in part else part for part in finding.path.split("["))
        if path and (plain == path or plain.startswith(f"{path}.") or path.startswith(f"{plain}.")):
            return True
    return False


def refused(project: Project) -> bool:
    """Whether there is nothing to render: with an error, nothing is ignored silently."""
    return any(f.severity is Severity.ERROR for f in project.findings)


def of_use(config: str, target: str, prop: Property, folder: str) -> bool:
    before, after = base(config, target), base(config, target)
    for document in (before, after):
        merged(document, copy.deepcopy(DATA["with"].get(prop.name, {})))
    put(before, prop.path, None, False)
    first = read(yaml.safe_dump(before), folder)
    assert first.default is not None, first.findings
    now = first.default.get(".".join(p for p in prop.path if p != "[]"))
    put(after, prop.path, other(prop, now if now is not None else prop.schema.get("default")), True)
    second = read(yaml.safe_dump(after), folder)
    if names_it(second, prop.name) or refused(first) or refused(second):
        return True
    return any(a != b for a, b in zip(outputs(first, folder), outputs(second, folder), strict=True))


@pytest.mark.parametrize(("config", "target"), CHOSEN)
def test_every_key_is_of_use(config: str, target: str, tmp_path: Path) -> None:
    without = {
        n
        for n, r in DATA["reasons"].items()
        if target in r.get("on", [target]) and config in r.get("configs", [config])
    }
    ignored = [p.name for p in leaves() if p.name not in without and not of_use(config, target, p, str(tmp_path))]
    assert ignored == []
