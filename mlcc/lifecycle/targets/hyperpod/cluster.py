"""Which cluster a project is deployed to.  Law: proved before the first call that changes something.

The project names a cluster of HyperPod, or one of EKS alone, and kubectl a context; they are the same cluster where
AWS says that its API server has the address that the context leads to.  Names prove nothing: a context may be called
anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.text import printable, quoted
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.eks import Eks
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.io.kubectl import Kubectl
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.hyperpod import catalog, documents


def connect(context: Context, caller: Caller) -> Kubectl:
    """kubectl on the project's cluster.

    Raises PreconditionError where the project names none, or no context leads to it; UserError where it is not there.
    """
    name, plain = named(context, caller), bool(context.project.get("hyperpod.eks_cluster", ""))
    return reach(context.environ, caller, name, plain, documents.namespace(context.project))


def reach(environ: Mapping[str, str], caller: Caller, name: str, plain: bool, namespace: str = "") -> Kubectl:
    """kubectl on a cluster, in a namespace.

    environ: of the caller, whose kubeconfig it names; plain: `name` is a cluster of EKS alone.  Raises
    PreconditionError where no context leads to it; UserError where it is not there.
    """
    eks, address = _address(caller, name, plain)
    view = Kubectl(environ).config()
    servers = {
        str(one.get("name")): str((one.get("cluster") or {}).get("server", "")) for one in view.get("clusters") or ()
    }
    fitting = [
        str(one.get("name"))
        for one in view.get("contexts") or ()
        if _same(servers.get(str((one.get("context") or {}).get("cluster")), ""), address)
    ]
    if not fitting:
        command = f"aws eks update-kubeconfig --region {caller.region} --name {eks}"
        message = f"no context of kubectl leads to the cluster {printable(name)} ({printable(address)})"
        raise PreconditionError([error("MLCC372", message, hint=command)])
    current = str(view.get("current-context", ""))
    chosen = current if current in fitting else fitting[0]
    return Kubectl(environ, chosen, namespace)


def named(context: Context, caller: Caller) -> str:
    """The project's cluster.  Raises PreconditionError where it names none, with those of HyperPod that there are."""
    name = name_of(context.project)
    if not name:
        hint = f"mlcc set hyperpod.cluster NAME; mlcc apply. Clusters in {caller.region}: {catalog.listed(caller)}"
        raise PreconditionError([error("MLCC370", "the project names no cluster", hint=hint)])
    return name


def name_of(project: RenderedProject) -> str:
    """The name of the project's cluster, of HyperPod or of EKS alone; empty where it names none."""
    return str(project.get("hyperpod.cluster", "") or project.get("hyperpod.eks_cluster", ""))


def _address(caller: Caller, name: str, plain: bool) -> tuple[str, str]:
    """The name of the EKS cluster that is named, or that is behind a HyperPod cluster, and the address of its API
    server.
    """
    eks = name if plain else _behind(caller, name)
    cluster = Eks(caller).cluster(eks)
    if cluster is None or not cluster.get("endpoint"):
        message = f"the EKS cluster {printable(eks)} does not answer: it is not there, or not active"
        hint = f"aws eks list-clusters --region {caller.region} lists those that there are"
        raise UserError([error("MLCC371", message, hint=hint)])
    return eks, str(cluster["endpoint"])


def _behind(caller: Caller, name: str) -> str:
    """The name of the EKS cluster behind a HyperPod cluster."""
    found = SageMaker(caller).cluster(name)
    if found is None:
        message = f"no HyperPod cluster is called {quoted(name)} in {caller.region}"
        hint = f"known: {catalog.listed(caller)}; mlcc set hyperpod.cluster NAME; mlcc apply"
        hint += "; a cluster of EKS alone stands in hyperpod.eks_cluster"
        raise UserError([error("MLCC371", message, hint=hint)])
    arn = catalog.eks_arn(found)
    if not arn:
        message = f"the HyperPod cluster {printable(name)} is not orchestrated by Amazon EKS"
        hint = f"name one that is: {catalog.listed(caller)}; mlcc set hyperpod.cluster NAME; mlcc apply"
        raise UserError([error("MLCC371", message, hint=hint)])
    return printable(arn.rpartition("/")[2])


def _same(server: str, address: str) -> bool:
    return bool(server) and server.rstrip("/").lower() == address.rstrip("/").lower()
