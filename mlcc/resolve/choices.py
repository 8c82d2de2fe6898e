"""What registries choose where the user names nothing.  Law: pure; a choice that the lock holds stays while it can.

A choice answers a question (`for`: the framework, the model).  While the question is the same and a registry still
offers the answer that mlcc.lock holds, that answer is taken again; a newer one is only mentioned.  The lock comes from
the checkout, so nothing is believed that no registry offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import EMPTY, Path, format_path
from mlcc.core.records import NamedTuple
from mlcc.core.text import quoted
from mlcc.core.tree import LOCK_NAME
from mlcc.core.values import HeldChoice, Scalar

HELD = "held by mlcc.lock"


class Choice(NamedTuple):
    """A choice of this resolution.

    value: what is taken; context: the question that it answers; newest: what the registries would choose without the
    lock.
    """

    value: Scalar
    context: str
    newest: Scalar

    @property
    def is_held(self) -> bool:
        """True where the lock decides against what the registries would choose."""
        return self.value != self.newest


class Choices:
    """The choices of one resolution, and those that the lock holds."""

    def __init__(self, held: Mapping[Path, HeldChoice] = EMPTY) -> None:
        """held: by path, of the environment that is resolved."""
        self._held = held
        self.made: dict[Path, Choice] = {}
        self.findings: list[Finding] = []

    def choose(self, path: Path, newest: Scalar, context: str, offered: Callable[[Scalar], bool]) -> Scalar:
        """The value for a path that the user left open: the one that the lock holds, if it still can be, else `newest`.

        context: the question; offered: whether a registry offers a value for this configuration.
        """
        held, value = self._held.get(path), newest
        if held is not None and held.context == context and held.value != newest:
            if type(held.value) is type(newest) and offered(held.value):
                value = held.value
            else:
                self.findings.append(_not_offered(path, held.value, newest))
        self.made[path] = Choice(value, context, newest)
        return value


def _not_offered(path: Path, held: Scalar, newest: Scalar) -> Finding:
    was, now = quoted(str(held), 100), quoted(str(newest), 100)
    message = f"mlcc.lock holds {was}, which no registry offers here: {now} is taken"
    hint = "mlcc apply records it; to keep another one, name it in mlcc.yaml"
    return Finding("MLCC224", Severity.WARNING, message, format_path(path), LOCK_NAME, hint=hint)


def newer_choices(every: Iterable[Mapping[Path, Choice]]) -> list[Finding]:
    """A note for each choice that the lock holds and that the registries would make otherwise today."""
    held = {(path, c.value, c.newest): None for choices in every for path, c in choices.items() if c.is_held}
    return [_newer(path, value, newest) for path, value, newest in held]


def _newer(path: Path, value: Scalar, newest: Scalar) -> Finding:
    now = quoted(str(newest), 100)
    message = f"{quoted(str(value), 100)} is held; the registries would choose {now}"
    return Finding("MLCC225", Severity.NOTE, message, format_path(path), LOCK_NAME, hint="mlcc upgrade takes it")
