"""Files of the project that a configuration names and renders as they are.  Law: read under caps, through no link.

They are read with mlcc.yaml, so that all that stands beside it is read once.  What is in them is asked later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Node
from mlcc.core.paths import Item, Path, format_path
from mlcc.core.text import quoted
from mlcc.core.text_format import MAX_BYTES
from mlcc.io.disk.reader import Directory, Refused
from mlcc.load.layers import leaves

CODE = "MLCC036"
LIST: Path = ("triton", "models")
KEY = "config_file"
# Of all files together.
MAX_TOTAL = 1 << 20


def read(roots: Iterable[Node], directory: str) -> tuple[dict[str, bytes], list[Finding]]:
    """The files by the name that a document gives them, and a finding for each that cannot be read.

    roots: documents in the shape of mlcc.yaml; directory: where mlcc.yaml lies.
    """
    texts: dict[str, bytes] = {}
    findings = []
    left = MAX_TOTAL
    for path, node in (found for root in roots for found in _named(root)):
        name = str(node.value)
        if name in texts:
            continue
        try:
            with Directory(directory) as tree:
                found = tree.read(
                    "/".join(part for part in name.split("/") if part not in ("", ".")), min(MAX_BYTES, left)
                )
        except Refused as problem:
            findings.append(_finding(path, node, name, problem.findings[0].message))
            continue
        if found is None:
            findings.append(_finding(path, node, name, "no such file in the project"))
        else:
            texts[name] = found[0]
            left -= len(found[0])
    return texts, findings


def _named(root: Node) -> Iterator[tuple[Path, Node]]:
    listed = root.get(*map(str, LIST)) if root.is_map else None
    if listed is None or not listed.is_list or not any(node.is_map and KEY in node.value for node in listed.value):
        return
    for path, node in leaves(root):
        if path[:2] == LIST and len(path) == 4 and isinstance(path[2], Item) and path[3] == KEY:
            yield path, node


def _finding(path: Path, node: Node, name: str, why: str) -> Finding:
    message, hint = f"{quoted(name, 200)}: {why}", "put it there, or correct the name"
    where, mark = format_path(path), node.mark
    return Finding(CODE, Severity.ERROR, message, where, mark.file, mark.line, mark.column, hint)
