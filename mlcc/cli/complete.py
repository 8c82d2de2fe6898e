"""What a shell offers after TAB.  Law: reads what is packaged and the mlcc.yaml at hand; never acts, never complains.

The functions are click's `shell_complete` callbacks: (context, parameter, what is typed so far) -> words, or items.
Nothing is imported before somebody presses TAB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from mlcc.io.schema.keys import Property


if TYPE_CHECKING:
    Words = list[str] | list[CompletionItem]


def items(words: Iterable[str]) -> list[CompletionItem]:
    """Words as the shell takes them."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(word) for word in words]


def paths(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
    """Files: the shell's own completion."""
    return _shell_s("file", typed)


def folders(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
    """Folders: the shell's own completion."""
    return _shell_s("dir", typed)


def _shell_s(kind: str, typed: str) -> Words:
    from click.shell_completion import CompletionItem

    return [CompletionItem(typed, type=kind)]


def keys(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
    """Keys of mlcc.yaml; for `explain` also codes of findings."""
    from mlcc.io.schema import keys as known

    names = [p.name for p in known.index().values() if "*" not in p.path and "[]" not in p.path]
    if typed.upper().startswith("MLCC") and ctx.info_name == "explain":
        from mlcc.registries.finding_pages import pages

        names, typed = list(pages()), typed.upper()
    return _beginning(typed, names)


def settings(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
    """PATH=VALUE of --set."""
    name, equals, value = typed.partition("=")
    if not equals:
        return [f"{key}=" for key in keys(ctx, param, typed)]
    return [f"{name}={word}" for word in _values(name, value)]


def value(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
    """Values of the KEY that was typed before (`mlcc set KEY VALUE`)."""
    return _values(str(ctx.params.get("key") or ""), typed)


def of_key(name: str) -> Callable[[click.Context, click.Parameter, str], Words]:
    """Values of one key, for its option."""
    return lambda ctx, param, typed: _values(name, typed)


def environments(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
    """Overlays of the mlcc.yaml at hand: of -f FILE, of the project that `do -C DIR` names, or of this folder."""
    from mlcc import pipeline
    from mlcc.core.errors import MlccError
    from mlcc.load.locate import find_mlcc_yaml

    above = ctx.parent.params if ctx.parent is not None else {}
    try:
        found = pipeline.load(str(ctx.params.get("file") or "") or find_mlcc_yaml(str(above.get("directory") or ".")))
    except (MlccError, OSError):
        return []
    return _beginning(typed, found.config.environments)


def targets(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
    """Deployment targets."""
    return _beginning(typed, _table("targets"))


def entries(kind: str) -> Callable[[click.Context, click.Parameter, str], Words]:
    """Rows of a packaged table of facts."""

    def found(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
        from mlcc.registries.loader import load

        return _beginning(typed, load().entries(kind))

    return found


def rows(ctx: click.Context, param: click.Parameter, typed: str) -> Words:
    """Rows of the catalog's table that was typed before."""
    from mlcc.cli.catalog_tables import TABLES

    table = str(ctx.params.get("table") or "")
    return _beginning(typed, _table(table)) if table in TABLES else []


def _values(name: str, typed: str) -> list[str]:
    from mlcc.core.paths import parse_path
    from mlcc.io.schema import keys as known

    path = parse_path(name) or ()
    path = path[2:] if path[:1] == ("environments",) else path
    prop = known.find(path) if path else None
    return _beginning(typed, _allowed(prop)) if prop is not None else []


def _allowed(prop: Property) -> Iterable[str]:
    """Values that a key may have, where they can be listed."""
    if prop.meta.get("catalog"):
        return _table(str(prop.meta["catalog"]))
    if prop.types == ("boolean",):
        return ("true", "false")
    forms: Iterable[Any] = (prop.schema, *prop.schema.get("anyOf", ()))
    return [str(word) for form in forms for word in form.get("enum", ())]


def _table(name: str) -> Iterable[str]:
    """Names of the rows of a catalog table."""
    from mlcc.cli.catalog_tables import TABLES
    from mlcc.registries.loader import load

    return (row for row in TABLES[name][0](load()) if "*" not in row)


def _beginning(typed: str, words: Iterable[str]) -> list[str]:
    return sorted(word for word in words if word.startswith(typed))
