"""Errors of AWS in words that help.  Law: the words are rows of registries/aws_errors.yaml; AWS's own follow them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from mlcc.core.errors import MlccError, PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.context import Context, Result
from mlcc.registries.loader import Registries
from mlcc.registries.redaction import redact_printed

# What AWS says is cut here: a message may quote a whole policy.
MAX_WORDS = 600
# Where a service answered, and no row knows its error.
HINT = "the words are the service's own; do/status --why shows what is there, and the same command goes on"
# The same of commands that have no project, and so no steps.
PLAIN = "the words are the service's own; the same command may be run again"
# The same where none answered.
UNANSWERED = "the words are the SDK's own: no service answered; the same command may be run again"
# Stands for a code in the rows of reasons that a service gives for what has failed after a call.
REASON = "FailureReason"


def explained(verb: Callable[[Context], Result]) -> Callable[[Context], Result]:
    """A verb whose errors of AWS are findings."""

    @wraps(verb)
    def run(context: Context) -> Result:
        try:
            return verb(context)
        except AwsError as problem:
            raise finding(problem, context.project.registries, context.clean_printed) from problem

    return run


@contextmanager
def explaining(registries: Registries) -> Iterator[None]:
    """A block whose errors of AWS are findings; for commands that have no project."""
    try:
        yield
    except AwsError as problem:
        raise finding(problem, registries, redact_printed, PLAIN) from problem


def finding(problem: AwsError, registries: Registries, clean: Callable[[str], str], usual: str = HINT) -> MlccError:
    """The exception that a command ends with.

    clean: takes secrets out of a text; usual: the hint for what a service answered and no row knows.
    """
    row = _row(problem, registries)
    words = printable(clean(problem.message), MAX_WORDS)
    asked = f"{problem.service} {problem.operation}"
    said = f"{row['says']} " if row else ""
    hint = str(row.get("hint", "")) or (UNANSWERED if problem.unanswered else usual)
    found = error("MLCC328", f"{asked}: {said}({problem.code}: {words})", hint=hint)
    return (PreconditionError if row.get("precondition") else UserError)([found])


def meaning(reason: str, registries: Registries) -> Mapping[str, Any]:
    """What a FailureReason means: the row of the registry; nothing for one that nobody knows."""
    return _row(AwsError("", "", REASON, reason), registries)


def _row(problem: AwsError, registries: Registries) -> Mapping[str, Any]:
    for row in registries.entries("aws_errors").values():
        if problem.code in row.facts["codes"] and row.facts.get("contains", "") in problem.message:
            return row.facts
    return {}
