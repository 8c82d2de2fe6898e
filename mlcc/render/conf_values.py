"""The .conf files of do/: `export NAME='value'` lines.  Law: pure; written quoted, parsed but never executed.

Which key of mlcc.yaml has which variable is data (`x-mlcc.variable` in the schema).  Container variables keep their
name when the architecture says that its engine's prefix is harmless to a shell, and travel as IC_ENV_NAME otherwise,
so that no value of theirs can change the shell that sources the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mlcc.core.paths import Item, Path, names, nested
from mlcc.core.value_text import scalar_text
from mlcc.io.schema import keys

ENV_PREFIX = "IC_ENV_"
BATCH_ENV_PREFIX = "BATCH_ENV_"
UNSET = "MLCC_UNSET"


def text(value: Any) -> str:
    """A value as the text of a variable: lists joined by commas, mappings as JSON, switches as true or false."""
    if isinstance(value, (tuple, list)):
        scalars = all(not isinstance(v, (dict, list, tuple)) for v in value)
        return ",".join(text(v) for v in value) if scalars else json.dumps(value, separators=(",", ":"))
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return scalar_text(value)


def _collect(values: Mapping[Path, Any], prefix: Path) -> dict[str, Any]:
    """Leaves below a mapping as nested plain data."""
    size = len(prefix)
    return nested({path[size:]: value for path, value in values.items() if path[:size] == prefix and len(path) > size})


def _variables(values: Mapping[Path, Any], pattern: tuple[str, ...], prefix: Path) -> dict[str, str]:
    """Variables of the keys directly or deeper below `pattern`, read at the concrete `prefix`."""
    found: dict[str, str] = {}
    size = len(pattern)
    for path, prop in keys.index().items():
        variable = prop.meta.get("variable")
        if not variable or path[:size] != pattern or "[]" in path[size:]:
            continue
        here: Path = (*prefix, *path[size:])
        if "object" in prop.types:
            collected = _collect(values, here)
            if collected:
                found[variable] = text(collected)
        elif here in values:
            found[variable] = text(values[here])
    return found


def _env(
    values: Mapping[Path, Any], prefix: Path, plain: Iterable[str] = (), carried: str = ENV_PREFIX
) -> dict[str, str]:
    starts = tuple(plain)
    found: dict[str, str] = {}
    for path, value in values.items():
        if path[:-1] == (*prefix, "env"):
            name = str(path[-1])
            kept = bool(starts) and name.startswith(starts)
            found[name if kept else carried + name] = text(value)
    return found


def config(values: Mapping[Path, Any], plain: Iterable[str] = ()) -> dict[str, str]:
    """The variables of do/config.  plain: prefixes of container variables that keep their names."""
    return _variables(values, (), ()) | _env(values, ("batch",), carried=BATCH_ENV_PREFIX) | _env(values, (), plain)


def component(values: Mapping[Path, Any], name: str, plain: Iterable[str] = ()) -> dict[str, str]:
    """The variables of do/ic/NAME.conf."""
    prefix: Path = ("inference_components", Item(name))
    return _variables(values, ("inference_components", "[]"), prefix) | _env(values, prefix, plain)


def adapter(values: Mapping[Path, Any], name: str) -> dict[str, str]:
    """The variables of do/adapters/NAME.conf."""
    return _variables(values, ("adapters", "[]"), ("adapters", Item(name)))


def components(values: Mapping[Path, Any]) -> tuple[str, ...]:
    """Names of the inference components."""
    return names(values, ("inference_components",))


def adapters(values: Mapping[Path, Any]) -> tuple[str, ...]:
    """Names of the adapters."""
    return names(values, ("adapters",))


def scoped(kind: str, name: str, variable: str) -> str:
    """How an environment's file names a component's or adapter's variable: `IC__CHAT__COPY_COUNT`.

    Names hold single hyphens only, so that the form is unambiguous.
    """
    head, _, rest = variable.partition("_")
    return f"{kind}__{name.upper().replace('-', '_')}__{rest if head == kind else variable}"


def overlay(default: Mapping[Path, Any], chosen: Mapping[Path, Any], plain: Iterable[str] = ()) -> dict[str, str]:
    """The variables of do/env/NAME.conf: what differs from the default, and which names are taken away."""
    found, gone = _difference(config(default, plain), config(chosen, plain))
    for kind, listing, variables in (("IC", components, component), ("ADAPTER", adapters, adapter)):
        for name in dict.fromkeys((*listing(default), *listing(chosen))):
            before, after = variables(default, name), variables(chosen, name)
            if not after:
                after = {**before, f"{kind}_ENABLED": "false"}
            changed, removed = _difference(before, after)
            found |= {scoped(kind, name, k): v for k, v in changed.items()}
            gone += [scoped(kind, name, k) for k in removed]
    if gone:
        found[UNSET] = " ".join(sorted(gone))
    return found


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    changed = {k: v for k, v in after.items() if before.get(k) != v}
    return changed, [k for k in before if k not in after]
