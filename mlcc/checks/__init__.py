"""Rules about meaning.  Law: one rule a file, with a code, pure; findings, never exceptions.

The table below is the list of built-in checks.  A rule that fails itself is a bug in mlcc, not in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlcc.checks import (
    adapter_base,
    format_loaded,
    instance_known,
    instance_offered,
    literal_secret,
    model_kind,
    pinned,
    region_known,
    scaling_range,
    secret_form,
    triton_batching,
    triton_default,
    triton_gpu,
    triton_image,
    triton_models,
    triton_tensors,
    unused_section,
)
from mlcc.checks.base import Check, Subject
from mlcc.diagnostics import Finding

BUILT_IN: Mapping[str, Check] = {
    module.CODE: module.check
    for module in (
        unused_section,
        instance_known,
        instance_offered,
        region_known,
        format_loaded,
        model_kind,
        literal_secret,
        secret_form,
        adapter_base,
        pinned,
        scaling_range,
        triton_models,
        triton_default,
        triton_tensors,
        triton_image,
        triton_batching,
        triton_gpu,
    )
}

__all__ = ["BUILT_IN", "Check", "Subject", "run"]


def run(subject: Subject, more: Iterable[Check] = ()) -> list[Finding]:
    """Findings of every check about one resolved environment.  more: checks of plugins."""
    found: list[Finding] = []
    for check in (*BUILT_IN.values(), *more):
        found.extend(check(subject))
    return found
