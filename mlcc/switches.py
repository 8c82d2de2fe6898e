"""Options that are switched off by an opposite one.  Law: pure; which engine has such options is data (engines.yaml).

vLLM is told --no-enable-prefix-caching; a container of it, VLLM_NO_ENABLE_PREFIX_CACHING=true.
"""

from __future__ import annotations

from dataclasses import replace

from mlcc.candidates import Candidate, Table
from mlcc.registries.engine_types import Engine
from mlcc.spelling import keys_of, negated, read, spelled, text, variable
from mlcc.values import Path


def switched(
    table: Table, engine: Engine, path: Path, key: str, found: list[Candidate]
) -> tuple[list[Candidate], Path]:
    """What says a switch, and in which variable, where the engine has an option that switches it off.

    path: the variable of the option itself.  The opposite is written where somebody wrote it, or where the image's
    entry point drops `false`; what then says the contrary in the same container goes, or is taken back.
    """
    prefix, name, how = path[:-2], str(path[-1]), spelled(engine, key)
    assert how is not None
    best = min(found, key=lambda c: c.source)
    on = {name, *(n for n, said in keys_of(engine).items() if said == key)}
    off = {n for n, said in negated(engine).items() if said == key}
    here = sorted(n for n in off if (*prefix, "env", n) in table.candidates)
    opposite = best.value is how.opposite and bool(here or engine.drops_false)
    if opposite:
        name = here[0] if here else variable(engine, engine.negation + how.option)
        found = [replace(c, value=not how.opposite) for c in found if c.value is how.opposite]
    for other in (on if opposite else off) - {name}:
        beside: Path = (*prefix, "env", other)
        said = min(table.candidates.get(beside, ()), key=lambda c: c.source, default=None)
        if said is not None and read(key, text(said.value))[0] is True:
            del table.candidates[beside]
        if prefix and ("env", other) in table.candidates:
            table.candidates[beside] = [replace(best, value="false")]
    return found, (*prefix, "env", name)
