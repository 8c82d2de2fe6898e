"""The objects of a project in its cluster, and what their status means.  Law: pure; words are the cluster's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.core.paths import leaves
from mlcc.core.records import NamedTuple
from mlcc.io.kubectl import Object
from mlcc.lifecycle.targets.hyperpod.documents import EXPIRES
from mlcc.lifecycle.targets.live_plan import Difference

ENDPOINT, DEPLOYMENT, SERVICE = "InferenceEndpointConfig", "Deployment", "Service"
AUTOSCALER, CLAIM, VOLUME = "HorizontalPodAutoscaler", "PersistentVolumeClaim", "PersistentVolume"
ABSENT, PENDING = "NotDeployed", "DeploymentPending"


class State(NamedTuple):
    """How an object is: its word, whether it serves, whether it never will, and why in the cluster's words."""

    word: str
    ready: bool = False
    failed: bool = False
    reason: str = ""


def _endpoint_state(found: Object) -> State:
    """Of an InferenceEndpointConfig.  What the operator wrote of an older generation says nothing about this one."""
    status, spec = found.get("status") or {}, found.get("spec") or {}
    word = str(status.get("state") or PENDING)
    if not _is_current(found, status):
        return State(PENDING)
    inner = status.get("deploymentStatus") or {}
    sagemaker = str(((status.get("endpoints") or {}).get("sagemaker") or {}).get("state", ""))
    reason = str(inner.get("message") or "") or _conditions(status)
    failed = "DeploymentFailed" in (word, inner.get("deploymentObjectOverallState"))
    if failed or "Fail" in sagemaker:
        return State(word if failed else f"SageMaker endpoint {sagemaker}", failed=True, reason=reason)
    if spec.get("endpointName") and not sagemaker.endswith("Completed"):
        return State(f"SageMaker endpoint {sagemaker or PENDING}", reason=reason)
    ready = word == "DeploymentComplete"
    return State(word, ready, reason="" if ready else reason)


def _is_current(found: Object, status: Mapping[str, Any]) -> bool:
    seen = status.get("observedGeneration")
    return seen is None or seen >= (found.get("metadata") or {}).get("generation", 0)


def _conditions(status: Mapping[str, Any]) -> str:
    """The messages of conditions that do not hold."""
    return _words(_untrue(status))


def _untrue(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [c for c in status.get("conditions") or () if c.get("status") == "False" and c.get("message")]


def _words(conditions: list[dict[str, Any]]) -> str:
    return "; ".join(f"{c.get('reason', '')}: {c['message']}".lstrip(": ") for c in conditions)


def _deployment_state(found: Object) -> State:
    status, wanted = found.get("status") or {}, (found.get("spec") or {}).get("replicas", 1)
    if "observedGeneration" not in status or not _is_current(found, status):
        return State("Pending")
    counts = [int(status.get(name, 0)) for name in ("updatedReplicas", "availableReplicas", "replicas")]
    reason = _conditions(status)
    if any(c.get("reason") == "ProgressDeadlineExceeded" for c in status.get("conditions") or ()):
        return State("Failed", failed=True, reason=reason)
    if counts == [wanted] * 3:
        return State("Available", ready=True)
    return State("Progressing", reason=reason or f"{counts[1]} of {wanted} pods are available")


def _service_state(found: Object) -> State:
    return State("Available", ready=True)


def _autoscaler_state(found: Object) -> State:
    """Metrics come with the pods: nobody waits for them, and what it cannot measure is shown."""
    bad = [c for c in _untrue(found.get("status") or {}) if c.get("type") in ("AbleToScale", "ScalingActive")]
    return State("Unable" if bad else "Available", ready=True, reason=_words(bad))


def _volume_state(found: Object) -> State:
    """Of a volume or of a claim.  A volume whose claim was deleted is reserved for that one for ever."""
    status = found.get("status") or {}
    word = str(status.get("phase") or "Pending")
    reason = str(status.get("message") or "")
    if word == "Released":
        reason = reason or "its claim was deleted: do/clean takes the volume away, then do/deploy makes it anew"
    ready = word in ("Available", "Bound")
    return State(word, ready, word in ("Failed", "Lost", "Released"), reason)


class Kind(NamedTuple):
    """A kind of object.

    resource: kubectl's name of it; state: what its status means; of_cluster: it lies in no namespace.
    """

    resource: str
    state: Callable[[Object], State]
    of_cluster: bool = False


# In the order in which they are taken away: what uses a volume before its claim, and that before the volume.
KINDS: Mapping[str, Kind] = {
    AUTOSCALER: Kind("horizontalpodautoscalers.v2.autoscaling", _autoscaler_state),
    ENDPOINT: Kind("inferenceendpointconfigs.v1.inference.sagemaker.aws.amazon.com", _endpoint_state),
    DEPLOYMENT: Kind("deployments.v1.apps", _deployment_state),
    SERVICE: Kind("services", _service_state),
    CLAIM: Kind("persistentvolumeclaims", _volume_state),
    VOLUME: Kind("persistentvolumes", _volume_state, of_cluster=True),
}


def has_labels(found: Object, labels: Mapping[str, str]) -> bool:
    """Whether an object has all of some labels."""
    own = (found.get("metadata") or {}).get("labels") or {}
    return all(own.get(name) == value for name, value in labels.items())


# What a server writes by itself, and what changes with every deployment.
_OWN = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation")


def differences(kind: str, name: str, before: Object | None, after: Object) -> Iterator[Difference]:
    """Every field in which an object is not as it shall be.  after: as the server would keep it."""
    if before is None:
        yield Difference(kind, name, "", None, after)
        return
    one, other = dict(leaves(_compared(before), into_lists=True)), dict(leaves(_compared(after), into_lists=True))
    for path in dict.fromkeys([*other, *one]):
        if one.get(path) != other.get(path):
            yield Difference(kind, name, path, one.get(path), other.get(path))


def _compared(found: Object) -> Object:
    metadata = {name: value for name, value in (found.get("metadata") or {}).items() if name not in _OWN}
    notes = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != EXPIRES}
    return {"metadata": {**metadata, "annotations": notes}, "spec": found.get("spec") or {}}
