"""Images, models, environments, components and adapters: the inverse of `bodies/model` and `bodies/component`.

Law: pure; a secret's value is not passed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.paths import Item, Path
from mlcc.core.text import quoted
from mlcc.lifecycle.targets.sagemaker.bodies import component, scaling
from mlcc.lifecycle.targets.sagemaker.imports import scaled
from mlcc.lifecycle.targets.sagemaker.imports.origin import model_name, part_name
from mlcc.lifecycle.targets.sagemaker.imports.running import base_of, container_of
from mlcc.lifecycle.targets.sagemaker.imports.sheet import Sheet, whole
from mlcc.registries.redaction import is_secret_name, is_secret_value
from mlcc.resolve.result import DEFAULT_COMPONENT
from mlcc.resolve.secret_variables import PREFIX as STORED


def component_names(names: Sequence[str], prefix: str) -> dict[str, str]:
    """What mlcc.yaml calls each component and adapter, by its name in AWS; no two are called alike."""
    parts: dict[str, str] = {}
    for name in names:
        own = part_name(name, prefix)
        free = (f"{own[:36]}-{number}" if number > 1 else own for number in range(1, len(names) + 1))
        parts[name] = next(one for one in free if one not in parts.values())
    return parts


def shared(sheet: Sheet) -> None:
    """What all containers have in common: image, model, environment."""
    found = sheet.running.containers
    for model in sheet.running.models.values():
        for other in model.get("Containers", ())[1:]:
            sheet.unknown(f"the container {quoted(str(other.get('Image', '')), 100)} behind the first one")
    if sheet.running.image:
        # pinned: this is the image that runs, and no build of it
        sheet.put("build.strategy", "none")
        sheet.put("build.image_uri", sheet.running.image)
        sheet.draft.comments.append("Remove build.image_uri and build.strategy to build the image from this project.")
    _variables(sheet, _common(sheet), ())
    _model(sheet, found[0] if found else {})


def _common(sheet: Sheet) -> dict[str, str]:
    """Variables that all containers have, with the same value."""
    every = [dict(one.get("Environment", {})) for one in sheet.running.containers]
    return {k: v for k, v in (every[0] if every else {}).items() if all(e.get(k) == v for e in every)}


def _model(sheet: Sheet, container: Mapping[str, Any]) -> None:
    environment = container.get("Environment", {})
    named = model_name(container)
    for key, variable in (sheet.origin.engine.model_variables if sheet.origin.engine is not None else {}).items():
        if key != "model.name" or not named:
            sheet.put(key, environment.get(variable))
    sheet.put("model.name", named)
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    sheet.put("model.data_type", source.get("S3DataType"))
    sheet.put("model.compression_type", source.get("CompressionType"))
    sheet.put("model.accept_eula", source.get("ModelAccessConfig", {}).get("AcceptEula") or None)


def _variable(sheet: Sheet) -> str:
    """The engine's variable of the model's name; empty where it has none."""
    engine = sheet.origin.engine
    return engine.model_variables.get("model.name", "") if engine is not None else ""


def _variables(sheet: Sheet, variables: Mapping[str, str], below: Path) -> None:
    engine = sheet.origin.engine
    of_model = () if engine is None or below else tuple(engine.model_variables.values())
    for name, value in variables.items():
        if name.startswith(STORED) and not below:
            _stored(sheet, name.removeprefix(STORED), value)
        elif is_secret_name(name) or is_secret_value(value):
            sheet.draft.secret(name, sheet.mark)
        elif name not in of_model:
            sheet.draft.put((*below, "env", name), value, sheet.mark)


def _stored(sheet: Sheet, name: str, reference: str) -> None:
    """A secret that is read from where it is stored, as `secret_variables` writes that."""
    place, key = reference, ""
    if reference.endswith("::"):
        place, _, key = reference.removesuffix("::").rpartition(":")
    sheet.put("secretsmanager", place, ("secrets", name))
    sheet.put("json_key", key, ("secrets", name))


def components(sheet: Sheet) -> None:
    """Each component and each adapter."""
    parts = component_names([str(one["InferenceComponentName"]) for one in sheet.running.components], sheet.prefix)
    for name in sheet.running.others:
        sheet.unknown(f"the component {quoted(name)} of another project")
    common = _common(sheet)
    for one in sheet.running.served:
        name = str(one["InferenceComponentName"])
        place: Path = ("inference_components", Item(parts[name]))
        container = container_of(sheet.running.model_of(one))
        own = {k: v for k, v in dict(container.get("Environment", {})).items() if k not in common}
        scales = bool(sheet.running.scaled.get(scaling.copies("", name).resource_id))
        if not scales:
            sheet.put("copy_count", one.get("RuntimeConfig", {}).get("DesiredCopyCount"), place)
        # the implied component would scale as the instances do, if it had nothing of its own
        apart = not scales and parts[name] == DEFAULT_COMPONENT and "ManagedInstanceScaling" in sheet.running.variant
        _needs(sheet, one.get("Specification", {}), place, every=apart)
        if str(container.get("Image", "")) != sheet.running.image:
            sheet.put("image", container.get("Image"), place)
        served = model_name(container) or own.pop(_variable(sheet), "")
        if served != str(sheet.draft.values.get(("model", "name"), "")):
            sheet.put("model", served, place)
        _variables(sheet, own, place)
        scaled.write(sheet, scaling.copies(parts[name], name), (*place, "scaling"))
    for one in sheet.running.adapters:
        place = ("adapters", Item(parts[str(one["InferenceComponentName"])]))
        sheet.put("artifact_url", one["Specification"].get("Container", {}).get("ArtifactUrl"), place)
        sheet.draft.values |= {(*place, "base"): parts.get(base_of(one), "")}
    _timeouts(sheet, parts)


def _needs(sheet: Sheet, specification: Mapping[str, Any], place: Path, every: bool) -> None:
    """Its share of the instances.  every: with what mlcc asks for where nobody does."""
    needs = specification.get("ComputeResourceRequirements", {})
    sheet.put("gpu_count", whole(needs.get("NumberOfAcceleratorDevicesRequired")), place)
    sheet.put("cpu_count", whole(needs.get("NumberOfCpuCoresRequired")), place)
    memory = needs.get("MinMemoryRequiredInMb")
    sheet.put("memory_mb", memory if memory != component.MEMORY_MB or every else None, place)
    sheet.put("max_memory_mb", needs.get("MaxMemoryRequiredInMb"), place)


def _timeouts(sheet: Sheet, parts: Mapping[str, str]) -> None:
    """Where all components have one timeout it is the endpoint's."""
    starts = {
        parts[str(one["InferenceComponentName"])]: one.get("Specification", {}).get("StartupParameters", {})
        for one in sheet.running.served
    }
    loads = {start.get("ModelDataDownloadTimeoutInSeconds") for start in starts.values()}
    waits = {start.get("ContainerStartupHealthCheckTimeoutInSeconds") for start in starts.values()}
    if len(loads) == 1:
        sheet.put("endpoint.model_download_timeout_s", next(iter(loads)))
    elif loads:
        sheet.unknown("a download timeout of each component's own")
    if len(waits) == 1:
        sheet.put("endpoint.startup_timeout_s", next(iter(waits)))
    for part, start in starts.items() if len(waits) > 1 else ():
        place = ("inference_components", Item(part))
        sheet.put("startup_timeout_s", start.get("ContainerStartupHealthCheckTimeoutInSeconds"), place)
