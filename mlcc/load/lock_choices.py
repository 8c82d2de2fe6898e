"""The choices that mlcc.lock holds.  Law: reads one section of the lock; what is no choice is left out, never an error.

A registry chooses for the user where mlcc.yaml names nothing: a framework version, an instance type.  The lock holds
the choice, so that a newer row does not move a project in which nothing changed.  Only the section `choices` is read
here, because every command resolves; the whole of the lock is validated where a plan is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlcc.core.errors import UserError
from mlcc.core.findings import has_errors
from mlcc.core.nodes import Node
from mlcc.core.paths import EMPTY, Path, parse_path
from mlcc.core.tree import LOCK_MAX_BYTES, LOCK_NAME
from mlcc.core.values import HeldChoice
from mlcc.io.disk.reader import Directory
from mlcc.io.yaml import reader

SECTION = "choices"
ENVIRONMENTS = "environments"
TEXT = re.compile(rb"^" + SECTION.encode() + rb":[^\n]*\n(?:[ \t][^\n]*\n?)*", re.MULTILINE)

Choices = Mapping[Path, HeldChoice]
"""By path; those of an environment below ("environments", NAME)."""


def read_choices(target: Directory) -> Choices:
    """The choices in a target's lock; none where there is no lock, or none that can be read."""
    try:
        found = target.read(LOCK_NAME, LOCK_MAX_BYTES)
    except UserError:
        return EMPTY
    return choices_of(found[0]) if found is not None else EMPTY


def choices_of(lock: bytes) -> Choices:
    """The choices that a lock's bytes hold."""
    section = TEXT.search(lock)
    loaded = reader.load_yaml(section[0], LOCK_NAME) if section is not None else None
    if loaded is None or loaded.root is None or has_errors(loaded.findings):
        return EMPTY
    entries = loaded.root.get(SECTION)
    if entries is None or not entries.is_map:
        return EMPTY
    found = {parse_path(name): _choice(entry) for name, entry in entries.value.items()}
    return {path: choice for path, choice in found.items() if path is not None and choice is not None}


def _choice(entry: Node) -> HeldChoice | None:
    if not entry.is_map or {*entry.value} != {"value", "for"}:
        return None
    value, context = entry.value["value"].value, entry.value["for"].value
    return HeldChoice(value, context) if isinstance(value, (str, int)) and isinstance(context, str) else None


def of_environment(choices: Choices, name: str | None) -> Choices:
    """The choices for one environment (None: the default): its own, over those of the default environment."""
    own = (ENVIRONMENTS, name)
    default = {path: choice for path, choice in choices.items() if path[0] != ENVIRONMENTS}
    return default | {path[2:]: choice for path, choice in choices.items() if path[:2] == own}
