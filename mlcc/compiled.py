"""Templates that this process has compiled before.  Law: memory only; the same source of the same file, or no answer.

Each layer of each project is rendered in an environment of its own, and the templates are those of a few layers: where
many projects are rendered in one run, most of the time would go into compiling the same text again.  Nothing is kept
on disk: code that somebody else could have written is never run.
"""

from __future__ import annotations

from types import CodeType
from typing import Any, NamedTuple


class _Key(NamedTuple):
    name: str
    file: str | None
    source: str


class _Place:
    """What Jinja calls a bucket: the code of one template, or None where it is not there yet."""

    def __init__(self, key: _Key, code: CodeType | None) -> None:
        self.key, self.code = key, code


class Compiled:
    """A bytecode cache as Jinja takes one."""

    def __init__(self) -> None:
        self.kept: dict[_Key, CodeType] = {}

    def get_bucket(self, environment: Any, name: str, filename: str | None, source: str) -> _Place:
        """The place of a template.  environment: all are made alike."""
        key = _Key(name, filename, source)
        return _Place(key, self.kept.get(key))

    def set_bucket(self, bucket: _Place) -> None:
        """Keeps the code of a template."""
        if bucket.code is not None:
            self.kept[bucket.key] = bucket.code
