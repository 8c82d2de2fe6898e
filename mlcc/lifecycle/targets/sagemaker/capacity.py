"""What to do where AWS has no machine, or allows none.  Law: a failure stays a failure; this adds what would do.

Asked is nobody but Service Quotas, after a call that a quota has refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlcc.core.errors import UserError
from mlcc.core.text import printable
from mlcc.core.version_order import order
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.servicequotas import ServiceQuotas
from mlcc.lifecycle import aws_errors
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.registries.rows import Instance

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
    names = alternatives(project)
    return f"of the same kind and at least as large: {', '.join(names)}" if names else ""


def alternatives(project: RenderedProject) -> list[str]:
    """Instance types on which the project would run, too: the cheapest whose devices are at least as many and as good.

    Pure; empty where the project's own type is unknown.
    """
    registries, use = project.registries, project.target.instances
    own = registries.instance(str(project.get("deployment.instance_type", "")))
    if own is None or not use:
        return []
    fitting = [one for one in registries.instances.values() if getattr(one, use) and _at_least(one, own)]
    prices = {one.name: registries.price(one.name) for one in fitting}

    def rank(one: Instance) -> tuple[bool, float, str]:
        price = prices[one.name]
        return price is None, price.amount if price is not None else 0.0, one.name

    return [one.name for one in sorted(fitting, key=rank)[:SHOWN]]


def _at_least(one: Instance, own: Instance) -> bool:
    """Whether a type is another one, of the same kind, with no less of anything that is known."""
    if one.name == own.name or (one.platform, one.accelerator) != (own.platform, own.accelerator):
        return False
    pairs = (
        (one.accelerator_count, own.accelerator_count),
        (one.accelerator_memory_gib, own.accelerator_memory_gib),
        (one.memory_gib, own.memory_gib),
        (one.vcpu, own.vcpu),
    )
    enough = all((found or 0) >= (wanted or 0) for found, wanted in pairs)
    return enough and order(one.compute_capability or "0") >= order(own.compute_capability or "0")


def _quota(caller: Caller, message: str) -> str:
    """The quota that refused a call, with its code; empty where Service Quotas does not tell."""
    named = _QUOTA.search(message)
    if named is None:
        return ""
    with suppress(AwsError):
        code = ServiceQuotas(caller, "sagemaker").code_of(named[1])
        return f"quota {code} ({printable(named[1], 200)})" if code else ""
    return ""
