"""What only AWS knows of a model: where the data of a JumpStart model or of a model package lies.

Law: reads only; what the project names whole is not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.json_data import read_json
from mlcc.core.text import printable, quoted
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker.facts import JUMPSTART, PACKAGE, Artifact, Facts

VERSIONS = (
    "aws sagemaker list-model-packages --model-package-group-name GROUP lists the versions that there are; approve one"
)
APPROVED = "Approved"
# Members of a model's document in SageMaker's public hub (aws/sagemaker-python-sdk, jumpstart/hub/interfaces.py).
URI, DATA_TYPE, COMPRESSION = "HostingArtifactUri", "HostingArtifactS3DataType", "HostingArtifactCompressionType"


def asked(project: RenderedProject, caller: Caller, found: Facts) -> Facts:
    """Facts with what the project's models need.  Raises PreconditionError for a model that is not there."""
    sagemaker = SageMaker(caller)
    known = {name: _of_hub(sagemaker, name.removeprefix(JUMPSTART)) for name in _named(project, JUMPSTART)}
    for name in _named(project, PACKAGE):
        known[name] = _of_package(sagemaker, _version(sagemaker, found, name.removeprefix(PACKAGE)))
    return found._replace(artifacts=known)


def _named(project: RenderedProject, prefix: str) -> list[str]:
    """The models of one kind that the project and its components name, each once."""
    return sorted(
        {str(v) for p, v in project.values.items() if p[-1] in ("name", "model") and str(v).startswith(prefix)}
    )


def _version(sagemaker: SageMaker, place: Facts, name: str) -> str:
    """The ARN of a model package's version: the one that is named, or the newest that is approved."""
    group, _, version = name.partition("/")
    arn = place.arn("sagemaker", f"model-package/{group}/{version}") if version else sagemaker.newest_package(group)
    if not arn:
        message = f"the model package group {quoted(group)} has no approved version"
        hint = "approve one, or name one: model.name: registry://GROUP/VERSION"
        raise PreconditionError([error("MLCC314", message, hint=hint)])
    return arn


def _of_package(sagemaker: SageMaker, arn: str) -> Artifact:
    answer = sagemaker.package(arn)
    name = quoted(arn.rpartition(":model-package/")[2])
    if answer is None:
        raise PreconditionError([error("MLCC314", f"the model package {name} is not there", hint=VERSIONS)])
    approval = str(answer.get("ModelApprovalStatus") or APPROVED)  # a package of no group waits for nobody
    if approval != APPROVED:
        raise PreconditionError([error("MLCC314", f"the model package {name} is {printable(approval)}", hint=VERSIONS)])
    containers = (answer.get("InferenceSpecification") or {}).get("Containers") or [{}]
    source = (containers[0].get("ModelDataSource") or {}).get("S3DataSource") or {}
    uri = str(source.get("S3Uri") or containers[0].get("ModelDataUrl") or "")
    if not uri or len(containers) > 1:
        why = "has several containers" if uri else "has no model data: its model is in its image"
        hint = "name the data itself: model.name: s3://..."
        raise PreconditionError([error("MLCC314", f"the model package {name} {why}", hint=hint)])
    # a ModelDataUrl is one archive
    return Artifact(uri, str(source.get("S3DataType") or "S3Object"), str(source.get("CompressionType") or "Gzip"))


def _of_hub(sagemaker: SageMaker, name: str) -> Artifact:
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
