"""What is past its time in an account.  Law: found by its tags alone; what has none of mlcc's is never named.

Looked at is what costs: endpoints, inference components, running transform jobs.  What has expired is taken away with
all that the same project and environment have, as do/clean does.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker import names, planner, states
from mlcc.lifecycle.targets.sagemaker.deployment import converge
from mlcc.lifecycle.targets.sagemaker.desired import Desired, Resource
from mlcc.lifecycle.targets.sagemaker.executor import Pace
from mlcc.lifecycle.targets.sagemaker.observer import observe
from mlcc.load.layers import DEFAULT_ENVIRONMENT


class Expired(NamedTuple):
    """A deployment past its time.

    kind, name: of the resource that shows it; since: seconds since 1970; endpoint: of the deployment, or empty;
    namespace: of a cluster, empty on SageMaker.
    """

    project: str
    environment: str
    kind: str
    name: str
    since: int
    endpoint: str
    namespace: str = ""


def expired(caller: Caller, now: float) -> Iterator[Expired]:
    """Every resource that costs and is past its time.  now: seconds since 1970.  Raises AwsError."""
    sagemaker = SageMaker(caller)
    for name in sagemaker.endpoints():
        yield from _one(sagemaker, kinds.ENDPOINT, name, name, sagemaker.endpoint(name), "EndpointArn", now)
    for name in sagemaker.components():
        answer = sagemaker.component(name)
        endpoint = str((answer or {}).get("EndpointName", ""))
        yield from _one(sagemaker, kinds.COMPONENT, name, endpoint, answer, "InferenceComponentArn", now)
    for name in sagemaker.transform_jobs_named("", states.IN_PROGRESS):
        yield from _one(sagemaker, kinds.JOB, name, "", sagemaker.transform_job(name), "TransformJobArn", now)


def _one(
    sagemaker: SageMaker, kind: str, name: str, endpoint: str, answer: dict[str, object] | None, arn: str, now: float
) -> Iterator[Expired]:
    tags = sagemaker.tags(str(answer[arn])) if answer is not None else None
    project, environment = (tags or {}).get(kinds.PROJECT_TAG), (tags or {}).get(kinds.ENVIRONMENT_TAG)
    until = (tags or {}).get(kinds.EXPIRES_TAG, "")
    if project and environment and until.isdecimal() and int(until) < now:
        yield Expired(project, environment, kind, name, int(until), endpoint)


def reap(found: Expired, caller: Caller, pace: Pace) -> bool:
    """Takes away all that a project and environment have, and what was found whatever its name; True when nothing is
    left.  Raises AwsError, UserError.
    """
    tags = {kinds.PROJECT_TAG: found.project, kinds.ENVIRONMENT_TAG: found.environment}
    environment = "" if found.environment == DEFAULT_ENVIRONMENT else found.environment
    prefix = names.joined(found.project, environment)
    wanted = Desired((Resource(found.kind, found.name, {}),), tags, found.endpoint or prefix)
    converge(wanted, prefix, pace, caller, lambda seen, _: planner.teardown(seen), everything=True)
    seen = observe(wanted, prefix, caller, everything=True)
    # the record of a job that has ended stays in the account for ever
    return all(kind == kinds.JOB and one.status not in states.MOVING for (kind, _), one in seen.items())
