"""Rows that take over from others: an engine that is like another one, a framework over its namesake.  Law: pure."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.registries.engine_rows import Engine
from mlcc.registries.rows import Framework

_SHARED = (
    "options", "typed", "along", "values", "instead", "negation", "capability", "replicas", "payload", "at_least",
    "requires",
)  # fmt: skip


def joined_framework(old: Framework, new: Framework) -> Framework:
    """A framework's row over its namesake in an earlier root: versions and formats of both."""
    return new._replace(
        formats={**old.formats, **new.formats},
        versions={**{k: v for k, v in old.versions.items() if k not in new.versions}, **new.versions},
        default_format=new.default_format or old.default_format,
        sample=new.sample or old.sample,
        engine=new.engine or old.engine,
        accounts={**old.accounts, **new.accounts},
        title=new.title or old.title,
    )


def engine_like(row: Engine, rows: Mapping[str, Engine]) -> Engine:
    """A row with the fields that it does not have itself from the row that it is like."""
    other = rows.get(row.like)
    if other is None:
        return row
    empty = {f: getattr(other, f) for f, value in row._asdict().items() if f in _SHARED and not value}
    return row._replace(**empty)
