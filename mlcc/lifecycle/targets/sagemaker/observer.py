"""What of a project is there.  Law: reads only; what lacks the project's tag is somebody else's, and is refused.

A name alone proves nothing: an account has many people, and two tools may make the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.io.aws.autoscaling import AutoScaling
from mlcc.io.aws.cloudwatch import CloudWatch
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker import names, states
from mlcc.lifecycle.targets.sagemaker.bodies import scaling
from mlcc.lifecycle.targets.sagemaker.comparison import Observed, Seen
from mlcc.lifecycle.targets.sagemaker.desired import Desired
from mlcc.lifecycle.targets.sagemaker.operations import OPERATIONS

DELETING = "Deleting"
# Of an endpoint that is there: what may scale.
VARIANTS = "Variants"
POLICIES = {scaling.TRACKING: kinds.TRACKING, scaling.WAKING: kinds.WAKING}


def observe(wanted: Desired, prefix: str, caller: Caller, everything: bool = False) -> Observed:
    """What is there of what is wanted, and of what the project had before.

    prefix: what the names of the project's resources begin with; everything: also what earlier deployments left
    without an endpoint.  Raises UserError for a resource of somebody else under one of the project's names, AwsError
    where the account does not answer.
    """
    look = _Look(wanted, SageMaker(caller))
    found = look.endpoints(everything)
    found |= look.components(prefix, found, everything)
    for resource in wanted.of(kinds.MODEL, kinds.CONFIG):
        found |= look.immutable(resource.kind, resource.name)
    if _served(found) or everything:
        found |= look.earlier(prefix, found)
    for name in dict.fromkeys([*(r.name for r in wanted.of(kinds.JOB)), *(look.jobs(prefix) if everything else ())]):
        found |= look.job(name)
    return found | _scaling(wanted, found, AutoScaling(caller), CloudWatch(caller))


def observe_serving(wanted: Desired, prefix: str, caller: Caller) -> Observed:
    """What answers requests: the endpoint, its components and adapters.  As `observe`, in half of its calls."""
    look = _Look(wanted, SageMaker(caller))
    found = look.endpoint(wanted.endpoint)
    return found | look.components(prefix, found, False)


def observe_one(wanted: Desired, kind: str, name: str, caller: Caller) -> Seen | None:
    """One resource that settles, as it is now; None where it is gone."""
    look = _Look(wanted, SageMaker(caller))
    if kind == kinds.JOB:
        return look.job(name).get((kind, name))
    found = look.endpoint(name) if kind == kinds.ENDPOINT else look.component(name)
    return found.get((kind, name))


def job_of(wanted: Desired, name: str, caller: Caller) -> Seen | None:
    """A transform job where it is the project's; None for somebody else's."""
    return _Look(wanted, SageMaker(caller)).job(name, shared=True).get((kinds.JOB, name))


def model_of(wanted: Desired, name: str, caller: Caller) -> Observed:
    """A model where it is the project's; nothing for somebody else's."""
    return _Look(wanted, SageMaker(caller)).immutable(kinds.MODEL, name, shared=True)


class _Look:
    """One look at SageMaker."""

    def __init__(self, wanted: Desired, sagemaker: SageMaker) -> None:
        self.wanted, self.sagemaker = wanted, sagemaker

    def endpoints(self, everything: bool) -> dict[tuple[str, str], Seen]:
        """The endpoint, and those that it is known to be the successor of; and by its tags one that the project has
        under an earlier name: with `everything`, and where there is none of these names.
        """
        found = self.endpoint(self.wanted.endpoint) if self.wanted.endpoint else {}
        for name in self.wanted.earlier:
            found |= self.endpoint(name, shared=True)
        if self.wanted.endpoint and (everything or not found):
            ours = {tag: self.wanted.tags.get(tag, "") for tag in (kinds.PROJECT_TAG, kinds.ENVIRONMENT_TAG)}
            try:
                named = [name for name in self.sagemaker.endpoints_tagged(ours) if name != self.wanted.endpoint]
            except AwsError as problem:
                # who may not list endpoints can deploy; what cannot be looked for is not proved to be gone
                if everything or not problem.code.startswith("AccessDenied"):
                    raise
                named = []
            for name in named:
                found |= self.endpoint(name, shared=True)
        return found

    def endpoint(self, name: str, shared: bool = False) -> dict[tuple[str, str], Seen]:
        """An endpoint, where there is one.  shared: it may be somebody else's by now, and is left alone then."""
        answer = self.sagemaker.endpoint(name) if name else None
        if answer is None:
            return {}
        variants = [str(one.get("VariantName", "")) for one in answer.get("ProductionVariants", ())]
        parameters = {
            "EndpointName": name, "EndpointConfigName": answer.get("EndpointConfigName"), VARIANTS: variants
        }  # fmt: skip
        return self._own(kinds.ENDPOINT, name, parameters, answer, "EndpointArn", "EndpointStatus", shared)

    def components(self, prefix: str, served: Observed, everything: bool) -> dict[tuple[str, str], Seen]:
        """The project's inference components: those that are wanted, for one may outlive its endpoint and keep its
        name from a new one; those of the endpoints, which others may share; and with `everything` all by name.
        """
        found: dict[tuple[str, str], Seen] = {}
        known = [r.name for r in self.wanted.of(kinds.COMPONENT, kinds.ADAPTER)]
        hosted = [n for name in _served(served) for n in self.sagemaker.components_of(name)]
        named = self.sagemaker.components_named(names.kept(prefix)) if everything and self.wanted.endpoint else ()
        for name in dict.fromkeys([*known, *hosted, *named]):
            found |= self.component(name, shared=name not in known)
        return found

    def component(self, name: str, shared: bool = False) -> dict[tuple[str, str], Seen]:
        """One component or adapter.  shared: it may be somebody else's, and is left alone then."""
        answer = self.sagemaker.component(name)
        if answer is None:
            return {}
        specification = answer.get("Specification", {})
        kind = kinds.ADAPTER if specification.get("BaseInferenceComponentName") else kinds.COMPONENT
        parameters = {
            "InferenceComponentName": name,
            "EndpointName": answer.get("EndpointName"),
            "VariantName": answer.get("VariantName"),
            "Specification": specification,
            "RuntimeConfig": {"CopyCount": answer.get("RuntimeConfig", {}).get("DesiredCopyCount")},
        }
        found = self._own(kind, name, parameters, answer, "InferenceComponentArn", "InferenceComponentStatus", shared)
        running = answer.get("RuntimeConfig", {}).get("CurrentCopyCount")
        return {key: one._replace(copies=running) for key, one in found.items()}

    def immutable(self, kind: str, name: str, shared: bool = False) -> dict[tuple[str, str], Seen]:
        """A model or an endpoint configuration."""
        ask = self.sagemaker.model if kind == kinds.MODEL else self.sagemaker.endpoint_config
        answer = ask(name)
        if answer is None:
            return {}
        arn = "ModelArn" if kind == kinds.MODEL else "EndpointConfigArn"
        parameters = {key: value for key, value in answer.items() if key not in (arn, "CreationTime")}
        return self._own(kind, name, parameters, answer, arn, "", shared)

    def jobs(self, prefix: str) -> Iterator[str]:
        """Transform jobs that run or are being stopped, by name."""
        start = names.jobs_start(prefix)
        for state in (states.IN_PROGRESS, states.STOPPING):
            yield from (n for n in self.sagemaker.transform_jobs_named(start, state) if n.startswith(start))

    def job(self, name: str, shared: bool = True) -> dict[tuple[str, str], Seen]:
        """A transform job."""
        answer = self.sagemaker.transform_job(name)
        if answer is None:
            return {}
        parameters = {"TransformJobName": name}
        return self._own(kinds.JOB, name, parameters, answer, "TransformJobArn", "TransformJobStatus", shared)

    def earlier(self, prefix: str, found: Observed) -> dict[tuple[str, str], Seen]:
        """Models and configurations of earlier deployments."""
        earlier: dict[tuple[str, str], Seen] = {}
        start = names.kept(prefix)
        pattern = re.compile(rf"{re.escape(start)}.*-[0-9a-f]{{{names.CONTENT}}}")
        listings = (
            (kinds.CONFIG, self.sagemaker.endpoint_configs_named(start)),
            (kinds.MODEL, self.sagemaker.models_named(start)),
        )
        for kind, listed in listings:
            for name in listed:
                if pattern.fullmatch(name) and (kind, name) not in found:
                    earlier |= self.immutable(kind, name, shared=True)
        return earlier

    def _own(
        self,
        kind: str,
        name: str,
        parameters: Mapping[str, Any],
        answer: Mapping[str, Any],
        arn: str,
        status: str,
        shared: bool = False,
    ) -> dict[tuple[str, str], Seen]:
        """A resource with its tags.  Raises UserError for somebody else's under a name of the project's."""
        state = str(answer.get(status, ""))
        if state == DELETING:  # nothing is done to it but to wait, and its tags go first
            return {(kind, name): Seen(parameters, state)}
        tags = self.sagemaker.tags(str(answer.get(arn, "")))
        if tags is None:  # it has gone since it was described
            return {}
        ours = (kinds.PROJECT_TAG, kinds.ENVIRONMENT_TAG)
        if any(tags.get(tag) != self.wanted.tags.get(tag) for tag in ours):
            if shared:
                return {}
            raise _not_ours(kind, name)
        seen = Seen(parameters, state, str(answer.get("FailureReason", "")), tags, str(answer.get(arn, "")))
        return {(kind, name): seen}


