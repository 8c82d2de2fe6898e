"""Rules about meaning.  Law: one rule a file, with a code, pure; findings, never exceptions.

The tables below are the list of built-in checks; those about serving engines and about Triton are imported for projects
that have one.  A rule that fails itself is a bug in mlcc, not in the configuration.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from mlcc.checks import (
    accelerator_type,
    adapter_base,
    batch_payload,
    capability,
    compatibility,
    component_devices,
    device_driver,
    driver,
    env_size,
    format_loaded,
    framework_issue,
    image_form,
    image_partition,
    instance_known,
    instance_offered,
    job_paths,
    literal_secret,
    model_kind,
    pinned,
    platform,
    policy,
    policy_path,
    region_known,
    role_account,
    s3_prefix,
    scaling_range,
    secret_form,
    secret_reach,
    server_variable,
    target_named,
    unused_section,
)
from mlcc.checks.base import Check, Subject
from mlcc.diagnostics import Finding
from mlcc.values import Node

__all__ = ["BUILT_IN", "ENV_VARS", "Check", "Subject", "run"]

COMMON: Mapping[str, Check] = {
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
        secret_reach,
        adapter_base,
        pinned,
        scaling_range,
        role_account,
        target_named,
        accelerator_type,
        driver,
        device_driver,
        platform,
        component_devices,
        job_paths,
        capability,
        compatibility,
        framework_issue,
        env_size,
        image_form,
        image_partition,
        batch_payload,
        s3_prefix,
        server_variable,
        policy,
        policy_path,
    )
}


@functools.cache
def of_engines() -> Mapping[str, Check]:
    """Checks of projects that a serving engine serves."""
    from mlcc.checks import (
        cache_unused,
        chat_template,
        chat_template_name,
        engine_absent,
        engine_option,
        engine_value,
        lora_off,
        memory,
        memory_unknown,
        model_length,
        model_missing,
        number_format,
        option_relation,
        option_twice,
        parallel_size,
        quantised,
    )

    return {
        module.CODE: module.check
        for module in (
            parallel_size,
            engine_value,
            engine_option,
            engine_absent,
            model_missing,
            model_length,
            memory,
            memory_unknown,
            cache_unused,
            number_format,
            lora_off,
            option_relation,
            option_twice,
            chat_template_name,
            quantised,
            chat_template,
        )
    }


@functools.cache
def of_triton() -> Mapping[str, Check]:
    """Checks of projects that Triton serves."""
    from mlcc.checks import (
        triton_batching,
        triton_default,
        triton_device,
        triton_image,
        triton_models,
        triton_tensors,
    )

    return {
        module.CODE: module.check
        for module in (
            triton_models,
            triton_default,
            triton_tensors,
            triton_image,
            triton_batching,
            triton_device,
        )
    }


def __getattr__(name: str) -> Any:
    """BUILT_IN: every check by its code.  ENV_VARS: the codes that --no-validate-env-vars leaves out."""
    if name == "BUILT_IN":
        return {**COMMON, **of_engines(), **of_triton()}
    if name == "ENV_VARS":
        from mlcc.checks import engine_option, engine_value

        # the rules about the texts of container variables
        return (engine_value.CODE, engine_option.CODE)
    raise AttributeError(name)


def run(subject: Subject, more: Iterable[Check] = (), skip: Iterable[str] = ()) -> list[Finding]:
    """Findings of every check about one resolved environment.  more: checks of plugins; skip: codes left out."""
    rows, left_out = subject.rows, set(skip)
    tables = [COMMON, *([of_engines()] if rows.engine else []), *([of_triton()] if rows.backend else [])]
    found: list[Finding] = []
    for check in (*(c for table in tables for code, c in table.items() if code not in left_out), *more):
        found.extend(check(subject))
    return found


def placed(finding: Finding, root: Node, env: str | None) -> Finding:
    """A finding of an overlay alone, with its name, and at its place where it has none of its own.

    root: mlcc.yaml's own tree; env: the overlay's name, None for the default environment.
    """
    node = root.get("environments", env) if env else None
    if node is None:
        return finding
    finding = finding._replace(message=f"{finding.message} (environment {env})")
    mark = node.mark
    return finding if finding.line else finding._replace(file=mark.file, line=mark.line, column=mark.column)
