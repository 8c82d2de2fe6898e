"""The format of a model file, and the framework that loads it, of a file's name.  Law: pure; the file is not opened."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.registries.loader import Registries
from mlcc.registries.rows import DeploymentConfig
from mlcc.resolve.candidates import Table


def suffix(name: str) -> str:
    """The suffix of a file of the project (`./churn.joblib` has .joblib), empty for what has none or lies elsewhere."""
    last = name.rpartition("/")[2]
    stem, dot, end = last.rpartition(".")
    return f".{end.lower()}" if name.startswith("./") and dot and stem and end else ""


def loaded(registries: Registries, config: DeploymentConfig, end: str) -> Iterator[tuple[str, str]]:
    """Each framework of a config that loads files of a suffix, with the format that it calls them."""
    for name in config.frameworks:
        framework = registries.framework(name)
        for form, file in framework.formats.items() if framework is not None else ():
            if end and file.endswith(end):
                yield name, form


def infer_format(table: Table, registries: Registries, config: DeploymentConfig) -> None:
    """The format that the suffix of model.name says, where only one of the config has it and the user named none."""
    name, form, named = table.best("model.name"), table.best("model.format"), table.best("framework.name")
    if name is None or (form is not None and form.source.by_hand):
        return
    fits = list(loaded(registries, config, suffix(str(name.value))))
    if named is not None and named.source.by_hand:
        fits = [(framework, found) for framework, found in fits if framework == named.value]
    if len(fits) == 1:
        origin = f"{name.origin} (the suffix of model.name)"
        table.put(("model", "format"), fits[0][1], name.source, origin, name.mark)


def infer_framework(table: Table, registries: Registries, config: DeploymentConfig) -> None:
    """The only framework of the config that loads the chosen format, unless the user named one."""
    named, form = table.best("framework.name"), table.best("model.format")
    if form is None or (named is not None and named.source.by_hand):
        return
    fits = [n for n in config.frameworks if (f := registries.framework(n)) is not None and form.value in f.formats]
    if len(fits) == 1:
        origin = f"{form.origin} (the framework that loads {form.value})"
        table.put(("framework", "name"), fits[0], form.source, origin, form.mark)
