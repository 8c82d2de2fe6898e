"""The findings of a plan: what its user has to know or do about a file.  Law: pure; words only, decides nothing."""

from __future__ import annotations

from mlcc.core.findings import Finding, Severity
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable

# Why a file is a conflict.
MARKED = "conflict markers stand in it"
REMOVED_HERE = "removed on disk, but the new file differs from what was rendered before"
NO_BASE = "mlcc.lock records it, but .mlcc/base holds no copy to tell your edits by"
NOT_OURS = "exists, and mlcc has no record of what it wrote there"
EDITED = "edited where the new file changes too"
BRANCHES = "edited in both branches at one place, or where the new file changes too"
BESIDE = "its new version still lies beside it"
# Why a file is kept.
OLD_SEED = "yours since it was seeded by an earlier release, which kept no copy to merge with"


class Facts(NamedTuple):
    """What is known about the change of one file.

    reason: the change's; conflict: it is one; writes: something is written; not_rendered: it is kept, though no longer
    rendered; saved, beside: the names of copies; not_executable: it has lost the bit that it was rendered with;
    crlf_script: it is a script whose lines end with CR LF.
    """

    path: str
    reason: str
    conflict: bool = False
    writes: bool = False
    not_rendered: bool = False
    saved: str = ""
    beside: str = ""
    not_executable: bool = False
    crlf_script: bool = False


def findings_of(facts: Facts) -> list[Finding]:
    """The findings about one file."""
    shown = printable(facts.path, 200)
    if facts.conflict:
        return [_conflict(facts, shown)]
    if facts.not_rendered:
        message = f"{facts.reason}; it is yours now"
        return [Finding("MLCC202", Severity.WARNING, message, file=shown, hint="remove it if it is not needed")]
    found = []
    if facts.reason == OLD_SEED:
        hint = f"--restore {shown} writes the new one after saving yours"
        found.append(Finding("MLCC203", Severity.WARNING, facts.reason, file=shown, hint=hint))
    if facts.not_executable:
        hint = f"chmod +x {shown}, or mlcc apply --restore {shown}"
        found.append(Finding("MLCC220", Severity.WARNING, "is not executable any more", file=shown, hint=hint))
    if facts.crlf_script:
        hint = f"set `* text eol=lf` for it in .gitattributes, then mlcc apply --restore {shown}"
        message = "is a script whose lines end with CR LF: no system finds its interpreter"
        found.append(Finding("MLCC227", Severity.WARNING, message, file=shown, hint=hint))
    return [*found, saved_note(facts.path, facts.saved)] if facts.saved else found


def saved_note(path: str, copy: str) -> Finding:
    """Where the bytes are kept that stood in a file's place."""
    message = f"yours was saved as {printable(copy, 200)}"
    return Finding("MLCC204", Severity.WARNING, message, file=printable(path, 200))


def _conflict(facts: Facts, shown: str) -> Finding:
    reason = facts.reason
    force = f"--force takes mlcc's after saving yours, --restore {shown} does so for this file only"
    hint = f"--merge writes both with markers, {force}"
    if facts.beside:
        copy = printable(facts.beside, 200)
        reason = f"{reason}; it is binary, so it stays as it is, and the new version is {copy}"
        hint = f"take the one you want as {shown}, remove {copy}, run mlcc apply again"
    elif reason == BESIDE:
        hint = f"take the one you want as {shown}, remove {shown}.mlcc-new, run mlcc apply again; --force leaves it"
    elif reason == MARKED or facts.writes:
        reason = reason if reason == MARKED else f"{reason}; conflict markers were written"
        hint = "edit the file, remove the markers, run mlcc apply again; --force takes mlcc's after saving yours"
    elif reason == REMOVED_HERE:
        hint = f"--keep-deleted {shown} leaves it deleted for good, --restore {shown} writes the new file"
    elif reason == NO_BASE:
        hint = f"bring .mlcc/base back from Git, and commit it with the files; else {hint}"
    elif reason == NOT_OURS:
        hint = f"{hint}; lines of yours that you add again after that are an edit like any other"
    return Finding("MLCC201", Severity.ERROR, reason, file=shown, hint=hint)
