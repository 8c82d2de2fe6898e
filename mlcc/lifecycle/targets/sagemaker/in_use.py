"""What uses a model or an endpoint configuration.  Law: what something uses is not deleted alone; the user is named.

SageMaker itself deletes a model under a component that serves it, which then cannot start another copy
(DeleteEndpointConfig: "You must not delete an EndpointConfig in use by an endpoint that is live").
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.comparison import Observed
from mlcc.lifecycle.targets.sagemaker.operations import OPERATIONS
from mlcc.lifecycle.targets.sagemaker.states import MOVING

# What takes a user away.
HINTS = {
    kinds.COMPONENT: "do/clean components first",
    kinds.ENDPOINT: "do/clean endpoint (of a batch job: do/clean), which takes its models and configurations away, too",
    kinds.CONFIG: "do/clean config first",
    kinds.JOB: "wait until the job is done, or do/clean, which stops it",
}


def refuse(seen: Observed, scope: Collection[str], caller: Caller) -> None:
    """Raises UserError where something that stays uses what is taken away.  scope: the kinds that are taken away."""
    if all(kind in scope for kind in HINTS):
        return  # every user goes with it
    used = {(kind, name): user for user, kind, name in _uses(seen, caller) if user[0] not in scope}
    problems = []
    for key in (key for key in seen if key[0] in scope and key in used):
        user, name = used[key]
        words = f"the {OPERATIONS[key[0]].word} {printable(key[1])} is in use"
        words += f" by the {OPERATIONS[user].word} {printable(name)}; nothing was taken away"
        problems.append(error("MLCC338", words, hint=HINTS[user]))
    if problems:
        raise UserError(problems)


def _uses(seen: Observed, caller: Caller) -> Iterator[tuple[tuple[str, str], str, str]]:
    """Who uses what: kind and name of the user, kind and name of what it uses.  The last one of a thing counts."""
    for key, one in seen.items():
        if key[0] == kinds.CONFIG:
            yield from ((key, kinds.MODEL, name) for name in _models(one.parameters))
    for key, one in seen.items():
        if key[0] == kinds.COMPONENT:
            yield key, kinds.MODEL, str(one.parameters.get("Specification", {}).get("ModelName", ""))
        elif key[0] == kinds.ENDPOINT:
            config = str(one.parameters.get("EndpointConfigName", ""))
            yield key, kinds.CONFIG, config
            row = seen.get((kinds.CONFIG, config))
            yield from ((key, kinds.MODEL, name) for name in (_models(row.parameters) if row is not None else ()))
        elif key[0] == kinds.JOB and one.status in MOVING:
            job = SageMaker(caller).transform_job(key[1]) or {}
            yield key, kinds.MODEL, str(job.get("ModelName", ""))


def _models(config: Mapping[str, Any]) -> list[str]:
    """The models that an endpoint configuration names."""
    variants = [*config.get("ProductionVariants", ()), *config.get("ShadowProductionVariants", ())]
    return [str(one["ModelName"]) for one in variants if one.get("ModelName")]
