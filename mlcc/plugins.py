"""Entry points of other distributions.  Law: looked up on first need only; a name that two give is an error.

`importlib.metadata` costs more than click.  So installed distributions are first asked the cheap question whether any
of them speaks of mlcc at all; nearly always none does.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from mlcc.diagnostics import Finding, error, printable
from mlcc.errors import MlccError, UserError

COMMANDS = "mlcc.commands"
REGISTRIES, COOKIECUTTERS = "mlcc.registries", "mlcc.cookiecutters"
TARGETS, CHECKS, PICKERS, STEPS = "mlcc.targets", "mlcc.checks", "mlcc.pickers", "mlcc.steps"
GROUPS = (REGISTRIES, COOKIECUTTERS, TARGETS, CHECKS, PICKERS, STEPS, COMMANDS)
# How a distribution's entry_points.txt begins one of our groups.
OURS = b"[mlcc."
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
        """Imports and returns the object.  Raises UserError when that fails, whatever the reason."""
        try:
            return self.entry.load()
        except Exception as problem:
            raise UserError([self.failed(problem)]) from None

    def call(self, *arguments: Any) -> Any:
        """Loads the object and calls it.  Raises UserError when that fails, but for findings of its own."""
        loaded = self.load()
        try:
            return loaded(*arguments)
        except MlccError:
            raise
        except Exception as problem:
            raise UserError([self.failed(problem)]) from None

    def failed(self, problem: Exception) -> Finding:
        """What is said of a plugin that does not work."""
        why = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
        message = f"the plugin {self.name} of {self.distribution} ({self.group}) does not work: {printable(why, 200)}"
        return error("MLCC502", message, hint="tell its authors; MLCC_PLUGINS=none does without plugins")


def possible(path: Iterable[str]) -> bool:
    """False when certainly no distribution on a module path has a plugin of mlcc."""
    for folder in path:
        try:
            names = os.listdir(folder or ".")
        except NotADirectoryError:
            return True  # an archive: let the library look into it
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                with suppress(OSError), open(os.path.join(folder, name, "entry_points.txt"), "rb") as stream:
                    if OURS in stream.read():
                        return True
    return False


def installed(environ: Mapping[str, str], group: str = "", built_in: Collection[str] = ()) -> list[Plugin]:
    """Plugins of one group, or of all, in order of group and name.

    built_in: names that mlcc itself has in the group.  Raises UserError for a name given twice.
    """
    if environ.get("MLCC_PLUGINS") == OFF or not possible(sys.path):
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
    for plugin in found:
        if plugin.name in built_in:
            message = f"{plugin.distribution} brings {plugin.group}: {plugin.name}, which mlcc has itself"
            raise UserError([error("MLCC501", message, hint="uninstall it, or set MLCC_PLUGINS=none")])
    return found


def find(group: str, name: str, environ: Mapping[str, str], built_in: Collection[str] = ()) -> Plugin | None:
    """One plugin by group and name, or None."""
    return next((p for p in installed(environ, group, built_in) if p.name == name), None)
