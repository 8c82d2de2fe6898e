"""What a pod of the project is: environment, devices, memory, probes.  Law: pure; the same for every kind of manifest.

Kubernetes expands `$(NAME)` in the values of variables, and the value of mlcc.yaml shall reach the container as it is
written: each `$` is doubled, which Kubernetes undoes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import Path
from mlcc.core.value_text import scalar_text
from mlcc.resolve.result import Rows

# Seconds between two questions of a probe.
PERIOD_S = 10


def environment(values: Mapping[Path, Any]) -> list[dict[str, Any]]:
    """The variables of the container by name: values of `env`, and references to Secret objects."""
    found: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        if path[:-1] == ("env",):
            found[str(path[-1])] = {"value": scalar_text(value).replace("$", "$$")}
    for name in secrets(values):
        found[name] = {"valueFrom": {"secretKeyRef": secret(values, name)}}
    return [{"name": name, **rest} for name, rest in sorted(found.items())]


def secrets(values: Mapping[Path, Any]) -> list[str]:
    """The names of the secrets that lie in the cluster and that the running container reads."""
    names = [str(path[1]) for path in values if path[0] == "secrets" and path[2:] == ("kubernetes", "name")]
    return [name for name in names if values.get(("secrets", name, "phase")) != "build"]


def secret(values: Mapping[Path, Any], name: str) -> dict[str, str]:
    """The reference to a secret of the cluster: the Secret object, and the key in it."""
    return {word: str(values[("secrets", name, "kubernetes", word)]) for word in ("name", "key")}


def devices(values: Mapping[Path, Any], rows: Rows) -> int:
    """Accelerators of one pod: what hyperpod.gpu_count says, else all that the instance type has."""
    asked = values.get(("hyperpod", "gpu_count"))
    if asked is not None:
        return int(asked)
    return (rows.instance.accelerator_count or 0) if rows.instance is not None else 0


def resources(values: Mapping[Path, Any], rows: Rows) -> dict[str, Any]:
    """What a pod is given.  Processors and memory are asked for only where mlcc.yaml says how much."""
    asked = {
        word: str(values[("hyperpod", f"{word}_request")])
        for word in ("cpu", "memory")
        if ("hyperpod", f"{word}_request") in values
    }
    count, kind = devices(values, rows), rows.instance.accelerator if rows.instance is not None else ""
    name = rows.target.devices.get(kind, "") if rows.target is not None else ""
    # devices cannot be shared: Kubernetes wants the same number in both
    own: dict[str, Any] = {name: count} if count and name else {}
    found = {"limits": own, "requests": {**asked, **own}}
    return {word: amounts for word, amounts in found.items() if amounts}


def probes(container: Mapping[str, Any]) -> dict[str, Any]:
    """Start and readiness, both by /ping.  A busy server is not killed: there is no liveness probe.

    container: the facts of the architecture.
    """
    request = {"httpGet": {"path": str(container["ping"]), "port": int(container["port"])}}
    common = {**request, "periodSeconds": PERIOD_S, "timeoutSeconds": math.ceil(float(container["ping_timeout_s"]))}
    failures = math.ceil(float(container["startup_timeout_s"]) / PERIOD_S)
    return {"readinessProbe": common, "startupProbe": {**common, "failureThreshold": failures}}
