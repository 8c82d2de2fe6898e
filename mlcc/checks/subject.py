"""The input of a check.  Law: a check is a pure function from a Subject to findings; it never raises."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark, Node
from mlcc.core.paths import Path, format_path
from mlcc.core.records import NamedTuple
from mlcc.registries.loader import Registries
from mlcc.resolve.result import Resolved, Rows


class Subject(NamedTuple):
    """One resolved environment, and what a check may need besides.

    resolved: its values; registries: for look-ups; root: mlcc.yaml's own tree, with sections that nothing reads;
    missing: names of files of the project that do not exist; every: all environments of the project, this one among
    them, the default first; today: the day, as 2026-12-31, empty where it must not matter.
    """

    resolved: Resolved
    registries: Registries
    root: Node
    missing: Collection[str] = ()
    every: Sequence[Resolved] = ()
    today: str = ""

    @property
    def rows(self) -> Rows:
        """The selected registry rows."""
        return self.resolved.rows

    def enabled(self, element: Path) -> bool:
        """False for an element of a list that is switched off: its lines are kept, and nothing of it is deployed."""
        value = self.resolved.values.get((*element, "enabled"))
        return value is None or value.value is not False

    def finding(self, code: str, path: Path, message: str, hint: str, severity: Severity = Severity.ERROR) -> Finding:
        """A finding at the place of a path's winning value (the name of its source where that has no lines)."""
        value = self.resolved.values.get(path)
        mark = value.mark if value is not None else Mark("")
        file = mark.file or (value.origin if value is not None else "") or self.root.mark.file
        return Finding(code, severity, message, format_path(path), file, mark.line, mark.column, hint)


Check = Callable[[Subject], Iterator[Finding]]
