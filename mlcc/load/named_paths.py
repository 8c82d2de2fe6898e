"""Which files of a project its documents may name.  Law: pure; names too many rather than too few.

Any text of a document that is the path of a file or of a folder above it counts as its name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlcc.load.document import load_document
from mlcc.load.manifests import MANIFESTS, read_table


def base(document: bytes, folder: str) -> str:
    """The file that a document extends, by its path from the repository's root; empty where it has none.

    folder: where the document lies, from there.
    """
    extends = load_document(document, "").extends
    found = os.path.normpath(os.path.join(folder, extends)) if extends else ""
    return "" if found.startswith("..") else found


def of_documents(documents: Mapping[str, bytes]) -> frozenset[str]:
    """Every text of some documents, as a path.  documents: by the path of each; a manifest by its table for mlcc."""
    found = set[str]()
    for path, data in documents.items():
        name = path.rpartition("/")[2]
        plain = (
            read_table(name, data).value if name in MANIFESTS else load_document(data, "", partial=True).root.plain()
        )
        found |= {os.path.normpath(text) for text in _texts(plain)}
    return frozenset(found)


def names(words: frozenset[str], path: str) -> bool:
    """Whether one of the words is a path, or that of a folder above it."""
    parts = path.split("/")
    return any("/".join(parts[:count]) in words for count in range(1, len(parts) + 1))


def _texts(value: Any) -> Iterator[str]:
    pending: list[Any] = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            pending.extend(one.values())
        elif isinstance(one, Iterable):
            pending.extend(one)
