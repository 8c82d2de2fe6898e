"""The objects of a project in its cluster.  Law: what lacks the project's labels is not touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlcc.core.text import printable
from mlcc.io.kubectl import Kubectl, KubectlError, Object
from mlcc.lifecycle.context import Context, Progress
from mlcc.lifecycle.targets.hyperpod import documents, refusals
from mlcc.lifecycle.targets.hyperpod.documents import Owner
from mlcc.lifecycle.targets.hyperpod.objects import CLAIM, DEPLOYMENT, ENDPOINT, KINDS
from mlcc.resolve.hyperpod import manifests

# Longer than the operator's own limit (an hour), with the nodes and the image before it.
LIMIT_S = 5400.0


def marks(context: Context, kind: str) -> dict[str, str]:
    """The labels of the project's objects of a kind."""
    return documents.owner(context.project).marks(KINDS[kind].of_cluster)


def labelled(context: Context, kubectl: Kubectl) -> dict[tuple[str, str], Object]:
    """Every object that was made for the project, by kind and name."""
    return owned(kubectl, documents.owner(context.project), documents.has_volume(context.project))


def owned(kubectl: Kubectl, owner: Owner, has_volume: bool = False) -> dict[tuple[str, str], Object]:
    """Every object of an owner, by kind and name; not those that an object of its own owns.

    An operator may copy labels to what it makes, and that goes with its owner.  has_volume: a manifest says that there
    is one.
    """
    found: dict[tuple[str, str], Object] = {}
    for kind, row in KINDS.items():
        try:
            listed = kubectl.labelled(row.resource, owner.marks(row.of_cluster))
        except KubectlError as problem:
            # who may not see volumes has made none, where there is no claim either
            unseen = row.of_cluster and refusals.is_forbidden(problem) and CLAIM not in {kind for kind, _ in found}
            if not (refusals.is_unknown_resource(problem) or (unseen and not has_volume)):
                raise
            continue  # a cluster without the operator has none of its objects
        made = [one for one in listed if not one["metadata"].get("ownerReferences")]
        found |= {(kind, str(one["metadata"]["name"])): one for one in made}
    return found


def delete(context: Context, kubectl: Kubectl, keys: Sequence[tuple[str, str]]) -> None:
    """Deletes objects of the project, in order, each when the one before it is gone."""
    limit_s = float(context.argument("timeout") or LIMIT_S)
    delete_of(kubectl, documents.owner(context.project), keys, limit_s, context.progress)


def delete_of(
    kubectl: Kubectl, owner: Owner, keys: Iterable[tuple[str, str]], limit_s: float, progress: Progress
) -> None:
    """Deletes objects of an owner, in order, each when the one before it is gone.  limit_s: for each."""
    for kind, name in keys:
        progress.say(f"delete {kind} {name}")
        kubectl.delete(KINDS[kind].resource, name, owner.marks(KINDS[kind].of_cluster), limit_s)


def needed_elsewhere(context: Context, kubectl: Kubectl) -> str:
    """Why another environment of the project needs its images: it has pods in the cluster; or an empty text."""
    project = context.project
    for kind in (ENDPOINT, DEPLOYMENT):
        try:
            found = _of_project(context, kubectl, kind, everywhere=True)
        except KubectlError as problem:
            others = [name for name in project.lock.environments if name != project.env]
            if not refusals.is_forbidden(problem):
                raise
            if others:  # in a namespace of their own, maybe
                return f"this caller may not see whether the environment {printable(others[0], 100)} has pods of it"
            found = _of_project(context, kubectl, kind, everywhere=False)
        own = documents.owner(project).environment
        names = [str(one["metadata"]["labels"].get(manifests.ENVIRONMENT, "")) for one in found]
        other = next((name for name in names if name != own), "")
        if other:
            return f"the environment {printable(other, 100)} has pods of its images"
    return ""


def _of_project(context: Context, kubectl: Kubectl, kind: str, everywhere: bool) -> list[Object]:
    """What a project has of a kind, in whatever environment."""
    try:
        return kubectl.labelled(KINDS[kind].resource, {manifests.PROJECT: context.project.name}, everywhere)
    except KubectlError as problem:
        if not refusals.is_unknown_resource(problem):
            raise
        return []  # a cluster without the operator
