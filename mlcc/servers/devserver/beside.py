"""What the server beside this one answers.  Law: in its own words, an error too; without one, nothing is made up."""

from __future__ import annotations

import datetime
from typing import Any

from mlcc.io.aws.connection import AwsError
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.things import Account


def ask(service: str, operation: str, account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """Its answer.  Raises Refusal in its words, or where there is none."""
    if account.beside is None:
        raise Refusal(f"{service} {operation} is not there in this server", *NOT_IMPLEMENTED)
    try:
        answer: dict[str, Any] = _sent(account.beside.call(service, operation, request))
        return answer
    except AwsError as problem:
        raise as_answered(problem) from None


def as_answered(problem: AwsError) -> Refusal:
    """An error of the server beside as this one's."""
    if problem.unanswered:
        return Refusal(f"the server beside this one has not answered: {problem.message}", *NOT_IMPLEMENTED)
    return Refusal(problem.message, problem.code, problem.status)


def _sent(value: Any) -> Any:
    """An answer as the protocol has it: the SDK has made dates of its numbers."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: _sent(one) for name, one in value.items()}
    return [_sent(one) for one in value] if isinstance(value, list) else value
