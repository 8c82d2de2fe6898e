"""The text of Kubernetes manifests.  Law: pure; written by code, so that every value is read as itself."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.io.yaml import writer
from mlcc.resolve.hyperpod import manifests
from mlcc.resolve.result import Resolved

HEADER = """\
# Rendered from mlcc.yaml by mlcc apply: change it there, or here (mlcc apply merges).
# do/deploy checks it, and puts in what only it knows: the image's address and when the deployment expires.
"""


def files(default: Resolved, environments: Mapping[str, Resolved]) -> dict[str, str]:
    """The manifests of every environment by path."""
    every = [default, *environments.values()]
    return {path: text(document) for resolved in every for path, document in manifests.documents(resolved).items()}


def text(document: manifests.Document) -> str:
    """A manifest as YAML."""
    return HEADER + writer.dump(document)
