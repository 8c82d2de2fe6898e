"""A deployment as a record: what was captured of a project.  Law: pure; secrets are taken out field by field, first.

Field names are those of the tables that exist already (`deploymentConfig`, `modelName`, `icList` ...).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from mlcc.core.version import VERSION
from mlcc.lifecycle import image_tag
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import desired
from mlcc.registries import redaction

SCHEMA_VERSION = 2
STATUSES = ("success", "partial", "failed")
# Variables of the machine and of AWS that say nothing about a configuration.
SYSTEM = ("AWS_", "PATH", "HOME", "LANG", "LC_", "TMPDIR", "TZ")


# An id stands on command lines and in tables.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")


def is_record(document: Any) -> bool:
    """Whether something from outside can be a record: an object whose id and time, where it has them, are such."""
    if not isinstance(document, dict):
        return False
    name, at = document.get("id", "a"), document.get("at", 0.0)
    timely = isinstance(at, (int, float)) and not isinstance(at, bool) and 0 <= at < 1e12
    return timely and isinstance(name, str) and ID.match(name) is not None


def record(
    project: RenderedProject,
    *,
    status: str = STATUSES[0],
    notes: str = "",
    build_strategy: str = "",
    project_data: bool = False,
    lock: bytes = b"",
    commit: str = "",
    region: str = "",
) -> dict[str, Any]:
    """The fields of a record, without id and time.

    build_strategy: how the image was built, where the project does not say so itself; project_data: also what mlcc.yaml
    says of the project; lock: the bytes of mlcc.lock; commit: of the checkout, where it is one; region: where
    the project names none.
    """
    region = str(project.get("deployment.region", "")) or region
    identity = desired.identity(project, region)
    found: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "projectName": project.name,
        "environment": project.env or "default",
        "deploymentConfig": project.config.name,
        "architecture": project.config.architecture,
        "backend": project.config.backend,
        "modelName": str(project.get("model.name", "")) or "none",
        "instanceType": str(project.get("deployment.instance_type", "")),
        "region": region,
        "deploymentTarget": project.target.name,
        "baseImage": str(project.get("framework.base_image", "")),
        "buildStrategy": build_strategy or str(project.get("build.strategy", "")),
        "icList": _components(project),
        "parameters": _parameters(project),
        "status": status,
        "notes": redaction.redact_text(notes),
        "generatorVersion": VERSION,
        "configId": identity.short,
        "configIdFull": identity.full,
        "configIdFiveFields": identity.five_fields,
        "imageTag": image_tag.tag_of(project),
        "lockDigest": hashlib.sha256(lock).hexdigest() if lock else "",
        "gitCommit": commit,
        "inferenceAmiVersion": str(project.get("endpoint.inference_ami_version", "")),
    }
    if project_data:
        described = redaction.redact_text(str(project.get("project.description", "")))
        found["project"] = {"name": project.name, "description": described}
    return found


def _components(project: RenderedProject) -> list[dict[str, Any]]:
    """Inference components and adapters of a target that has them."""
    if not project.target.components:
        return []
    found: list[dict[str, Any]] = []
    for name in desired.enabled_components(project):
        own = f"inference_components[{name}]"
        row = {
            "name": name,
            "image": str(project.get(f"{own}.image", "")) or image_tag.tag_of(project),
            "gpuCount": project.get(f"{own}.gpu_count"),
            "copyCount": project.get(f"{own}.copy_count", 1),
        }
        found.append({key: value for key, value in row.items() if value is not None})
    for name in desired.enabled_adapters(project):
        url = project.get(f"adapters[{name}].artifact_url")
        found.append(
            {"name": name, "isAdapter": True, "baseIcName": desired.base_of(project, name), "artifactUrl": url}
        )
    return found


def _parameters(project: RenderedProject) -> Mapping[str, str]:
    """The container's environment without secrets, and without what every machine sets."""
    plain = {n: v for n, v in project.environment().items() if not n.startswith(SYSTEM)}
    return redaction.redact(plain)
