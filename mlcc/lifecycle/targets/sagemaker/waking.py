"""Components that have scaled to no copy.  Law: a request that found none has woken it; nobody waits without a limit.

SageMaker refuses a request to such a component, counts it, and an alarm on that count takes the first step where a
policy says so; elsewhere the component sleeps until somebody gives it a copy.
"""

from __future__ import annotations

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.desired import Desired, Resource
from mlcc.lifecycle.targets.sagemaker.observer import observe_one
from mlcc.lifecycle.targets.server_contract import Checked

# Of the runtime's answer for a component without a copy.
NO_CAPACITY = "Inference Component has no capacity"
# A minute until the alarm rings, then a machine and a model that is loaded; how often one looks.
LIMIT_S, POLL_S = 1800.0, 10.0
NO_POLICY = "it has no copy, and no policy that wakes it"
HINT = "name a copy_count above 0, or scaling with a min_count of 0, in mlcc.yaml; mlcc apply; do/deploy"


def is_asleep(problem: AwsError) -> bool:
    """Whether a request was refused because there is no copy."""
    return NO_CAPACITY in problem.message


def component_of(part: Resource) -> str:
    """The name in AWS of the component whose copies answer: its own, or an adapter's base's."""
    return str(part.parameters["Specification"].get("BaseInferenceComponentName") or part.name)


def wakes(wanted: Desired, part: Resource) -> bool:
    """Whether a request wakes what answers for a component or an adapter."""
    return f"inference-component/{component_of(part)}" in {r.name for r in wanted.of(kinds.WAKING)}


def asleep(wanted: Desired, part: Resource) -> UserError:
    """The error for a request that found no copy: why there is none, and what gives it one."""
    if wakes(wanted, part):
        hint = "it wakes up by now: ask again in some minutes (do/status shows its copies)"
        return UserError([error("MLCC319", "the component has scaled to no copy", hint=hint)])
    component = component_of(part)
    copies = {
        one.part: one.parameters.get("RuntimeConfig", {}).get("CopyCount")
        for one in wanted.of(kinds.COMPONENT)
        if one.name == component
    }
    none = [quoted(name) for name, count in copies.items() if count == 0]
    message = f"copy_count of the component {none[0]} is 0" if none else "the component has no copy"
    return UserError([error("MLCC319", message, hint=HINT)])


def awaited(context: Context, caller: Caller, wanted: Desired, part: Resource) -> Checked:
    """Waits until what a refused request has woken has a copy; fails at once where nothing wakes it."""
    name, component, started = f"{part.part} copies", component_of(part), context.now()

    def checked(ok: bool, detail: str) -> Checked:
        return Checked(name, ok, context.completed(detail), (context.now() - started) * 1000)

    if not wakes(wanted, part):
        return checked(False, f"{NO_POLICY}: {HINT}")
    context.progress.say(f"the component {component} has no copy: this request wakes it, which takes minutes")
    limit_s = float(context.argument("timeout") or LIMIT_S)
    while context.now() - started < limit_s:
        context.sleep(POLL_S)
        seen = observe_one(wanted, kinds.COMPONENT, component, caller)
        if seen is not None and seen.copies:
            return checked(True, f"it had none; a request woke it in {context.now() - started:.0f} s")
    return checked(False, f"it has no copy {limit_s:.0f} s after a request: do/status shows its copies; do/test again")
