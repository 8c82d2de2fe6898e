"""What is past its time in a cluster.  Law: found by mlcc's labels and its note of the end; nothing else is named.

Looked at is what holds machines.  A project's environment has expired in a namespace when all of that has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.io.kubectl import Kubectl, KubectlError, Object
from mlcc.lifecycle.context import Progress
from mlcc.lifecycle.targets.hyperpod import own_objects, refusals
from mlcc.lifecycle.targets.hyperpod.documents import EXPIRES, Owner
from mlcc.lifecycle.targets.hyperpod.objects import DEPLOYMENT, ENDPOINT, KINDS
from mlcc.lifecycle.targets.sagemaker.reaper import Expired
from mlcc.resolve.hyperpod import manifests

# Values of labels and names of namespaces: another text would be another selector.
WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def expired(kubectl: Kubectl, now: float) -> list[Expired]:
    """What holds machines and is past its time, in all namespaces.  now: seconds since 1970.  Raises KubectlError."""
    found: dict[Owner, list[tuple[str, Object]]] = {}
    for kind in (ENDPOINT, DEPLOYMENT):
        for one in _marked(kubectl, kind):
            metadata = one.get("metadata") or {}
            labels = metadata.get("labels") or {}
            whose = Owner(
                str(labels.get(manifests.PROJECT, "")),
                str(labels.get(manifests.ENVIRONMENT, "")),
                str(metadata.get("namespace", "")),
            )
            if all(WORD.fullmatch(word) for word in whose) and not metadata.get("ownerReferences"):
                found.setdefault(whose, []).append((kind, one))
    return [row for whose, parts in found.items() for row in _ended(whose, parts, now)]


def reap(found: Expired, kubectl: Kubectl, progress: Progress) -> bool:
    """Takes away all that a project's environment has in a namespace; True when nothing is left.

    Raises KubectlError.
    """
    whose, place = Owner(found.project, found.environment, found.namespace), kubectl.inside(found.namespace)
    own_objects.delete_of(place, whose, own_objects.owned(place, whose), own_objects.LIMIT_S, progress)
    return not own_objects.owned(place, whose)


def _marked(kubectl: Kubectl, kind: str) -> list[Object]:
    try:
        return kubectl.with_label(KINDS[kind].resource, manifests.PROJECT)
    except KubectlError as problem:
        if not refusals.is_unknown_resource(problem):
            raise
        return []  # a cluster without the operator


def _ended(whose: Owner, parts: list[tuple[str, Object]], now: float) -> Iterator[Expired]:
    ends = [str((one["metadata"].get("annotations") or {}).get(EXPIRES, "")) for _, one in parts]
    if all(end.isdecimal() and int(end) < now for end in ends):
        for (kind, one), end in zip(parts, ends, strict=True):
            yield Expired(
                whose.project, whose.environment, kind, str(one["metadata"]["name"]), int(end), "", whose.namespace
            )
