"""What an import found: values of a new mlcc.yaml, and what could not be taken over.  Law: data; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark, node_of
from mlcc.core.paths import Path, format_path, nested
from mlcc.core.records import NamedTuple
from mlcc.core.text import hidden, printable
from mlcc.io.schema import keys
from mlcc.load.document import check_tree

# Codes of what is left out.
NOT_READ, NO_KEY, REFUSED, SECRET = "MLCC382", "MLCC383", "MLCC384", "MLCC385"


class Proposal(NamedTuple):
    """values: of mlcc.yaml by path; findings: what was not taken over, and why; comments: for the file, without #."""

    values: Mapping[Path, Any]
    findings: tuple[Finding, ...] = ()
    comments: tuple[str, ...] = ()


class Draft:
    """A proposal in the making: each value is held against the schema as it comes."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.values: dict[Path, Any] = {}
        self.findings: list[Finding] = []
        self.comments: list[str] = []
        self.secrets: list[str] = []

    def put(self, path: Path, value: Any, mark: Mark) -> bool:
        """Takes a value, or lists why mlcc.yaml cannot hold it.  mark: where it was found."""
        problem = _problem(path, value, mark)
        if problem is not None:
            self.findings.append(problem)
            return False
        self.values[path] = value
        return True

    def leave(
        self, code: str, mark: Mark, message: str, hint: str = "", severity: Severity = Severity.WARNING, path: str = ""
    ) -> None:
        """Lists what is not taken over."""
        self.findings.append(Finding(code, severity, message, path, mark.file, mark.line, mark.column, hint))

    def secret(self, name: str, mark: Mark) -> None:
        """Lists a secret that stands where its value can be read; the file gets a line to be completed."""
        message = f"the value of {printable(name, 100)} is a secret, and was not written"
        hint = f"store it (mlcc bootstrap secrets create), then mlcc set secrets.{name}.secretsmanager ITS-NAME"
        self.leave(SECRET, mark, message, hint, path=f"secrets.{name}")
        self.secrets.append(name)

    def finished(self) -> Proposal:
        """The proposal, its sections in the order of the schema."""
        order = {path[0]: at for at, path in enumerate(keys.index())}
        values = dict(sorted(self.values.items(), key=lambda pair: order.get(str(pair[0][0]), 0)))
        stored = {str(path[1]) for path in values if path[0] == "secrets"}
        missing = [name for name in dict.fromkeys(self.secrets) if name not in stored]
        lines = ["secrets:", *(f"  {name}: {{secretsmanager: ITS-NAME}}" for name in missing)] if missing else []
        return Proposal(values, tuple(self.findings), (*dict.fromkeys(self.comments), *lines))


def _problem(path: Path, value: Any, mark: Mark) -> Finding | None:
    """What the schema has against a value, as a finding at its place; None for nothing."""
    if isinstance(value, str) and hidden(value) is not None:
        message = "the value holds a character that nobody can see; it was left out"
        return Finding(REFUSED, Severity.WARNING, message, format_path(path), mark.file, mark.line, mark.column)
    whole = node_of(nested({path: value}), mark)
    found = [f for f in check_tree(whole, mark.file, partial=True).findings if f.severity is Severity.ERROR]
    if not found:
        return None
    message = f"{found[0].message}; it was left out"
    return found[0]._replace(code=REFUSED, severity=Severity.WARNING, message=message, path=format_path(path))
