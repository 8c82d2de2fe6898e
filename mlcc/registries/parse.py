"""Nodes of registry files as frozen records.  Law: pure; a node that is valid by its schema never fails here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.nodes import Node
from mlcc.registries import rows
from mlcc.registries.engine_rows import Engine, EngineOptions, Option
from mlcc.registries.fields import flag, items, mapping, mappings, text, texts


def _base(name: str, node: Node, parent: Node | None = None) -> dict[str, Any]:
    source = text(node, "source") or (text(parent, "source") if parent is not None else "")
    return {
        "name": name,
        "origin": str(node.mark),
        "title": text(node, "title"),
        "source": source,
        "validation_level": text(node, "validation_level", "unknown"),
        "aliases": texts(node, "aliases"),
        "defaults": node.get("defaults") or rows.NOTHING,
    }


def architecture(name: str, node: Node, root: Node) -> rows.Architecture:
    """A row of architectures.yaml."""
    return rows.Architecture(
        **_base(name, node, root),
        layer=text(node, "layer"),
        uses=texts(node, "uses"),
        ignores=texts(node, "ignores"),
        engine_only=texts(node, "engine_only"),
        steps=texts(node, "steps"),
        container=mapping(node, "container"),
        env_prefixes=texts(node, "env_prefixes"),
        model_kinds=texts(node, "model_kinds"),
        sample=text(node, "sample"),
        variables=mapping(node, "variables"),
        recorded=mapping(node, "recorded"),
        provided_by=mapping(node, "provided_by"),
    )


def deployment_config(name: str, node: Node, root: Node) -> rows.DeploymentConfig:
    """A row of deployment_configs.yaml."""
    return rows.DeploymentConfig(
        **_base(name, node, root),
        description=text(node, "description"),
        architecture=text(node, "architecture"),
        backend=text(node, "backend"),
        frameworks=texts(node, "frameworks"),
        requirements=texts(node, "requirements"),
        system_packages=texts(node, "system_packages"),
        programs=texts(node, "programs"),
        files=texts(node, "files"),
        evidence=mapping(node, "evidence"),
        engine=text(node, "engine"),
        not_on=texts(node, "not_on"),
        requirements_by_python=mapping(node, "requirements_by_python"),
        example_env=mapping(node, "example_env"),
    )


def target(name: str, node: Node, root: Node) -> rows.Target:
    """A row of targets.yaml."""
    return rows.Target(
        **_base(name, node, root),
        description=text(node, "description"),
        layer=text(node, "layer"),
        uses=texts(node, "uses"),
        ignores=texts(node, "ignores"),
        instances=text(node, "instances"),
        host_image=text(node, "host_image"),
        max_payload_mb=int(text(node, "max_payload_mb", "0")),
        start_s=int(text(node, "start_s", "0")),
        load_mib_per_s=int(text(node, "load_mib_per_s", "0")),
        longest_start_s=int(text(node, "longest_start_s", "0")),
        needs=texts(node, "needs"),
        refuses=mapping(node, "refuses"),
        instead=mapping(node, "instead"),
        together=mapping(node, "together"),
        secrets=texts(node, "secrets"),
        components=flag(node, "components"),
        needs_region=flag(node, "needs_region", True),
        manifests=flag(node, "manifests"),
        devices=mapping(node, "devices"),
        endpoint_metrics=mapping(node, "endpoint_metrics"),
        pod_metrics=mapping(node, "pod_metrics"),
        lacks=texts(node, "lacks"),
        parts=texts(node, "parts"),
        predefined_metrics=texts(node, "predefined_metrics"),
        quota=text(node, "quota"),
        billed=text(node, "billed"),
    )


def _profiles(node: Node) -> Mapping[str, rows.Profile]:
    profiles = items(node, "profiles")
    return {k: rows.Profile(k, text(v, "title"), v.get("defaults") or rows.NOTHING) for k, v in profiles}


def _version(name: str, node: Node, root: Node) -> rows.FrameworkVersion:
    return rows.FrameworkVersion(
        **_base(name, node, root),
        python=text(node, "python"),
        requirements=texts(node, "requirements"),
        sample_requirements=texts(node, "sample_requirements"),
        profiles=_profiles(node),
        accelerator=mapping(node, "accelerator"),
        evidence=mapping(node, "evidence"),
        engine_version=text(node, "engine_version"),
        images=mapping(node, "images"),
        superseded_images=texts(node, "superseded_images"),
        instances=texts(node, "instances"),
        notes=texts(node, "notes"),
        known_issues=mappings(node, "known_issues"),
        other_pythons=texts(node, "other_pythons"),
    )


def framework(name: str, node: Node, root: Node) -> rows.Framework:
    """A file of frameworks/."""
    return rows.Framework(
        **_base(name, node),
        formats={k: text(v, "file") for k, v in items(node, "formats")},
        default_format=text(node, "default_format"),
        versions={k: _version(k, v, root) for k, v in items(node, "versions")},
        sample=mapping(node, "sample"),
        engine=text(node, "engine"),
        accounts=mapping(node, "registry_accounts"),
        left_out=mapping(node, "left_out"),
        packages=texts(node, "packages"),
    )


def model(name: str, node: Node, root: Node) -> rows.Model:
    """A row of a file of models/."""
    return rows.Model(
        **_base(name, node, root),
        family=text(node, "family"),
        profiles=_profiles(node),
        facts=mapping(node, "facts"),
        architecture=text(node, "architecture"),
        gated=flag(node, "gated"),
        compatibility=mapping(node, "compatibility"),
        requires_template=flag(node, "requires_template"),
        chat_template=text(node, "chat_template"),
        known_issues=mappings(node, "known_issues"),
        instances=texts(node, "instances"),
        tune=mapping(node, "tune"),
        notes=texts(node, "notes"),
    )


def instance(name: str, node: Node, root: Node) -> rows.Instance:
    """A row of a file of instances/; the facts of the family are at the top of the file."""
    device: dict[str, Any] = mapping(root, "accelerator")
    row: dict[str, Any] = node.plain()
    return rows.Instance(
        **_base(name, node, root),
        family=text(root, "family"),
        platform=text(root, "platform"),
        local_storage=flag(root, "local_storage"),
        vcpu=row.get("vcpu"),
        memory_gib=row.get("memory_gib"),
        accelerator=str(device.get("type", "")),
        accelerator_name=str(device.get("name", "")),
        small_batches=bool(device.get("small_batches", False)),
        accelerator_count=row.get("accelerator_count"),
        accelerator_memory_gib=device.get("memory_gib"),
        compute_capability=str(device.get("compute_capability", "")),
        reported_memory_mib=device.get("reported_memory_mib"),
        driver=str(device.get("driver", "")),
        last_driver=str(device.get("last_driver", "")),
        neuron_cores=device.get("neuron_cores"),
        endpoint=bool(row.get("endpoint")),
        transform=bool(row.get("transform")),
        hyperpod=bool(row.get("hyperpod")),
    )


def entry(name: str, node: Node, root: Node) -> rows.Entry:
    """A row of a table of facts, which only their readers know by name."""
    base = _base(name, node, root)
    return rows.Entry(**base, facts={k: v for k, v in node.plain().items() if k not in base})


def region(name: str, node: Node, root: Node) -> rows.Region:
    """A row of regions.yaml."""
    partition = text(node, "partition")
    suffix = root.get("partitions", partition, "dns_suffix")
    base = _base(name, node, root) | {"title": text(node, "name")}
    return rows.Region(
        **base,
        partition=partition,
        dns_suffix=str(suffix.value) if suffix is not None else "",
        sagemaker=flag(node, "sagemaker"),
    )


def engine(name: str, node: Node, root: Node) -> Engine:
    """A row of engines.yaml."""
    return Engine(
        **_base(name, node, root),
        options_name=text(node, "options"),
        based_on=text(node, "like"),
        prefix=text(node, "prefix"),
        further_prefixes=texts(node, "also"),
        style=text(node, "style"),
        entrypoint=texts(node, "entrypoint"),
        command=texts(node, "command"),
        fixed_arguments=texts(node, "fixed"),
        flags=mapping(node, "flags"),
        model_variables=mapping(node, "names"),
        routes=mapping(node, "routes"),
        file_option=text(node, "file"),
        typed_keys=mapping(node, "typed"),
        extra_variables=mapping(node, "more"),
        companions=mapping(node, "along"),
        value_words=mapping(node, "values"),
        alternatives=mapping(node, "instead"),
        negation=text(node, "negation"),
        drops_false=flag(node, "drops_false"),
        accepted_prefixes=texts(node, "accepted_prefixes"),
        payload=text(node, "payload"),
        replicas_option=text(node, "replicas"),
        lower_bounds=mapping(node, "at_least"),
        requires=mapping(node, "requires"),
        needed_capability=mapping(node, "capability"),
    )


def options(root: Node) -> EngineOptions:
    """A file of options/."""
    versions = root.get("versions")
    # `option.max_loras` in a file of properties is OPTION_MAX_LORAS in the environment: `option.` becomes the prefix
    prefix = text(root, "inherits_as")
    return EngineOptions(
        text(root, "name"),
        str(root.mark),
        tuple(versions.value) if versions is not None else (),
        {k.removeprefix(prefix): _option(k.removeprefix(prefix), v, prefix) for k, v in items(root, "rows")},
        {k: _option(k, v) for k, v in items(root, "variables")},
    )


def _option(name: str, node: Node, prefix: str = "") -> Option:
    return Option(
        name,
        text(node, "type", "text"),
        texts(node, "choices"),
        tuple(alias.removeprefix(prefix) for alias in texts(node, "aliases")),
        text(node, "from"),
        text(node, "until"),
        text(node, "note"),
        mapping(node, "choices_from"),
        mapping(node, "choices_until"),
        text(node, "open_from"),
        text(node, "open_until"),
    )


KINDS: dict[str, Callable[[str, Node, Node], rows.Row]] = {
    "architectures": architecture,
    "deployment_configs": deployment_config,
    "targets": target,
    "framework": framework,
    "models": model,
    "instances": instance,
    "regions": region,
    "engines": engine,
    "amis": entry,
    "aws_errors": entry,
    "aws_permissions": entry,
    "bootstrap_modules": entry,
    "builders": entry,
    "cuda": entry,
    "chat_templates": entry,
    "e2e": entry,
    "log_causes": entry,
    "model_architectures": entry,
    "older_variables": entry,
    "quantizations": entry,
    "workloads": entry,
}

# Every kind of registry file that has a schema.
SCHEMAS = (*KINDS, "options", "policies", "triton_backends", "triton_config", "prices", "findings", "redaction")
