"""What to do where AWS has no machine, or allows none.  Law: a failure stays a failure; this adds what would do.

Asked is nobody but Service Quotas, after a call that a quota has refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlcc.core.errors import UserError
from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.servicequotas import ServiceQuotas
from mlcc.lifecycle import aws_errors
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.resolve.hardware import instances
from mlcc.resolve.hardware.costs import proposed

# Of the reason of a deployment that got no machine (aws/deep-learning-containers, REAL_ICE_MESSAGE).
NO_MACHINE = "compute capacity"
LIMIT = "ResourceLimitExceeded"
# "The account-level service limit 'ml.g6.48xlarge for endpoint usage' is 0 Instances"
_QUOTA = re.compile(r"service limit '([^']{1,200})'")
SHOWN = 3


@contextmanager
def explained(context: Context, caller: Caller) -> Iterator[None]:
    """A block whose failures for want of machines name instance types that would do, and the quota with its code."""
    try:
        yield
    except AwsError as problem:
        if problem.code != LIMIT:
            raise
        found = aws_errors.finding(problem, context.project.registries, context.clean).findings[0]
        quota = _quota(caller, problem.message)
        hint = "; ".join(filter(None, (found.hint, quota, _would_do(context.project))))
        raise UserError([found._replace(hint=hint)]) from problem
    except UserError as problem:
        found = problem.findings[0]
        if NO_MACHINE not in found.message:
            raise
        row = aws_errors.meaning(found.message, context.project.registries)
        hint = "; ".join(filter(None, (str(row.get("hint", found.hint)), _would_do(context.project))))
        raise UserError([found._replace(hint=hint)]) from problem


def _would_do(project: RenderedProject) -> str:
    own = str(project.get("deployment.instance_type", ""))
    shown = [proposed(project.registries, name, own) for name in alternatives(project)]
    return f"of the same kind and at least as large: {', '.join(shown)}" if shown else ""


def alternatives(project: RenderedProject) -> list[str]:
    """Instance types on which the project would run, too: the cheapest whose devices are at least as many and as good.

    Pure; empty where the project's own type is unknown.
    """
    own = project.registries.instance(str(project.get("deployment.instance_type", "")))
    if own is None or not project.target.instances:
        return []
    return [one.name for one in instances.alternatives(project.registries, own, project.target.instances)[:SHOWN]]


def _quota(caller: Caller, message: str) -> str:
    """The quota that refused a call, with its code; empty where Service Quotas does not tell."""
    named = _QUOTA.search(message)
    if named is None:
        return ""
    with suppress(AwsError):
        code = ServiceQuotas(caller, "sagemaker").code_of(named[1])
        return f"quota {code} ({printable(named[1], 200)})" if code else ""
    return ""
