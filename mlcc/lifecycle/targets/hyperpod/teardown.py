"""clean on hyperpod-eks: what the project has in the cluster goes away, and what push and submit made in the account.

Law: only the part that is named; the cluster is proved first; what is not the project's is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.io.aws.connection import Caller
from mlcc.io.kubectl import selector
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.targets import cleaning
from mlcc.lifecycle.targets.hyperpod import cluster, documents, own_objects
from mlcc.lifecycle.targets.hyperpod.objects import KINDS
from mlcc.lifecycle.targets.sagemaker import account, beside, facts
from mlcc.lifecycle.targets.sagemaker.beside import CODEBUILD, REPOSITORY
from mlcc.lifecycle.targets.sagemaker.facts import Facts

OBJECTS, KUBERNETES = "objects", "kubernetes"
SCOPES: Mapping[str, tuple[str, ...]] = {
    cleaning.ALL: (OBJECTS, REPOSITORY, CODEBUILD),
    cleaning.ENDPOINT: (OBJECTS,),
    REPOSITORY: (REPOSITORY,),
    CODEBUILD: (CODEBUILD,),
}


def clean(context: Context) -> Result:
    """Takes away all that the project has in its namespace and in the account, or one part of it, and proves it."""
    project, scope = context.project, cleaning.scope(context, SCOPES)
    if context.argument("dry_run"):
        return _dry_run(context, scope)
    caller = context.aws()
    place = account.place(context, caller)
    proofs = _removed(context, caller, place, scope)
    lines = [f"{'ok  ' if held else 'LEFT'} {what}" for what, held in proofs.items()]
    return Result({"target": project.target.name, "proofs": proofs}, lines, ok=all(proofs.values()))


def _removed(context: Context, caller: Caller, place: Facts, scope: tuple[str, ...]) -> dict[str, bool]:
    if scope == (CODEBUILD,):  # which no cluster knows of
        return beside.remove(context, caller, place, scope)
    kubectl = cluster.connect(context, caller)
    proofs: dict[str, bool] = {}
    if OBJECTS in scope:
        own_objects.delete(context, kubectl, list(own_objects.labelled(context, kubectl)))
        proofs = {"nothing of it is left in the cluster": not own_objects.labelled(context, kubectl)}
    return proofs | beside.remove(context, caller, place, scope, lambda: own_objects.needed_elsewhere(context, kubectl))


def _dry_run(context: Context, scope: tuple[str, ...]) -> Result:
    """The calls for all that the project says, in the order of a real run."""
    project, (place, assumed) = context.project, facts.without_asking(context)
    assumed.pop("role_arn", None)  # nobody assumes one
    made: list[Mapping[str, Any]] = []
    if OBJECTS in scope:
        for kind in KINDS:
            labels = selector(own_objects.marks(context, kind))
            made.append(call(KUBERNETES, "Delete", kind=kind, namespace=documents.namespace(project), selector=labels))
    made += beside.removals(context, place, scope)
    return calls(made, cluster=cluster.name_of(project), **assumed)
