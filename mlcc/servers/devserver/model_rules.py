"""What models and endpoint configurations may say.  Law: refusals alone; each behind its switch.

Texts: hashicorp/terraform-provider-aws 45926, stdapi-ai/stdapi.ai 43, aws/sagemaker-python-sdk 4700.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.things import Account

ECR = re.compile(r"\d{12}\.dkr[.-]ecr[.-][a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.aws|[a-z0-9.-]+)/\S+")
# Regions that do not scale an endpoint to no instance, as far as one is known.
KEEPING = ("eu-west-3",)


# Members that this server does not have: a request with one is answered 501.
ABSENT = {
    "model": ("Containers", "InferenceExecutionConfig"),
    "container": ("AdditionalModelDataSources", "InferenceSpecificationName", "MultiModelConfig"),
    "configuration": ("ExplainerConfig", "ShadowProductionVariants"),
    "variant": ("CapacityReservationConfig", "InstancePools", "ServerlessConfig"),
    "package": (
        "AdditionalInferenceSpecifications",
        "SourceAlgorithmSpecification",
        "SourceUri",
        "ValidationSpecification",
    ),
    "packaged container": ("AdditionalModelDataSources", "AdditionalS3DataSource", "BaseModel", "ProductId"),
}
# Members that it takes, shows again, and does nothing about: `/_local/rules` lists them.
SHOWN_ONLY = (
    "DataCaptureConfig", "EnableNetworkIsolation", "InferenceAmiVersion", "KmsKeyId",
    "RoutingConfig", "VolumeSizeInGB", "VpcConfig",
)  # fmt: skip


def check_members(kind: str, request: Mapping[str, Any]) -> None:
    """Raises Refusal for a member that this server does not have.  kind: of ABSENT."""
    for name in ABSENT[kind]:
        if request.get(name):
            raise Refusal(f"{name} is not there in this server", *NOT_IMPLEMENTED)


def container(request: Mapping[str, Any]) -> dict[str, Any]:
    """The container of a request for a model.  Raises Refusal for what this server does not have."""
    found: dict[str, Any] = request.get("PrimaryContainer", {})
    check_members("model", request)
    check_members("container", found)
    return found


def check_image(account: Account, container: Mapping[str, Any]) -> None:
    """The image of a model's container lies in ECR, and is there.  Raises Refusal."""
    image = str(container.get("Image", ""))
    if not image:
        return
    access = container.get("ImageConfig", {}).get("RepositoryAccessMode", "Platform")
    if account.rules.image_in_ecr and access != "Vpc" and not ECR.fullmatch(image):
        raise Refusal(f'Using non-ECR image "{image}" without Vpc repository access mode is not supported.')
    if account.rules.image_is_there and not account.knows(image):
        raise Refusal(f"Requested image {image} not found.")


def check_variants(account: Account, request: dict[str, Any]) -> None:
    """The variants of an endpoint configuration.  Raises Refusal."""
    check_members("configuration", request)
    for variant in request["ProductionVariants"]:
        check_members("variant", variant)
        scaling = variant.get("ManagedInstanceScaling", {})
        if "ModelName" in variant:
            if scaling and account.rules.managed_scaling_for_components:
                raise Refusal("ManagedInstanceScaling is only supported for inference component endpoints.")
            continue
        if account.rules.components_need_role and not request.get("ExecutionRoleArn"):
            raise Refusal("ExecutionRoleArn is required for endpoint configurations without models.")
        if account.rules.async_without_components and "AsyncInferenceConfig" in request:
            raise Refusal("AsyncInferenceConfig is not supported for inference component endpoints.")
        if (
            account.rules.regions_keep_an_instance
            and account.region in KEEPING
            and scaling.get("MinInstanceCount") == 0
        ):
            raise Refusal("Min instance count needs to be greater than 0 for enabled managed instance scaling")
