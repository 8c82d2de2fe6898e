"""Which paths a .dockerignore names.  Law: the last pattern that fits decides, and a folder's fits all below it.

https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# `**/` is any folders, none too; `**` is anything; `*` and `?` stay within one name; `[...]` is one of some characters.
_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[\^?[^\]]+\]|\\?(.)", re.DOTALL)
_WILD = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class IgnoreFile:
    """The patterns of a .dockerignore.

    >>> ignored = IgnoreFile(["**/*.pyc", "do", "!do/keep"])
    >>> [ignored(path) for path in ("a/b.pyc", "do/build", "do/keep", "code/do")]
    [True, True, False, False]
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """lines: of the file."""
        self._patterns: list[tuple[bool, re.Pattern[str]]] = []
        for line in lines:
            text = line.strip()
            if text and not text.startswith("#"):
                kept = text.startswith("!")
                pattern = text.removeprefix("!").strip().strip("/")
                self._patterns.append((not kept, re.compile(f"{_PARTS.sub(_part, pattern)}(?:/.*)?")))

    def __call__(self, path: str) -> bool:
        """True for a path that is ignored.  path: relative, with slashes."""
        found = False
        for ignores, pattern in self._patterns:
            if found != ignores and pattern.fullmatch(path):
                found = ignores
        return found

    @property
    def has_exceptions(self) -> bool:
        """Whether something below an ignored folder may be kept."""
        return any(not ignores for ignores, _ in self._patterns)


def _part(found: re.Match[str]) -> str:
    text = found[0]
    return _WILD.get(text) or (text if text.startswith("[") else re.escape(found[1]))
