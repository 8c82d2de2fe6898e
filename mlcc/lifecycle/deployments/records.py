"""A deployment as a record: what was captured of a project.  Law: pure; secrets are taken out field by field, first.

Field names are those of the tables that exist already (`deploymentConfig`, `modelName`, `icList` ...).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.core.paths import EMPTY, leaves
from mlcc.core.records import NamedTuple
from mlcc.core.version import VERSION
from mlcc.io.git import Head
from mlcc.lifecycle import image_tag
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import desired
from mlcc.lifecycle.targets.sagemaker.bodies import component as components
from mlcc.registries.redaction import is_secret_name, redact_given, redact_text, redact_value

SCHEMA_VERSION = 2
STATUSES = ("success", "partial", "failed")
# Variables of the machine and of AWS that say nothing about a configuration.
SYSTEM = ("AWS_", "PATH", "HOME", "LANG", "LC_", "TMPDIR", "TZ")
NO_MODEL = "none"
# Of what a target uses: it has an endpoint.
ENDPOINT = "endpoint"


# An id stands on command lines and in tables.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")


# Without these nobody could say what was deployed.
NEEDED = ("projectName", "deploymentConfig")
# Fields that say when a record was made, and which one it is.
OWN = ("id", "at", "timestamp")


def lacking(document: Any) -> str:
    """What keeps something from outside from being a record; empty for one.

    A record is an object that names its project and its deployment config; its id and time are such, where it has them.
    """
    if not isinstance(document, dict):
        return "it is no JSON object"
    missing = [name for name in NEEDED if not isinstance(document.get(name), str) or not document[name].strip()]
    if missing:
        return f"it has no {' and no '.join(missing)}"
    name, at = document.get("id", "a"), document.get("at", 0.0)
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not 0 <= at < 1e12:
        return "its time (at) is no number of seconds since 1970"
    return "" if isinstance(name, str) and ID.match(name) else "its id has a wrong form"


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Leaves in which two records differ, by path: `path`, `before` and `after`, None for one that is not there.

    A mapping without fields has no leaf, so that it differs from none, and from its fields only in those.
    """
    before, after = ({path: value for path, value in leaves(one) if value != {}} for one in (first, second))
    for path in sorted({*before, *after} - {*OWN}):
        if before.get(path) != after.get(path):
            yield {"path": path, "before": before.get(path), "after": after.get(path)}


def without_secrets(value: Any, clean: Callable[[str], str] = redact_text, key: str = "") -> Any:
    """A document without secrets, by the names of its fields and by their values, however deep.

    clean: takes secrets out of a text.
    """
    if isinstance(value, Mapping):
        return {name: without_secrets(item, clean, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_secrets(item, clean, key) for item in value]
    return redact_value(key, redact_given(clean(value))) if isinstance(value, str) else value


class Given(NamedTuple):
    """What whoever registers says of a deployment.

    status: one of STATUSES; notes: free text; build_strategy: how the image was built, where the project does not say
    so itself; project_data: also what mlcc.yaml says of the project.
    """

    status: str = STATUSES[0]
    notes: str = ""
    build_strategy: str = ""
    project_data: bool = False


class Surroundings(NamedTuple):
    """What was found beside the project's values.

    region: of the caller, where the project names none; lock: the bytes of mlcc.lock; head: the checkout's commit;
    image_digest: of the image that was pushed for this state of the project; files: contents that the architecture's
    records hold, by path; by: who registers.
    """

    region: str = ""
    lock: bytes = b""
    head: Head | None = None
    image_digest: str = ""
    files: Mapping[str, str] = EMPTY
    by: str = ""


def record(
    project: RenderedProject, given: Given, found: Surroundings, clean: Callable[[str], str] = redact_text
) -> dict[str, Any]:
    """The fields of a record, without id and time.  clean: takes secrets out of a text."""
    region = str(project.get("deployment.region", "")) or found.region
    identity = desired.identity(project, region)
    document: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "projectName": project.name,
        "environment": project.environment_name,
        "deploymentConfig": project.config.name,
        "architecture": project.config.architecture,
        "backend": project.config.backend,
        "modelName": str(project.get("model.name", "")) or NO_MODEL,
        "modelRevision": str(project.get("model.revision", "")),
        "instanceType": str(project.get("deployment.instance_type", "")),
        "region": region,
        "deploymentTarget": project.target.name,
        "baseImage": str(project.get("framework.base_image", "")),
        "buildStrategy": given.build_strategy or str(project.get("build.strategy", "")),
        "icList": ic_list(project),
        **_variables(project, found.files),
        "status": given.status,
        "notes": given.notes,
        "generatorVersion": VERSION,
        "configId": identity.short,
        "configIdFull": identity.full,
        "configIdFiveFields": identity.five_fields,
        "imageTag": image_tag.tag_of(project) if project.lock.files else "",
        "imageDigest": found.image_digest,
        "lockDigest": hashlib.sha256(found.lock).hexdigest() if found.lock else "",
        "gitCommit": found.head.commit if found.head is not None else "",
        "inferenceAmiVersion": str(project.get(project.target.host_image, "") or ""),
        "gitDirty": found.head.dirty if found.head is not None else None,
        "registeredBy": found.by,
    }
    if ENDPOINT in project.target.uses:
        document["endpointName"] = desired.endpoint_name(project)
    if given.project_data:
        document["project"] = {"name": project.name, "description": str(project.get("project.description", ""))}
    return dict(without_secrets(document, clean))


def ic_list(project: RenderedProject) -> list[dict[str, Any]]:
    """Inference components and adapters of a target that has them, components first; `resourceName` is AWS's."""
    if not project.target.components:
        return []
    found: list[dict[str, Any]] = []
    shared = project.environment().items()
    for name in desired.enabled_components(project):
        own = f"inference_components[{name}]"
        row = {
            "name": name,
            "image": str(project.get(f"{own}.image", "")) or str(project.get("build.image_uri", "")) or _tag(project),
            "gpuCount": components.devices(project, name),
            "copyCount": project.get(f"{own}.copy_count", 1),
            "scaledTo": project.get(f"{own}.scaling.max_count"),
            "resourceName": desired.component_name(project, name),
            "parameters": dict(project.environment(name).items() - shared),
        }
        found.append({key: value for key, value in row.items() if value not in (None, "", {})})
    for name in desired.enabled_adapters(project):
        found.append(
            {
                "name": name,
                "isAdapter": True,
                "baseIcName": desired.base_of(project, name),
                "artifactUrl": project.get(f"adapters[{name}].artifact_url"),
                "resourceName": desired.component_name(project, name),
            }
        )
    return found


def _tag(project: RenderedProject) -> str:
    return image_tag.tag_of(project) if project.lock.files else ""


def _variables(project: RenderedProject, files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """`parameters`: the container's variables that its engine reads (of a server that reads all, all), the model, and
    what the architecture's row adds.  `variables`: the container's others.
    """
    row = project.architecture
    plain = {n: v for n, v in project.environment().items() if not n.startswith(SYSTEM) or is_secret_name(n)}
    parameters = {n: v for n, v in plain.items() if not row.env_prefixes or n.startswith(row.env_prefixes)}
    model = str(project.get("model.name", "")) or row.recorded.get("model", "")
    if row.recorded.get("model_variable") and model:
        parameters.setdefault(row.recorded["model_variable"], model)
    return {"parameters": {**parameters, **files}, "variables": {n: v for n, v in plain.items() if n not in parameters}}
