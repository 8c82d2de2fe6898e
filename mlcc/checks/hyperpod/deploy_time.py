"""MLCC366: no time to deploy in."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.manifests import Problem, on_manifests, spec_of
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC366"
FIELD = "maxDeployTimeInSeconds"


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """The server takes zero, and every deployment fails at once."""
    limit = spec_of(document).get(FIELD)
    if isinstance(limit, int) and limit < 1:
        yield Problem(("spec", FIELD), f"{limit} seconds is no time to deploy in", "3600 is the operator's default")


check = on_manifests(CODE, problems)
