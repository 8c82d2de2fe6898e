"""Which cluster a project is deployed to.  Law: proved before the first call that changes something.

The project names a HyperPod cluster, and kubectl a context; they are the same cluster where AWS says that its API
server has the address that the context leads to.  Names prove nothing: a context may be called anything.
"""

from __future__ import annotations

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.text import printable, quoted
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.eks import Eks
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.io.kubectl import Kubectl
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.targets.hyperpod import catalog, documents


def connect(context: Context, caller: Caller) -> Kubectl:
    """kubectl on the project's cluster.

    Raises PreconditionError where the project names none, or no context leads to it; UserError where it is not there.
    """
    name = named(context, caller)
    arn, address = _address(caller, name)
    view = Kubectl(context.environ).config()
    servers = {
        str(one.get("name")): str((one.get("cluster") or {}).get("server", "")) for one in view.get("clusters") or ()
    }
    fitting = [
        str(one.get("name"))
        for one in view.get("contexts") or ()
        if _same(servers.get(str((one.get("context") or {}).get("cluster")), ""), address)
    ]
    if not fitting:
        command = f"aws eks update-kubeconfig --region {caller.region} --name {arn.rpartition('/')[2]}"
        message = f"no context of kubectl leads to the HyperPod cluster {printable(name)} ({printable(address)})"
        raise PreconditionError([error("MLCC372", message, hint=command)])
    current = str(view.get("current-context", ""))
    chosen = current if current in fitting else fitting[0]
    return Kubectl(context.environ, chosen, documents.namespace(context.project))


def named(context: Context, caller: Caller) -> str:
    """The project's HyperPod cluster.  Raises PreconditionError where it names none, with those that there are."""
    name = str(context.project.get("hyperpod.cluster", ""))
    if not name:
        hint = f"mlcc set hyperpod.cluster NAME; mlcc apply. Clusters in {caller.region}: {catalog.listed(caller)}"
        raise PreconditionError([error("MLCC370", "the project names no HyperPod cluster", hint=hint)])
    return name


def _address(caller: Caller, name: str) -> tuple[str, str]:
    """The ARN of the EKS cluster behind a HyperPod cluster, and the address of its API server."""
    found = SageMaker(caller).cluster(name)
    if found is None:
        message = f"no HyperPod cluster is called {quoted(name)} in {caller.region}"
        hint = f"known: {catalog.listed(caller)}; mlcc set hyperpod.cluster NAME; mlcc apply"
        raise UserError([error("MLCC371", message, hint=hint)])
    arn = catalog.eks_arn(found)
    if not arn:
        message = f"the HyperPod cluster {printable(name)} is not orchestrated by Amazon EKS"
        hint = f"name one that is: {catalog.listed(caller)}; mlcc set hyperpod.cluster NAME; mlcc apply"
        raise UserError([error("MLCC371", message, hint=hint)])
    cluster = Eks(caller).cluster(arn.rpartition("/")[2])
    if cluster is None or not cluster.get("endpoint"):
        message = f"the EKS cluster {printable(arn)} does not answer: it is not there, or not active"
        raise UserError([error("MLCC371", message, hint="aws eks describe-cluster says more")])
    return arn, str(cluster["endpoint"])


def _same(server: str, address: str) -> bool:
    return bool(server) and server.rstrip("/").lower() == address.rstrip("/").lower()
