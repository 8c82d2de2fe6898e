"""CreateInferenceComponent: a model's copies and their share of the endpoint's instances.  Law: pure."""

from __future__ import annotations

from typing import Any

from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker.bodies import members
from mlcc.resolve.hardware import shares

# MinMemoryRequiredInMb is required; a small value leaves the placing of copies to accelerators and processors.  An
# ml.g5.xlarge (16 GiB) was seen to take 1,024 and to refuse 4,096.
MEMORY_MB = 1024
# How an update replaces copies: half of them at a time (5 to 50 % are allowed).
BATCH: dict[str, Any] = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 0,
    }
}


def specification(project: RenderedProject, component: str, model: str) -> dict[str, Any]:
    """The Specification of a component that serves a model."""
    own = f"inference_components[{component}]"
    startup = project.get(f"{own}.startup_timeout_s") or project.get("endpoint.startup_timeout_s")
    return members(
        ModelName=model,
        StartupParameters=members(
            ModelDataDownloadTimeoutInSeconds=project.get("endpoint.model_download_timeout_s"),
            ContainerStartupHealthCheckTimeoutInSeconds=startup,
        ),
        ComputeResourceRequirements=members(
            NumberOfAcceleratorDevicesRequired=devices(project, component),
            NumberOfCpuCoresRequired=project.get(f"{own}.cpu_count"),
            MinMemoryRequiredInMb=project.get(f"{own}.memory_mb") or MEMORY_MB,
            MaxMemoryRequiredInMb=project.get(f"{own}.max_memory_mb"),
        ),
    )


def devices(project: RenderedProject, component: str) -> int | None:
    """Accelerators of one copy: what the component says, else an equal share of the instance's; None on CPU.

    A request for no accelerator is refused by the service where the member stands with 0, so it is left out.
    """
    asked = project.get(f"inference_components[{component}].gpu_count")
    if asked is not None:
        return int(asked)
    instance = project.registries.instance(str(project.get("deployment.instance_type", "")))
    have = (instance.accelerator_count or 0) if instance is not None else 0
    served = [n for n in project.components if project.get(f"inference_components[{n}].enabled", True)]
    return shares.share(have, len(served)) if have else None


def adapter_specification(project: RenderedProject, adapter: str, base: str) -> dict[str, Any]:
    """The Specification of an adapter: an archive on top of a component, with no share of its own."""
    url = project.get(f"adapters[{adapter}].artifact_url")
    return {"BaseInferenceComponentName": base, "Container": {"ArtifactUrl": url}}


def rolling(project: RenderedProject) -> dict[str, Any]:
    """DeploymentConfig of UpdateInferenceComponent."""
    alarms = [{"AlarmName": name} for name in project.get("endpoint.rollback_alarms", ())]
    return {**BATCH, **({"AutoRollbackConfiguration": {"Alarms": alarms}} if alarms else {})}
