"""Exceptions that end a command, each with its exit code.  Law: stdlib only, no text formatting, no printing.

A mistake in a document is a finding, not an exception; these exist for the moment when a command cannot go on.
The command line layer is the one place that maps them to exit codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlcc.core.findings import Finding


class MlccError(Exception):
    """Base of everything mlcc raises on purpose.

    findings: what to show, in order; exit_code: what the process ends with.
    """

    exit_code = 1

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__("; ".join(f.message for f in self.findings))


class UserError(MlccError):
    """The user's problem: findings, something refused, something that failed.  Exit 1."""


class UsageError(MlccError):
    """The command was called the wrong way.  Exit 2."""

    exit_code = 2


class PreconditionError(MlccError):
    """Something must be done first; the finding's hint names the command that does it.  Exit 3."""

    exit_code = 3


def of_code(code: int, findings: Iterable[Finding]) -> MlccError:
    """The exception that an exit code stands for, as it comes from another process."""
    kinds = {kind.exit_code: kind for kind in (UserError, UsageError, PreconditionError)}
    return kinds.get(code, UserError)(findings)


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived.  Like KeyboardInterrupt it passes everything that handles mistakes.  Exit 143."""


def signal_in(problem: BaseException) -> BaseException | None:
    """The signal that an exception was made of: Python 3.11 wraps one that arrives while a class is being made."""
    cause: BaseException | None = problem
    while cause is not None and not isinstance(cause, (KeyboardInterrupt, Terminated)):
        cause = cause.__cause__
    return cause
