"""Files that the image is built from, and that are not there.  Law: asks whether they are, and opens none."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Finding, Severity, quoted
from mlcc.resolve import Resolved
from mlcc.triton import MODELS
from mlcc.values import Item, Path, format_path
from mlcc.workspace import present_below

CODE = "MLCC158"


def absent(resolved: Resolved, directory: str) -> Iterator[Finding]:
    """A warning for each: they may come later, by Git LFS or from a build."""
    named: list[Path] = [("model", "name"), ("model", "chat_template_file")]
    named += [(*MODELS, Item(name), "file") for name in resolved.names("triton.models")]
    for path in named:
        value = resolved.values.get(path)
        name = str(value.value) if value is not None else ""
        local = name.startswith("./") or path != ("model", "name")
        if value is None or not name or not local or present_below(directory, name):
            continue
        message = f"{quoted(name, 200)}: no such file in the project; its image cannot be built"
        mark, hint = value.mark, "put it there before do/build, or mend the name"
        file = mark.file or value.origin
        yield Finding(CODE, Severity.WARNING, message, format_path(path), file, mark.line, mark.column, hint)
