"""What runs of a record: the account's endpoint in a record's own fields.  Law: reads only; compares what both have.

What changes by itself is no difference: the copies of a component that scales, the instances of an endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.core.errors import MlccError, PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.io.aws.sts import Sts
from mlcc.lifecycle.aws_errors import PLAIN, finding
from mlcc.lifecycle.deployments.records import SYSTEM, without_secrets
from mlcc.lifecycle.targets.sagemaker import desired
from mlcc.lifecycle.targets.sagemaker.states import IN_SERVICE, NOT_DEPLOYED
from mlcc.registries.loader import Registries
from mlcc.registries.redaction import redact_printed
from mlcc.registries.redaction_given import REDACTED

# Of what a record calls a parameter, what is a variable and no file.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TAGS = {"projectName": desired.PROJECT_TAG, "environment": desired.ENVIRONMENT_TAG, "configId": desired.CONFIG_TAG}


def need_endpoint(record: Mapping[str, Any], kind: type[MlccError] = PreconditionError) -> None:
    """Raises PreconditionError, or what `kind` is, for a record of nothing that AWS could tell of."""
    if not record.get("endpointName"):
        message = (
            f"a deployment on the target {printable(str(record.get('deploymentTarget', '?')), 60)} has no endpoint"
        )
        raise kind([error("MLCC334", message, hint="do without --live")])


def look(record: Mapping[str, Any], connect: Callable[[str], Caller], registries: Registries) -> dict[str, Any]:
    """What runs of a record, and where it differs: `running` and `differences`.

    connect: makes a connection for a region.  Raises PreconditionError for a record without an endpoint, UserError for
    credentials of another account than the record's.
    """
    need_endpoint(record)
    try:
        caller = connect(str(record.get("region", "")))
        who = Sts(caller).identity()
        if record.get("accountId", who.account) != who.account:
            account = printable(str(record["accountId"]), 20)
            message = f"the record is of account {account}, and these credentials belong to {who.account}"
            raise UserError([error("MLCC325", message, hint="use other credentials (AWS_PROFILE)")])
        running = what_runs(record, caller)
    except AwsError as problem:
        raise finding(problem, registries, redact_printed, PLAIN) from problem
    return {"running": running, "differences": differences(record, running)}


def what_runs(record: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The endpoint of a record as it is now, and of its components and adapters those that are there.

    record: with `endpointName`, and `resourceName` in the rows of its `icList`.  Raises AwsError.
    """
    account = SageMaker(caller)
    endpoint = account.endpoint(str(record["endpointName"]))
    if endpoint is None:
        return {"endpointStatus": NOT_DEPLOYED}
    config = account.endpoint_config(str(endpoint.get("EndpointConfigName", ""))) or {}
    variant: Mapping[str, Any] = next(iter(config.get("ProductionVariants", ())), {})
    tags = account.tags(str(endpoint.get("EndpointArn", ""))) or {}
    found: dict[str, Any] = {
        "endpointArn": endpoint.get("EndpointArn"),
        "endpointStatus": endpoint.get("EndpointStatus"),
        "instanceType": variant.get("InstanceType"),
        "inferenceAmiVersion": variant.get("InferenceAmiVersion"),
        **{field: tags.get(tag) for field, tag in TAGS.items()},
        **_served(account, str(variant.get("ModelName", ""))),
    }
    parts = [_part(account, row) for row in _rows(record) if row.get("resourceName")]
    if parts:
        found["icList"] = parts
    return dict(without_secrets({name: value for name, value in found.items() if value not in (None, "")}))


