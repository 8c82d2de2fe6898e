"""Findings that are known and accepted for now.  Law: stdlib only; a finding is known by what it is about.

The identity of a finding is its code, the project and the path of the key; lines move with every edit, and words are
made better.  One without a path has no identity: it is never known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mlcc.core.findings import Finding, Severity
from mlcc.core.records import NamedTuple


class Identity(NamedTuple):
    """What a finding is about.  project: the path of its mlcc.yaml below the root of the repository."""

    project: str
    code: str
    path: str


class Compared(NamedTuple):
    """Findings beside a baseline: those that it does not know, how many it knows, and what it knows in vain."""

    new: tuple[Finding, ...]
    known: int
    gone: tuple[Identity, ...]


def identity(project: str, finding: Finding) -> Identity | None:
    """What a finding is about; None for a note, and for what is about no key."""
    if not finding.path or finding.severity is Severity.NOTE:
        return None
    return Identity(project, finding.code, finding.path)


def counted(found: Mapping[str, Sequence[Finding]]) -> Counter[Identity]:
    """How often each finding stands, by project."""
    every = (identity(project, finding) for project, findings in found.items() for finding in _once(findings))
    return Counter(one for one in every if one is not None)


def compared(found: Mapping[str, Sequence[Finding]], baseline: Mapping[Identity, int], every: bool = False) -> Compared:
    """Findings by project beside a baseline.

    every: all projects were checked, so that what the baseline knows of any other one is gone.
    """
    left = Counter(baseline)
    new: list[Finding] = []
    known = 0
    for project, findings in found.items():
        for finding in _once(findings):
            one = identity(project, finding)
            if one is not None and left[one] > 0:
                left[one] -= 1
                known += 1
            else:
                new.append(finding)
    gone = sorted(one for one, count in left.items() if count > 0 and (every or one.project in found))
    return Compared(tuple(new), known, tuple(gone))


def _once(findings: Iterable[Finding]) -> Iterable[Finding]:
    return dict.fromkeys(findings)
