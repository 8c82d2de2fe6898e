"""Rules about meaning.  Law: one rule a file, with a code, pure; findings, never exceptions.

The table below is the list of built-in checks.  A rule that fails itself is a bug in mlcc, not in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlcc.checks import (
    accelerator_type,
    adapter_base,
    batch_payload,
    capability,
    chat_template,
    compatibility,
    driver,
    engine_absent,
    engine_option,
    engine_value,
    env_size,
    format_loaded,
    framework_issue,
    image_form,
    instance_known,
    instance_offered,
    literal_secret,
    memory,
    model_kind,
    model_length,
    model_missing,
    parallel_size,
    pinned,
    quantised,
    region_known,
    scaling_range,
    secret_form,
    target_named,
    triton_batching,
    triton_default,
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
        target_named,
        accelerator_type,
        driver,
        capability,
        parallel_size,
        engine_value,
        engine_option,
        engine_absent,
        model_missing,
        model_length,
        memory,
        compatibility,
        quantised,
        chat_template,
        framework_issue,
        env_size,
        image_form,
        batch_payload,
        triton_models,
        triton_default,
        triton_tensors,
        triton_image,
        triton_batching,
    )
}

__all__ = ["BUILT_IN", "ENV_VARS", "Check", "Subject", "run"]


# What --no-validate-env-vars leaves out: rules about the texts of container variables.
ENV_VARS = (engine_value.CODE, engine_option.CODE)


def run(subject: Subject, more: Iterable[Check] = (), skip: Iterable[str] = ()) -> list[Finding]:
    """Findings of every check about one resolved environment.  more: checks of plugins; skip: codes left out."""
    left_out = set(skip)
    found: list[Finding] = []
    for check in (*(c for code, c in BUILT_IN.items() if code not in left_out), *more):
        found.extend(check(subject))
    return found
