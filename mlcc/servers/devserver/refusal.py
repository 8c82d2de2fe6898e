"""A request that is not carried out.  Law: code, text and status are the service's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VALIDATION, LIMIT, NOT_FOUND, IN_USE, SERIALIZATION, CONFLICT = (
    "ValidationException",
    "ResourceLimitExceeded",
    "ResourceNotFound",
    "ResourceInUse",
    "SerializationException",
    "ConflictException",
)
# Code and status of what this server does not have: no answer of the service, so that nobody takes it for one.
NOT_IMPLEMENTED = ("NotImplemented", 501)


class Refusal(Exception):
    """An answer with an error.

    code: the service's (`ValidationException`); status: of HTTP, nearly always 400.
    """

    def __init__(self, message: str, code: str = VALIDATION, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.code, self.status = message, code, status


def missing(word: str, arn: str) -> Refusal:
    """Something is not there: 400, never 404 (aws/amazon-sagemaker-examples, issue 2402)."""
    return Refusal(f'Could not find {word} "{arn}".')


def unseen(operation: str, request: Mapping[str, Any]) -> Refusal:
    """A read that does not see yet what was just made."""
    return Refusal(f'Could not find what {operation} asks for: "{next(iter(request.values()), "")}".')


def existing(word: str, arn: str) -> Refusal:
    """A name is taken (aws/sagemaker-python-sdk, issue 101)."""
    return Refusal(f'Cannot create already existing {word} "{arn}".')


def moving(arn: str) -> Refusal:
    """An endpoint is in transition; the same words for an update and a deletion."""
    return Refusal(f'Cannot update in-progress endpoint "{arn}".')
