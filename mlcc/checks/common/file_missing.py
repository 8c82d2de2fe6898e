"""MLCC158: a file from which the image is built is not there.

The check is pure: the caller looks for the files and passes the names of those that are missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Item, Path
from mlcc.core.text import quoted
from mlcc.resolve.result import Resolved
from mlcc.resolve.triton.models import MODELS

CODE = "MLCC158"


def named_files(resolved: Resolved) -> dict[Path, str]:
    """The files of the project that a configuration names, by the path of the key that names each."""
    keys: list[Path] = [("model", "name"), ("model", "chat_template_file")]
    keys += [(*MODELS, Item(name), "file") for name in resolved.names("triton.models")]
    texts = {path: str(value.value) for path in keys if (value := resolved.values.get(path)) is not None}
    return {p: name for p, name in texts.items() if name and (name.startswith("./") or p != ("model", "name"))}


def check(subject: Subject) -> Iterator[Finding]:
    """A warning for each: they may come later, by Git LFS or from a build."""
    for path, name in named_files(subject.resolved).items():
        if name in subject.missing:
            message = f"{quoted(name, 200)}: no such file in the project; its image cannot be built"
            yield subject.finding(
                CODE, path, message, "put it there before do/build, or correct the name", Severity.WARNING
            )
