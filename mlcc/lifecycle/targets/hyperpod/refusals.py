"""What kubectl refuses, in words that help.  Law: the cluster's own words follow ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from mlcc.core.errors import MlccError, PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.kubectl import KubectlError
from mlcc.lifecycle.context import Context, Result
from mlcc.registries.redaction import redact_printed

# What a cluster says is cut here.
MAX_WORDS = 600


class Known(NamedTuple):
    """An answer that is known: a part of its text, what to do, the finding, and whether something is missing."""

    part: str
    hint: str
    code: str = "MLCC378"
    precondition: bool = False


NO_OPERATOR = "the cluster has no inference operator of HyperPod"
KNOWN = (
    Known(
        "no matches for kind",
        "install the operator, or render a plain Deployment: mlcc set hyperpod.operator false; mlcc apply",
        "MLCC379",
        True,
    ),
    Known("conflict", "another program owns these fields: leave them out of the manifest, or have it give them up"),
    Known(
        "namespaces", "kubectl create namespace NAME, or mlcc set hyperpod.namespace NAME; mlcc apply", "MLCC378", True
    ),
    Known("forbidden", "ask the cluster's administrator for these rights", "MLCC378"),
    Known("Unauthorized", "use other credentials: aws eks update-kubeconfig writes who asks", "MLCC378", True),
    Known("Unable to connect", "reach the cluster's address from here (VPN, private endpoint)", "MLCC378", True),
    Known("connection to the server", "reach the cluster's address from here (VPN, private endpoint)", "MLCC378", True),
)


def is_unknown_resource(problem: KubectlError) -> bool:
    """Whether the cluster does not know a kind of object."""
    return "doesn't have a resource type" in problem.words


def is_forbidden(problem: KubectlError) -> bool:
    """Whether the caller has no right to do it."""
    return "(Forbidden)" in problem.words or "is forbidden" in problem.words


def explained(verb: Callable[[Context], Result]) -> Callable[[Context], Result]:
    """A verb whose errors of kubectl are findings."""

    @wraps(verb)
    def run(context: Context) -> Result:
        try:
            return verb(context)
        except KubectlError as problem:
            raise finding(problem, context.clean) from problem

    return run


@contextmanager
def explaining() -> Iterator[None]:
    """A block whose errors of kubectl are findings; for commands that have no project."""
    try:
        yield
    except KubectlError as problem:
        raise finding(problem, redact_printed) from problem


def finding(problem: KubectlError, clean: Callable[[str], str]) -> MlccError:
    """The exception that a command ends with.  clean: takes secrets out of a text."""
    row = next((known for known in KNOWN if known.part in problem.words), Known("", ""))
    words = f"kubectl {problem.operation}: {printable(clean(problem.words), MAX_WORDS)}"
    message = f"{NO_OPERATOR} ({words})" if row.code == "MLCC379" else words
    return (PreconditionError if row.precondition else UserError)([error(row.code, message, hint=row.hint)])
