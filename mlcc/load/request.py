"""What a command was asked for, beyond the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlcc.core.findings import Finding
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.io.disk.callers import StrPath
from mlcc.load.layers import Layer

Read = tuple["Layer | None", Iterable[Finding]]
"""What a source gave: its layer, or None, and what was wrong with it."""


class Plugged(NamedTuple):
    """What plugins add to the pipeline.

    roots: registry folders by the plugin's name; layers: folders of cookiecutter layers; checks: rules of theirs.
    """

    roots: Mapping[str, str] = EMPTY
    layers: tuple[str, ...] = ()
    checks: tuple[Any, ...] = ()


class Request(NamedTuple):
    """What a command was asked for, beyond the file.

    settings: `path=value` texts of --set; options: texts by path of generated options; environ: the process
    environment (without it no variable counts); extra: the file of --config; registry_roots: folders named by
    --registry, in order; plugged: what installed plugins add; directory: where the project is written, if not beside
    mlcc.yaml (its lock holds choices); today: the day, as 2026-12-31, where findings may depend on it.
    """

    settings: Sequence[str] = ()
    options: Mapping[str, str] | None = None
    environ: Mapping[str, str] | None = None
    extra: StrPath = ""
    registry_roots: StrPath | Sequence[StrPath] = ()
    plugged: Plugged = Plugged()
    directory: StrPath = ""
    today: str = ""
