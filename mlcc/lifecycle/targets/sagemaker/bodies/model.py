"""CreateModel: which image runs, with which environment, on which model data.  Law: pure."""

from __future__ import annotations

from typing import Any

from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker.bodies import members
from mlcc.lifecycle.targets.sagemaker.facts import JUMPSTART, PACKAGE, Artifact, Facts
from mlcc.resolve import secret_variables
from mlcc.resolve.result import DEFAULT_COMPONENT

S3, PATH = "s3://", "./"
ARCHIVE = ".tar.gz"
# Keeps an engine from looking for the Hub.
OFFLINE = "HF_HUB_OFFLINE"


def body(project: RenderedProject, facts: Facts, component: str = DEFAULT_COMPONENT) -> dict[str, Any]:
    """The parameters of CreateModel without name and tags."""
    own = f"inference_components[{component}]"
    name = str(project.get(f"{own}.model", "") or project.get("model.name", ""))
    container = members(
        Image=str(project.get(f"{own}.image", "")) or facts.image,
        Environment=environment(project, component),
        **_data(project, facts, name),
    )
    return members(
        ExecutionRoleArn=facts.role_arn,
        PrimaryContainer=container,
        VpcConfig=vpc(project),
        EnableNetworkIsolation=project.get("network.isolation") or None,
    )


def environment(project: RenderedProject, component: str) -> dict[str, str]:
    """The environment of a component's container, with the variables by which it finds its secrets.

    In a container without a network an engine must not look for the Hub: it would wait for each answer that cannot
    come (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables#hfhuboffline).
    """
    found = project.environment(component) | secret_variables.variables(project.values)
    offline = bool(project.get("network.isolation")) and any(name.startswith("HF_") for name in found)
    return found | ({OFFLINE: "1"} if offline else {})


def vpc(project: RenderedProject) -> dict[str, Any] | None:
    """VpcConfig, where the project is attached to a network of its own."""
    subnets, groups = project.get("network.subnets", ()), project.get("network.security_group_ids", ())
    return {"SecurityGroupIds": list(groups), "Subnets": list(subnets)} if subnets and groups else None


def _data(project: RenderedProject, facts: Facts, name: str) -> dict[str, Any]:
    """Where the model's data lies; nothing for a model in the image, or one that the engine fetches itself.

    Of a model package the data alone counts: the project's image serves it, with the project's variables.  A container
    that names the package runs the package's image, and SageMaker refuses variables beside those of a package
    (https://github.com/aws/sagemaker-python-sdk/issues/3301).
    """
    known = Artifact("")
    if name.startswith((JUMPSTART, PACKAGE)) or (name.startswith(PATH) and is_sent(project)):
        known = facts.artifacts.get(name) or facts.guessed(name, project.name)
        name = known.uri
    if not name.startswith(S3):
        return {}
    if project.target.instances == "transform":
        # "Currently you cannot use ModelDataSource in conjunction with SageMaker batch transform" (CreateModel)
        return {"ModelDataUrl": name}
    kind = project.get("model.data_type") or known.data_type or ("S3Prefix" if name.endswith("/") else "S3Object")
    packed = (
        project.get("model.compression_type") or known.compression or ("Gzip" if name.endswith(ARCHIVE) else "None")
    )
    # an S3Prefix ends in a slash, or `models/a` would mean `models/ab`, too
    uri = name if kind == "S3Object" or name.endswith("/") else f"{name}/"
    accepted = {"ModelAccessConfig": {"AcceptEula": True}} if project.get("model.accept_eula") else {}
    source = {"S3Uri": uri, "S3DataType": kind, "CompressionType": packed, **accepted}
    return {"ModelDataSource": {"S3DataSource": source}}


def is_sent(project: RenderedProject) -> bool:
    """Whether a model of the project goes by S3: its image was not built from it, and holds none of its files."""
    return bool(project.get("build.image_uri"))
