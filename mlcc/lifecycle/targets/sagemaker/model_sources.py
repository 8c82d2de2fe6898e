"""What only AWS knows of a model: the newest version of a package group, and where a JumpStart model's data lies.

Law: reads only; what the project names whole is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.json_data import read_json
from mlcc.core.text import quoted
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker.bodies.model import JUMPSTART, PACKAGE
from mlcc.lifecycle.targets.sagemaker.facts import Artifact, Facts

# Members of a model's document in SageMaker's public hub (aws/sagemaker-python-sdk, jumpstart/hub/interfaces.py).
URI, DATA_TYPE, COMPRESSION = "HostingArtifactUri", "HostingArtifactS3DataType", "HostingArtifactCompressionType"


def asked(project: RenderedProject, caller: Caller, found: Facts) -> Facts:
    """Facts with what the project's models need.  Raises PreconditionError for a model that is not there."""
    sagemaker = SageMaker(caller)
    groups = [name for name in _named(project, PACKAGE) if "/" not in name]
    return found._replace(
        packages={group: _version(sagemaker, group) for group in groups},
        artifacts={name: _artifact(sagemaker, name) for name in _named(project, JUMPSTART)},
    )


def _named(project: RenderedProject, prefix: str) -> Iterator[str]:
    """The models of one kind that the project and its components name, without the prefix, each once."""
    names = {str(v) for p, v in project.values.items() if p[-1] in ("name", "model") and str(v).startswith(prefix)}
    return (name.removeprefix(prefix) for name in sorted(names))


def _version(sagemaker: SageMaker, group: str) -> str:
    arn = sagemaker.newest_package(group)
    if not arn:
        message = f"the model package group {quoted(group)} has no approved version"
        hint = "approve one, or name one: model.name: registry://GROUP/VERSION"
        raise PreconditionError([error("MLCC314", message, hint=hint)])
    return arn.rpartition("/")[2]


def _artifact(sagemaker: SageMaker, name: str) -> Artifact:
    answer = sagemaker.hub_model(name)
    document = _document(answer)
    uri = document.get(URI)
    if not isinstance(uri, str) or not uri.startswith("s3://"):
        why = (
            "is not in SageMaker's public hub" if answer is None else "has no data of its own in SageMaker's public hub"
        )
        hint = "model.name may be a Hugging Face id or an s3:// address instead"
        raise PreconditionError([error("MLCC314", f"the JumpStart model {quoted(name)} {why}", hint=hint)])
    return Artifact(uri, str(document.get(DATA_TYPE) or ""), str(document.get(COMPRESSION) or ""))


def _document(answer: Mapping[str, Any] | None) -> Mapping[str, Any]:
    try:
        found = read_json(str(answer["HubContentDocument"])) if answer is not None else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}
