"""MLCC360: a manifest that the cluster's API server refuses."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.manifests import Problem, on_manifests
from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from mlcc.registries.redaction import redact_text
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC360"


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """The schema agrees with the API server that keeps HyperPod's resources (tests/k8s)."""
    for path, finding in validator.document_errors(node_of(document, Mark("")), schema, clean=redact_text):
        yield Problem(path, finding.message, finding.hint)


check = on_manifests(CODE, problems)
