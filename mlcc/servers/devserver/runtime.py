"""The operations of sagemaker-runtime.  Law: each is checked and journaled before a container is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.io.aws import shapes
from mlcc.servers.devserver import asking, asynchronous, response_stream
from mlcc.servers.devserver.asking import HEAD, VALIDATION, Invocation
from mlcc.servers.devserver.dispatcher import Dispatcher
from mlcc.servers.devserver.faults import CUT, EXECUTED, LostReply
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.reply import Reply

SERVICE = "sagemaker-runtime"
SINGLE, STREAM, LATER = "InvokeEndpoint", "InvokeEndpointWithResponseStream", "InvokeEndpointAsync"
# Operations by the last part of the path.
PATHS = {"invocations": SINGLE, "invocations-response-stream": STREAM, "async-invocations": LATER}
refused = asking.refused


def begin(dispatcher: Dispatcher, operation: str, asked: Invocation) -> Callable[[], Reply]:
    """Checks a request with the account held, and returns what asks the container without it.

    Raises Refusal, and LostReply where a fault wants it.
    """
    account, request = dispatcher.account, shapes.header_members(SERVICE, operation, dict(asked.headers))
    request["EndpointName"] = asked.endpoint

    def work() -> Callable[[], Reply]:
        _validate(operation, {**request, **({} if operation == LATER else {"Body": asked.body})})
        if operation == LATER:
            reply = asynchronous.accept(account, request, asked)
            return lambda: reply
        if operation == STREAM:
            chosen = asking.choose(account, asked, f"{HEAD}Accept")
            cut = account.faults.meets(CUT, operation, request)
            after = cut.parts if cut is not None else None
            return lambda: response_stream.ask(chosen, asked.body, account.durations.stream, after)
        found = asking.choose(account, asked)
        return lambda: asking.ask(found, asked.body)

    carried_out: Callable[[], Reply] = dispatcher.noted(SERVICE, operation, request, work, lost=False)
    if dispatcher.faults.meets(EXECUTED, operation, request) is None:
        return carried_out

    def lost() -> Reply:
        for _ in carried_out().stream or ():
            pass  # the model has answered, and its connection is closed
        raise LostReply

    return lost


def _validate(operation: str, request: Mapping[str, Any]) -> None:
    try:
        wrong = shapes.violations(SERVICE, operation, request)
    except (shapes.WrongType, KeyError) as problem:
        wrong = f"{problem} cannot be read"
    if wrong:
        raise Refusal(wrong, VALIDATION)
