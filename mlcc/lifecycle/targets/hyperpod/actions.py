"""The steps of the target hyperpod-eks by name.  Law: a table; the dry run of what only reads asks nobody."""

from __future__ import annotations

from mlcc.io.kubectl import selector
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.targets.hyperpod import documents, verbs
from mlcc.lifecycle.targets.hyperpod.objects import KINDS

clean = verbs.clean
deploy = verbs.deploy
invoke = verbs.invoke
logs = verbs.logs
test = verbs.test


def status(context: Context) -> Result:
    """Whether it serves; with --dry-run what the cluster would be asked."""
    if not context.argument("dry_run"):
        return verbs.status(context)
    project = context.project
    made = [
        call(
            verbs.KUBERNETES,
            "List",
            namespace=documents.namespace(project),
            kind=kind,
            selector=selector(documents.marks(project, row.of_cluster)),
        )
        for kind, row in KINDS.items()
    ]
    assumed = {} if project.get("hyperpod.cluster") else {"cluster": "the one that hyperpod.cluster will name"}
    return calls(made, **assumed)
