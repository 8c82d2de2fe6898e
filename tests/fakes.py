"""Registries that live in memory, and configurations from text: what pure modules are tested with."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from mlcc.core.nodes import Node
from mlcc.core.values import Source
from mlcc.io.schema import validator
from mlcc.io.yaml import reader
from mlcc.load import document
from mlcc.load.layers import Layer, node_layer
from mlcc.registries.files import Root
from mlcc.registries.loader import Registries, load
from mlcc.registries.parse import SCHEMAS
from mlcc.resolve.resolver import resolve_layers
from mlcc.resolve.result import Resolved
from tests.helpers import ROOT

ARCHITECTURES = """
version: 1
kind: architectures
source: test
rows:
  web:
    title: Web
    layer: architectures/web
    uses: [framework, model]
    ignores: [model.revision]
    steps: [build, deploy]
    container: {port: 8080, ping: /ping, invocations: /invocations}
    env_prefixes: [WEB_]
    model_kinds: [path, s3]
    sample: sample_model/model
  bare:
    title: Bare
    layer: architectures/bare
    uses: []
    steps: [build]
    container: {port: 8080, ping: /ping, invocations: /invocations}
"""

CONFIGS = """
version: 1
kind: deployment_configs
rows:
  web-one:
    title: One
    architecture: web
    backend: one
    source: test
    validation_level: experimental
    aliases: [web-first]
    frameworks: [trees, nets]
    defaults:
      deployment: {instance_type: ml.c1.large}
      env: {WEB_WORKERS: "2", WEB_DROP: "1"}
      tags: {row: config}
      inference_components:
        - {name: chat, memory_mb: 1111}
  web-two:
    title: Two
    architecture: web
    backend: two
    source: test
    validation_level: experimental
    frameworks: [trees]
  bare-one:
    title: Bare
    architecture: bare
    backend: one
    source: test
    validation_level: experimental
  lost-one:
    title: Lost
    architecture: lost
    backend: one
    source: test
    validation_level: experimental
"""

TARGETS = """
version: 1
kind: targets
source: test
rows:
  realtime-inference:
    title: Real time
    description: An endpoint.
    aliases: [managed-inference]
    uses: [adapters, endpoint, inference_components, network, scaling]
    instances: endpoint
    host_image: endpoint.inference_ami_version
    together: {endpoint.data_capture_percent: endpoint.data_capture_s3_uri}
    secrets: [secretsmanager]
    components: true
    predefined_metrics: [CallsPerCopy]
  async-inference:
    title: Asynchronous
    description: A target
    uses: [async, scaling]
    ignores: [deployment.instance_count]
    predefined_metrics: [CallsPerInstance]
  batch-transform:
    title: Batch
    description: A target
    uses: [batch]
    instances: transform
    host_image: batch.transform_ami_version
  hyperpod-eks: {title: HyperPod, description: A target, uses: [hyperpod], instances: hyperpod}
  local: {title: Local, description: A target, needs_region: false, secrets: [env]}
"""

TREES = """
version: 1
kind: framework
name: trees
source: test
formats: {joblib: {file: model.joblib}, json: {file: model.json}}
default_format: joblib
sample: {payload: "{}"}
versions:
  "3.0": {validation_level: experimental, source: test}
  "2.0":
    validation_level: tested
    source: test
    evidence: {run: yes-it-ran, date: "2026-11-21", saw: it, digest: "sha256:0000000000000000000000000000000000000000000000000000000000000000"}
    defaults:
      framework: {base_image: "python:3.11"}
      env: {WEB_WORKERS: "3", OMP_NUM_THREADS: "1"}
      tags: {row: framework}
    profiles:
      fast:
        defaults: {env: {WEB_WORKERS: "4"}, tags: {row: framework-profile}}
  "1.0": {validation_level: unknown, source: test}
"""

NETS = """
version: 1
kind: framework
name: nets
source: test
formats: {onnx: {file: model.onnx}}
versions:
  "1.0": {validation_level: experimental, source: test}
"""

MODELS = """
version: 1
kind: models
source: test
rows:
  "*": {family: any, source: test}
  "acme/*": {family: acme, validation_level: unknown, source: test, defaults: {tags: {row: model-pattern}}}
  "acme/big":
    family: acme
    validation_level: unknown
    source: test
    defaults: {tags: {row: model}, env: {WEB_WORKERS: "5"}}
    profiles:
      tuned: {defaults: {tags: {row: model-profile}, env: {WEB_WORKERS: "6"}}}
