"""Entry points of other distributions.  Law: looked up on first need only; a name that two give is an error.

`importlib.metadata` costs more than click, so nothing of mlcc imports it before a plugin could matter.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

from mlcc.diagnostics import error
from mlcc.errors import UserError

COMMANDS = "mlcc.commands"
GROUPS = (
    "mlcc.registries",
    "mlcc.cookiecutters",
    "mlcc.targets",
    "mlcc.checks",
    "mlcc.pickers",
    "mlcc.steps",
    COMMANDS,
)
OFF = "none"


class Plugin(NamedTuple):
    """One entry point: its group and name, the object it names, and who brings it."""

    group: str
    name: str
    value: str
    distribution: str
    version: str
    entry: Any

    def load(self) -> Any:
        """Imports and returns the object."""
        return self.entry.load()


def installed(environ: Mapping[str, str], group: str = "") -> list[Plugin]:
    """Plugins of one group, or of all, in order of group and name.  Raises UserError for a name given twice."""
    if environ.get("MLCC_PLUGINS") == OFF:
        return []
    from importlib.metadata import entry_points

    found = []
    for name in (group,) if group else GROUPS:
        for entry in entry_points(group=name):
            dist = entry.dist
            about = (dist.name, dist.version) if dist is not None else ("unknown", "")
            found.append(Plugin(name, entry.name, entry.value, *about, entry))
    found.sort(key=lambda p: (GROUPS.index(p.group), p.name, p.distribution))
    for first, second in itertools.pairwise(found):
        if (first.group, first.name) == (second.group, second.name):
            message = f"{first.distribution} and {second.distribution} both bring {first.group}: {first.name}"
            raise UserError([error("MLCC501", message, hint="uninstall one, or set MLCC_PLUGINS=none")])
    return found


def find(group: str, name: str, environ: Mapping[str, str]) -> Plugin | None:
    """One plugin by group and name, or None."""
    return next((p for p in installed(environ, group) if p.name == name), None)
