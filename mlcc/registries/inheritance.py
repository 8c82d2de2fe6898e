"""Rows that take values from other rows: an engine based on another one, a framework in several roots.  Law: pure."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.registries.engine_rows import Engine
from mlcc.registries.rows import Framework

# What a row takes from the one that it is based on.
_SHARED = (
    "options_name", "typed_keys", "companions", "value_words", "alternatives", "negation", "needed_capability",
    "replicas_option", "payload", "lower_bounds", "requires",
)  # fmt: skip


def join_frameworks(old: Framework, new: Framework) -> Framework:
    """A framework's row over the row of the same name in an earlier root: versions and formats of both."""
    return new._replace(
        formats={**old.formats, **new.formats},
        versions={**{k: v for k, v in old.versions.items() if k not in new.versions}, **new.versions},
        default_format=new.default_format or old.default_format,
        sample=new.sample or old.sample,
        engine=new.engine or old.engine,
        accounts={**old.accounts, **new.accounts},
        left_out={**old.left_out, **new.left_out},
        packages=new.packages or old.packages,
        title=new.title or old.title,
    )


def complete_engine(row: Engine, rows: Mapping[str, Engine]) -> Engine:
    """A row with the fields that it does not set itself taken from the row that it is based on."""
    base = rows.get(row.based_on)
    if base is None:
        return row
    inherited = {f: getattr(base, f) for f, value in row._asdict().items() if f in _SHARED and not value}
    return row._replace(**inherited)
