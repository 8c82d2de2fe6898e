"""LoRA where adapters are served.  Law: pure; of the weakest source, so that whatever somebody says wins."""

from __future__ import annotations

from mlcc.core.paths import Item, Path
from mlcc.core.values import Source
from mlcc.registries.engine_rows import Engine
from mlcc.resolve.candidates import Table
from mlcc.resolve.engine.typed_keys import offer_typed_keys

ADAPTERS, COMPONENTS = "adapters", "inference_components"
KEY = "lora.enabled"
PATH: Path = ("engine", *KEY.split("."))


def offer_lora(table: Table, engine: Engine) -> None:
    """Switches LoRA on in the engine of each adapter's base, where nobody says whether it is on.

    It is the project's engine where one component serves all, else that of the component: the others need no memory
    for adapters.
    """
    if KEY not in engine.typed_keys:
        return
    for name in table.names(ADAPTERS):
        adapter: Path = (ADAPTERS, Item(name))
        own = table.best((*adapter, "enabled"))
        prefix = _base(table, adapter)
        if prefix is None or (own is not None and own.value is False):
            continue
        sections = dict.fromkeys((prefix, ()))
        for section in sections:
            offer_typed_keys(table, engine, section)  # whoever writes a variable says it, too
        named = table.best((*adapter, "name"))
        if named is not None and all(table.best((*section, *PATH)) is None for section in sections):
            origin = f"{named.origin} (the adapter {name} needs it)"
            table.put((*prefix, *PATH), True, Source.DEFAULT, origin, named.mark)


def _base(table: Table, adapter: Path) -> Path | None:
    """The section whose engine serves an adapter; None where its base is not one of the components."""
    listed, base = table.names(COMPONENTS), table.best((*adapter, "base"))
    if len(listed) <= 1:
        return ()
    return (COMPONENTS, Item(str(base.value))) if base is not None and base.value in listed else None
