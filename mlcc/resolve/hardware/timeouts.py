"""How long a model may take to start, where the user does not say it.

Law: pure; a candidate at the level of the model's row, only where its weights need longer than other rows say.
"""

from __future__ import annotations

import math
from typing import Any

from mlcc.core.paths import Path
from mlcc.core.values import Source
from mlcc.registries.loader import Registries
from mlcc.resolve.candidates import Table
from mlcc.resolve.hardware import defaults, instances, memory
from mlcc.resolve.result import Rows

STARTUP: Path = ("endpoint", "startup_timeout_s")


def offer_startup_timeout(table: Table, registries: Registries, rows: Rows) -> None:
    """Offers the seconds that the model's weights need to arrive, and the engine to start behind them.

    The target's row knows the pace of the download and the longest time that the service allows.
    """
    target, model, engine = rows.target, rows.model, rows.engine
    if target is None or not target.load_mib_per_s or model is None or not defaults.can_size(engine, model):
        return

    def get(key: str, default: Any) -> Any:
        found = table.best(f"engine.{key}")
        return default if found is None else found.value

    # what is quantised on load arrives whole
    settings = instances.engine_settings(registries, get)._replace(quantization="")
    weights = memory.weight_gib(model.facts, settings)
    needed = min(math.ceil(target.start_s + weights * 1024 / target.load_mib_per_s), target.longest_start_s)
    known = table.best(STARTUP)
    if known is None or (not known.source.by_hand and needed > int(known.value)):
        origin = f"{model.origin} ({weights:.0f} GiB of weights at {target.load_mib_per_s} MiB/s)"
        table.put(STARTUP, needed, Source.MODEL, origin)
