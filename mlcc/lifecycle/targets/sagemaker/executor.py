"""Carries out a list of instructions.  Law: calls exactly what the list says, in its order, and decides nothing else.

A call whose answer was lost may have been carried out, and a call that says "already there" has been: both end the
round, and the caller looks and plans anew.  Nothing is done twice by that, because the plan compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.sagemaker import is_missing
from mlcc.lifecycle.context import Progress
from mlcc.lifecycle.interruption import GOES_ON
from mlcc.lifecycle.targets.sagemaker.comparison import Seen
from mlcc.lifecycle.targets.sagemaker.desired import with_arns
from mlcc.lifecycle.targets.sagemaker.operations import OPERATIONS
from mlcc.lifecycle.targets.sagemaker.planner import GONE, Call, Instruction, Wait
from mlcc.lifecycle.targets.sagemaker.states import DEAD, MOVING
from mlcc.registries.redaction import redact_printed

POLL_S = 10.0
# What the service was seen to answer to an update of some adapters.
NO_UPDATE = "update operation is not supported"
# How often a call is repeated that does not see yet what an earlier call has made.
TRIES, TRY_AGAIN_S = 5, 3.0

Look = Callable[[str, str], Seen | None]


class Anew(Exception):
    """The account is not as the plan expected: look again, and plan anew."""


class Unsupported(Exception):
    """A resource cannot be changed in place: it has to be made anew."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name}")
        self.kind, self.name = kind, name


class Pace(NamedTuple):
    """How to speak and to wait.

    limit_s: the most that one wait may take; left: what becomes of what was begun where a run ends in the middle;
    clean: takes secrets out of a reason.
    """

    progress: Progress
    sleep: Callable[[float], None]
    now: Callable[[], float]
    limit_s: float
    left: str = GOES_ON
    clean: Callable[[str], str] = redact_printed


def execute(
    instructions: Sequence[Instruction], caller: Caller, pace: Pace, look: Look, known: Mapping[str, str]
) -> None:
    """Makes the calls and waits.

    look: one resource as it is now; known: ARNs of wake-up policies that are there already, by what they scale.

    Raises Anew where the plan does not fit any more, Unsupported for what cannot be changed in place, UserError for
    what cannot become what it shall be, AwsError for what the account refuses.
    """
    policies = dict(known)
    for instruction in instructions:
        if isinstance(instruction, Wait):
            _wait(instruction, pace, look)
            continue
        pace.progress.say(f"{instruction.operation} {instruction.name}: {instruction.why}")
        answer = _made(instruction, with_arns(instruction.parameters, policies), caller, pace)
        if "PolicyARN" in answer:
            policies[instruction.name] = str(answer["PolicyARN"])


def _made(call: Call, parameters: Mapping[str, Any], caller: Caller, pace: Pace) -> dict[str, Any]:
    for attempt in range(1, TRIES + 1):
        try:
            return caller.call(call.service, call.operation, parameters)
        except AwsError as problem:
            text = problem.message.lower()
            if problem.unanswered or "already exist" in text or "in-progress" in text or "_in_progress" in text:
                raise Anew from problem
            if call.operation == OPERATIONS[call.kind].delete and is_missing(problem):
                return {}
            if call.operation == OPERATIONS[call.kind].update and NO_UPDATE in text:
                raise Unsupported(call.kind, call.name) from problem
            if not text.startswith("could not find") or attempt == TRIES:
                raise
            # what was made a moment ago is not seen everywhere at once (CreateEndpoint's own documentation)
            pace.sleep(TRY_AGAIN_S)
    raise AssertionError("BUG: the last attempt returns or raises")


def _wait(wait: Wait, pace: Pace, look: Look) -> None:
    started, said = pace.now(), ""
    while True:
        seen = look(wait.kind, wait.name)
        status = seen.status if seen is not None else GONE
        if status not in MOVING:
            break
        if status != said:
            said = status
            pace.progress.say(f"{OPERATIONS[wait.kind].word} {wait.name}: {status}")
        if pace.now() - started > pace.limit_s:
            message = (
                f"{OPERATIONS[wait.kind].word} {printable(wait.name)} is still {status} after {pace.limit_s:.0f} s"
            )
            raise UserError([error("MLCC322", message, hint=f"do/status --why; {pace.left}")])
        pace.sleep(POLL_S)
    if wait.anew:
        raise Anew
    _require(wait, seen, status, pace.clean)


def _require(wait: Wait, seen: Seen | None, status: str, clean: Callable[[str], str]) -> None:
    """Raises UserError where a resource is not what was waited for."""
    word, name = OPERATIONS[wait.kind].word, printable(wait.name)
    reason = printable(clean(seen.reason), 600) if seen is not None and seen.reason else "SageMaker gives no reason"
    if wait.until == GONE:
        if seen is not None:
            raise UserError([error("MLCC323", f"{word} {name} is not gone but {status}", hint="do/clean")])
        return
    if seen is None or status in DEAD or (wait.until and status != wait.until):
        raise UserError([error("MLCC323", f"{word} {name} is {status}: {reason}", hint="do/status --why")])
    for member, wanted in wait.expects.items():
        if not holds(seen.parameters.get(member), wanted):
            message = f"the update of {word} {name} was undone, what ran before serves on: {reason}"
            raise UserError([error("MLCC324", message, hint="do/status --why")])


def holds(found: Any, wanted: Any) -> bool:
    """Whether a structure holds all that is wanted; the service adds members of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(holds(found.get(name), item) for name, item in wanted.items())
    return bool(found == wanted)
