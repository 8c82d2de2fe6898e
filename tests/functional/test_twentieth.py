"""A twentieth backend of a known architecture: one row, and for servers of mlcc's own one partial.  No Python."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers import build_tree, run_mlcc

HERE = Path()
ENGINE = """\
version: 1
kind: engines
rows:
  swift:
    title: Swift, an engine of ours
    source: https://example.org/swift
    prefix: SWIFT_
    style: serve
    command: [swift-serve]
    flags: {model: --model, host: --host, port: --port}
    names: {model.name: SWIFT_MODEL}
    typed: {max_model_len: longest, tensor_parallel_size: devices}
"""
FRAMEWORK = """\
version: 1
kind: framework
name: swift
title: Swift
engine: swift
versions:
  "1.0.0":
    validation_level: experimental
    source: https://example.org/swift
    defaults: {framework: {base_image: "example.org/swift:1.0.0"}}
"""
CONFIG = """\
version: 1
kind: deployment_configs
rows:
  transformers-swift:
    architecture: transformers
    backend: swift
    title: Swift
    description: An engine of ours.
    source: https://example.org/swift
    validation_level: experimental
    frameworks: [swift]
    defaults: {deployment: {instance_type: ml.g5.2xlarge}, framework: {name: swift}}
"""
PROJECT = """\
version: 1
project: {name: chat}
deployment: {config: transformers-swift}
registries: [./registries]
model: {name: Qwen/Qwen3-0.6B}
engine: {max_model_len: 2048}
"""


def test_a_backend_is_rows_of_data():
    build_tree(
        HERE,
        {
            "mlcc.yaml": PROJECT,
            "registries/engines.yaml": ENGINE,
            "registries/frameworks/swift.yaml": FRAMEWORK,
            "registries/deployment_configs.yaml": CONFIG,
        },
    )
    assert run_mlcc("validate").code == 0
    done = run_mlcc("apply", "-q")
    assert done.code == 0, done.stderr
    values = Path("do/config").read_text()
    assert "export IC_ENV_SWIFT_LONGEST='2048'\n" in values
    assert "export IC_ENV_SWIFT_MODEL='Qwen/Qwen3-0.6B'\n" in values
    document = json.loads(Path("code/engine.json").read_text())
    assert (document["engine"], document["command"]) == ("swift", ["swift-serve"])
    assert Path("Dockerfile").read_text().startswith("# mlcc: rendered")
    assert "FROM example.org/swift:1.0.0\n" in Path("Dockerfile").read_text()


def test_where_a_layer_has_partials_it_needs_one_and_says_so():
    """An http backend without its partial: a finding, not a traceback."""
    own = CONFIG.replace("transformers", "http").replace("frameworks: [swift]", "frameworks: [sklearn]")
    own = own.replace(", framework: {name: swift}", ", framework: {name: sklearn}")
    text = PROJECT.replace("transformers", "http").partition("model:")[0]
    build_tree(HERE, {"mlcc.yaml": text, "registries/deployment_configs.yaml": own})
    done = run_mlcc("apply")
    assert done.code == 1
    assert "MLCC405" in done.stderr