def _served(found: Observed) -> list[str]:
    """The endpoints that were found."""
    return [name for kind, name in found if kind == kinds.ENDPOINT]


def _not_ours(kind: str, name: str) -> UserError:
    message = f"{OPERATIONS[kind].word} {quoted(name)} is there, and was not made for this project and environment"
    hint = "name another with endpoint.name, or rename the project; mlcc changes nothing that lacks its tags"
    return UserError([error("MLCC321", message, hint=hint)])


# ---------------------------------------------------------------- scaling
def _scaling(
    wanted: Desired, found: Observed, autoscaling: AutoScaling, cloudwatch: CloudWatch
) -> dict[tuple[str, str], Seen]:
    """Scalable targets, policies and alarms of what is there or wanted; they have no tags that we read."""
    ids = {r.name for r in wanted.of(kinds.SCALABLE)}
    ids |= {f"inference-component/{name}" for kind, name in found if kind == kinds.COMPONENT}
    served = ((name, one) for (kind, name), one in found.items() if kind == kinds.ENDPOINT)
    ids |= {scaling.instances(name, v).resource_id for name, one in served for v in one.parameters.get(VARIANTS, ())}
    made: dict[tuple[str, str], Seen] = {}
    if not ids:
        return made
    scaled = autoscaling.targets(sorted(ids))
    for target in scaled:
        where = target["ResourceId"]
        made[kinds.SCALABLE, where] = Seen(target)
        for policy in autoscaling.policies(where):
            if policy["PolicyName"] in POLICIES:
                made[POLICIES[policy["PolicyName"]], where] = Seen(policy)
    alarms = [kinds.alarm_name(where) for where in sorted(ids)] if scaled or wanted.of(kinds.ALARM) else []
    made |= {(kinds.ALARM, alarm["AlarmName"]): Seen(alarm) for alarm in cloudwatch.alarms(alarms)}
    return made