def _rows(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of a record's icList; a record that was imported may have anything there."""
    found = record.get("icList")
    return [one for one in found if isinstance(one, Mapping) and "name" in one] if isinstance(found, list) else []


def _part(account: SageMaker, row: Mapping[str, Any]) -> dict[str, Any]:
    """A component or adapter as it is now."""
    answer = account.component(str(row["resourceName"]))
    found: dict[str, Any] = {"name": str(row["name"]), "resourceName": row["resourceName"]}
    if answer is None:
        return {**found, "status": NOT_DEPLOYED}
    specification = answer.get("Specification", {})
    container = specification.get("Container", {})
    needs = specification.get("ComputeResourceRequirements", {})
    found |= {
        "arn": answer.get("InferenceComponentArn"),
        "status": answer.get("InferenceComponentStatus"),
        "gpuCount": needs.get("NumberOfAcceleratorDevicesRequired"),
        "copyCount": None if "scaledTo" in row else answer.get("RuntimeConfig", {}).get("DesiredCopyCount"),
        "artifactUrl": container.get("ArtifactUrl"),
        **_served(account, str(specification.get("ModelName", ""))),
    }
    return {name: value for name, value in found.items() if value is not None}


def _served(account: SageMaker, name: str) -> dict[str, Any]:
    """Image and variables of a model; nothing for none."""
    model = (account.model(name) if name else None) or {}
    container = model.get("PrimaryContainer", {})
    if not container:
        return {}
    image = str(container.get("Image", ""))
    digest = image.partition("@")[2]
    return {
        "image": image,
        "imageDigest": digest or None,
        "roleArn": model.get("ExecutionRoleArn"),
        "modelArn": model.get("ModelArn"),
        "parameters": container.get("Environment", {}),
    }


# Fields of a record, and of a part of its icList, that what runs has, too; a part serves unless its record says other.
FIELDS = ("projectName", "environment", "configId", "endpointStatus", "instanceType", "inferenceAmiVersion")
PART_FIELDS = ("status", "gpuCount", "copyCount", "artifactUrl", "modelArn")
SERVES = {"status": IN_SERVICE, "endpointStatus": IN_SERVICE}
# Of a model in a record, and not in the environment of every container.
RECORDED_ONLY = ("HF_MODEL_ID", "TRITON_MODEL_REPOSITORY")
# What a record does not hold: variables of the machine, and those that deployments add.
OF_MACHINES = (*SYSTEM, "MLCC_", "SAGEMAKER_")


class Expected(NamedTuple):
    """What is compared in place of a value that was not recorded."""

    value: Any


# Of a variable that no record has: it runs with none.
ADDED = Expected(object())


def differences(record: Mapping[str, Any], running: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fields in which what runs is not what was recorded: `path`, `before` (recorded) and `after` (running).

    `before` is None where nothing was recorded, and what runs is not what every record lets expect.
    """
    found = []
    for path, before, after in _compared(record, running):
        assumed = isinstance(before, Expected)
        wanted = before.value if isinstance(before, Expected) else before
        if wanted not in (None, "", REDACTED) and wanted != after and after != REDACTED:
            found.append({"path": path, "before": None if assumed else before, "after": after})
    return found


def _recorded(row: Mapping[str, Any], field: str) -> Any:
    """A field of a record, or of a part of it; else what it lets expect."""
    found = row.get(field)
    return Expected(SERVES[field]) if found in (None, "") and field in SERVES else found


Compared = Iterator[tuple[str, Any, Any]]


def _compared(record: Mapping[str, Any], running: Mapping[str, Any]) -> Compared:
    """Path, recorded value and running value of every field that can be compared."""
    there = running["endpointStatus"] != NOT_DEPLOYED
    for field in FIELDS if there else ("endpointStatus",):
        yield field, _recorded(record, field), running.get(field)
    if "image" in running:
        yield from _container(record, {}, running, "")
    parts = {part["name"]: part for part in running.get("icList", ())}
    for row in _rows(record):
        part = parts.get(str(row["name"]), {}) if there else {}
        place = f"icList[{row['name']}]."
        for field in PART_FIELDS if "arn" in part else ("status",) if part else ():
            yield place + field, _recorded(row, field), part.get(field, row.get(field))
        if "image" in part:
            yield from _container(record, row, part, place)


def _container(record: Mapping[str, Any], row: Mapping[str, Any], served: Mapping[str, Any], place: str) -> Compared:
    """The image and the variables of a container.  row: of the component that it belongs to, empty for none."""
    if "/" in str(row.get("image", "")):
        yield f"{place}image", row["image"], served["image"]
    else:
        yield f"{place}imageDigest", record.get("imageDigest"), served.get("imageDigest")
    variables: dict[str, Any] = {}
    for found in (record.get("variables"), record.get("parameters"), row.get("parameters")):
        variables |= found if isinstance(found, Mapping) else {}
    environment = served["parameters"]
    for name in sorted(filter(VARIABLE.fullmatch, variables)):
        if name in environment or name not in RECORDED_ONLY:
            yield f"{place}parameters.{name}", variables[name], environment.get(name)
    for name in sorted(filter(VARIABLE.fullmatch, environment)):
        if name not in variables and not name.startswith(OF_MACHINES):
            yield f"{place}parameters.{name}", ADDED, environment[name]


def as_recorded(record: Mapping[str, Any], running: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that a record gets from what runs: ARNs and states, the image's digest, the host's image."""
    parts = {part["name"]: part for part in running.get("icList", ())}
    rows = []
    for row in record.get("icList", ()):
        part = parts.get(row["name"], {})
        rows.append(
            {**row, **{name: part[name] for name in ("arn", "status", "modelArn", "imageDigest") if name in part}}
        )
    served = [running, *parts.values()]
    facts = {
        name: running[name] for name in ("endpointArn", "endpointStatus", "inferenceAmiVersion") if name in running
    }
    for name in ("imageDigest", "roleArn", "modelArn"):
        known = list(dict.fromkeys(one[name] for one in served if name in one))
        facts |= {name: known[0]} if len(known) == 1 else {}
    return {**facts, **({"icList": rows} if rows else {})}