"""

INSTANCES = """
version: 1
kind: instances
family: c1
title: C1
source: test
platform: linux/arm64
accelerator: {type: cpu}
rows:
  ml.c1.large: {vcpu: 2, memory_gib: 4, endpoint: true, transform: false, hyperpod: false}
  ml.c1.xlarge: {vcpu: 4, memory_gib: 8, endpoint: false, transform: true, hyperpod: true}
"""

REGIONS = """
version: 1
kind: regions
source: test
partitions: {aws: {dns_suffix: amazonaws.com}}
rows:
  us-east-1: {name: N. Virginia, partition: aws, sagemaker: true}
  us-iso-west-1: {name: West, partition: aws, sagemaker: false}
"""

FILES: Mapping[str, str] = {
    "architectures.yaml": ARCHITECTURES,
    "deployment_configs.yaml": CONFIGS,
    "targets.yaml": TARGETS,
    "frameworks/trees.yaml": TREES,
    "frameworks/nets.yaml": NETS,
    "models/all.yaml": MODELS,
    "instances/c1.yaml": INSTANCES,
    "regions.yaml": REGIONS,
}


class MemoryRegistries(Registries):
    """Registries whose files are texts; rows are read by the real code."""

    def _row_names(self, root: Root, relname: str) -> tuple[str, ...]:
        rows = self._document(root, relname).get("rows")
        return tuple(rows.value) if rows is not None else ()

    def __init__(self, *roots: Mapping[str, str]) -> None:
        """roots: texts by relative file name, lowest precedence first."""
        super().__init__([Root(f"test{n}", f"/nowhere/{n}") for n, _ in enumerate(roots)])
        self.texts = {root.name: dict(files) for root, files in zip(self.roots, roots, strict=True)}

    @property
    def _files(self) -> Any:  # type: ignore[override]
        return tuple((root, tuple(sorted(self.texts[root.name]))) for root in self.roots)

    def _document(self, root: Root, relname: str) -> Node:  # type: ignore[override]
        return registry_file(self.texts[root.name][relname], f"{root.name}:{relname}")


@functools.lru_cache(256)  # documents do not change, and most tests have the same
def registry_file(text: str, file: str) -> Node:
    """A registry file from its text, which must be valid."""
    loaded = reader.load_yaml(text.encode(), file)
    assert loaded.root is not None, loaded.findings
    assert not loaded.findings
    kind = loaded.root.get("kind")
    assert kind is not None
    assert kind.value in SCHEMAS
    assert not validator.validate_document(loaded.root, kind.value)
    return loaded.root


class Over(MemoryRegistries):
    """The packaged registries with texts over them."""

    def __init__(self, **files: str) -> None:
        """files: texts by relative name, `__` for a slash and without the suffix."""
        texts = {}
        for path in sorted((ROOT / "registries").rglob("*.yaml")):
            name = path.relative_to(ROOT / "registries").as_posix()
            if name not in ("findings.yaml", "redaction.yaml"):
                texts[name] = ""
        super().__init__({}, {f"{name.replace('__', '/')}.yaml": text for name, text in files.items()})
        self.packaged_names = tuple(texts)

    @property
    def _files(self) -> Any:  # type: ignore[override]
        return ((load().roots[0], self.packaged_names), *super()._files[1:])

    def _document(self, root: Any, relname: str) -> Any:  # type: ignore[override]
        return super()._document(root, relname) if root in self.roots else load()._document(root, relname)

    def _row_names(self, root: Any, relname: str) -> tuple[str, ...]:
        return super()._row_names(root, relname) if root in self.roots else load()._row_names(root, relname)


def registries(**changed: str) -> MemoryRegistries:
    """The registries above; `changed` replaces files (`models_all` is models/all.yaml)."""
    names = {name.replace("/", "_").removesuffix(".yaml"): name for name in FILES}
    return MemoryRegistries({**FILES, **{names[k]: v for k, v in changed.items()}})


@functools.lru_cache(8)  # documents do not change
def read(text: str, file: str = "mlcc.yaml", **options: Any) -> document.Config:
    """A configuration from text, which must be valid."""
    found = document.load_document(text.encode(), file, **options)
    assert found.ok, found.findings
    return found


def layer(source: Source, text: str, origin: str = "") -> Layer:
    """A layer from YAML text, with places when no origin is given."""
    if origin:
        return node_layer(source, read(text, origin, partial=True).root.plain(), origin)
    return Layer(source, read(text, f"{source.label}.yaml", partial=True).root)


def resolved(text: str, *above: Layer, env: str | None = None, known: Registries | None = None) -> Resolved:
    """The resolution of one mlcc.yaml with layers around it."""
    own = read(text)
    return resolve_layers((*document.document_layers(own, env), *above), known or registries(), env)
