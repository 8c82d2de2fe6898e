"""Where the values of an endpoint are put together.  Law: pure; what mlcc.yaml has no key for is listed."""

from __future__ import annotations

from typing import Any

from mlcc.core.nodes import Mark
from mlcc.core.paths import Path
from mlcc.core.physical_names import joined
from mlcc.core.text import printable
from mlcc.lifecycle.targets.sagemaker.imports.origin import Origin, part_name, target_of
from mlcc.lifecycle.targets.sagemaker.imports.running import Running
from mlcc.lookups.proposal import Draft
from mlcc.registries.loader import Registries

UNKNOWN = "MLCC388"


class Sheet:
    """The values of one endpoint, as they are put together.

    name, prefix: of the project, and what the names of its resources begin with; target: that makes such endpoints.
    """

    def __init__(self, running: Running, origin: Origin, registries: Registries) -> None:
        """origin: what the endpoint was made from."""
        self.running, self.origin, self.target = running, origin, target_of(running, registries)
        self.draft, self.mark = Draft(), Mark(f"endpoint {printable(running.name, 100)}")
        self.name = running.project or part_name(running.name, "")
        self.prefix = joined(self.name, running.environment)

    def put(self, dotted: str, value: Any, below: Path = ()) -> None:
        """Takes a value that is there."""
        if value not in (None, "", [], {}, ()):
            self.draft.put((*below, *dotted.split(".")), value, self.mark)

    def unknown(self, what: str) -> None:
        """Lists what mlcc.yaml cannot describe."""
        hint = "a deployment would not make it; take it over by hand where the project needs it"
        self.draft.leave(UNKNOWN, self.mark, f"{what} cannot be described by mlcc.yaml", hint)


def whole(number: Any) -> Any:
    """2 for 2.0, as people write it."""
    return int(number) if isinstance(number, float) and number.is_integer() else number
