"""Nodes of registry files as frozen records.  Law: pure; a node that its schema allows never fails here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.nodes import Node
from mlcc.registries import rows as t
from mlcc.registries.engine_rows import Engine, Option, Options


def _text(node: Node, key: str, default: str = "") -> str:
    found = node.get(key)
    return default if found is None or found.value is None else str(found.value)


def _texts(node: Node, key: str) -> tuple[str, ...]:
    found = node.get(key)
    return tuple(str(v.value) for v in found.value) if found is not None else ()


def _plain(node: Node, key: str) -> dict[str, Any]:
    found = node.get(key)
    plain = found.plain() if found is not None else {}
    return plain if isinstance(plain, dict) else {}


def _mappings(node: Node, key: str) -> tuple[Mapping[str, Any], ...]:
    found = node.get(key)
    return tuple(v.plain() for v in found.value) if found is not None else ()


def _base(name: str, node: Node, parent: Node | None = None) -> dict[str, Any]:
    source = _text(node, "source") or (_text(parent, "source") if parent is not None else "")
    return {
        "name": name,
        "origin": str(node.mark),
        "title": _text(node, "title"),
        "source": source,
        "validation_level": _text(node, "validation_level", "unknown"),
        "aliases": _texts(node, "aliases"),
        "defaults": node.get("defaults") or t.NOTHING,
    }


def architecture(name: str, node: Node, root: Node) -> t.Architecture:
    """A row of architectures.yaml."""
    return t.Architecture(
        **_base(name, node, root),
        layer=_text(node, "layer"),
        uses=_texts(node, "uses"),
        steps=_texts(node, "steps"),
        container=_plain(node, "container"),
        env_prefixes=_texts(node, "env_prefixes"),
        model_kinds=_texts(node, "model_kinds"),
        sample=_text(node, "sample"),
        variables=_plain(node, "variables"),
    )


def deployment_config(name: str, node: Node, root: Node) -> t.DeploymentConfig:
    """A row of deployment_configs.yaml."""
    return t.DeploymentConfig(
        **_base(name, node, root),
        description=_text(node, "description"),
        architecture=_text(node, "architecture"),
        backend=_text(node, "backend"),
        frameworks=_texts(node, "frameworks"),
        requirements=_texts(node, "requirements"),
        system_packages=_texts(node, "system_packages"),
        programs=_texts(node, "programs"),
        files=_texts(node, "files"),
        evidence=_plain(node, "evidence"),
        engine=_text(node, "engine"),
        not_on=_texts(node, "not_on"),
    )


def target(name: str, node: Node, root: Node) -> t.Target:
    """A row of targets.yaml."""
    return t.Target(
        **_base(name, node, root),
        description=_text(node, "description"),
        layer=_text(node, "layer"),
        uses=_texts(node, "uses"),
        instances=_text(node, "instances"),
        host_image=_text(node, "host_image"),
        needs=_texts(node, "needs"),
        together=_plain(node, "together"),
        secrets=_texts(node, "secrets"),
        components=_plain_bool(node, "components"),
        needs_region=_plain_bool(node, "needs_region", True),
    )


def _plain_bool(node: Node, key: str, default: bool = False) -> bool:
    found = node.get(key)
    return default if found is None else bool(found.value)


def _profiles(node: Node) -> Mapping[str, t.Profile]:
    found = node.get("profiles")
    items = found.value.items() if found is not None else ()
    return {k: t.Profile(k, _text(v, "title"), v.get("defaults") or t.NOTHING) for k, v in items}


def _version(name: str, node: Node, root: Node) -> t.FrameworkVersion:
    return t.FrameworkVersion(
        **_base(name, node, root),
        python=_text(node, "python"),
        requirements=_texts(node, "requirements"),
        sample_requirements=_texts(node, "sample_requirements"),
        profiles=_profiles(node),
        accelerator=_plain(node, "accelerator"),
        evidence=_plain(node, "evidence"),
        engine_version=_text(node, "engine_version"),
        images=_plain(node, "images"),
        instances=_texts(node, "instances"),
        notes=_texts(node, "notes"),
        known_issues=_mappings(node, "known_issues"),
    )


def framework(name: str, node: Node, root: Node) -> t.Framework:
    """A file of frameworks/."""
    formats, versions = node.get("formats"), node.get("versions")
    return t.Framework(
        **_base(name, node),
        formats={k: _text(v, "file") for k, v in formats.value.items()} if formats is not None else {},
        default_format=_text(node, "default_format"),
        versions={k: _version(k, v, root) for k, v in versions.value.items()} if versions is not None else {},
        sample=_plain(node, "sample"),
        engine=_text(node, "engine"),
        accounts=_plain(node, "registry_accounts"),
    )


def model(name: str, node: Node, root: Node) -> t.Model:
    """A row of a file of models/."""
    return t.Model(
        **_base(name, node, root),
        family=_text(node, "family"),
        profiles=_profiles(node),
        facts=_plain(node, "facts"),
        architecture=_text(node, "architecture"),
        gated=_plain_bool(node, "gated"),
        compatibility=_plain(node, "compatibility"),
        requires_template=_plain_bool(node, "requires_template"),
        chat_template=_text(node, "chat_template"),
        known_issues=_mappings(node, "known_issues"),
        instances=_texts(node, "instances"),
        tune=_plain(node, "tune"),
        notes=_texts(node, "notes"),
    )


def instance(name: str, node: Node, root: Node) -> t.Instance:
    """A row of a file of instances/; family facts stand at the top of the file."""
    device, row = _plain(root, "accelerator"), _plain_all(node)
    return t.Instance(
        **_base(name, node, root),
        family=_text(root, "family"),
        platform=_text(root, "platform"),
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


def entry(name: str, node: Node, root: Node) -> t.Entry:
    """A row of a table whose facts nothing but their readers need to know by name."""
    base = _base(name, node, root)
    return t.Entry(**base, facts={k: v for k, v in _plain_all(node).items() if k not in base})


def _plain_all(node: Node) -> dict[str, Any]:
    plain: dict[str, Any] = node.plain()
    return plain


def region(name: str, node: Node, root: Node) -> t.Region:
    """A row of regions.yaml."""
    partition = _text(node, "partition")
    suffix = root.get("partitions", partition, "dns_suffix")
    base = _base(name, node, root) | {"title": _text(node, "name")}
    return t.Region(
        **base,
        partition=partition,
        dns_suffix=str(suffix.value) if suffix is not None else "",
        sagemaker=_plain_bool(node, "sagemaker"),
    )


def engine(name: str, node: Node, root: Node) -> Engine:
    """A row of engines.yaml."""
    return Engine(
        **_base(name, node, root),
        options=_text(node, "options"),
        like=_text(node, "like"),
        prefix=_text(node, "prefix"),
        also=_texts(node, "also"),
        style=_text(node, "style"),
        entrypoint=_texts(node, "entrypoint"),
        command=_texts(node, "command"),
        fixed=_texts(node, "fixed"),
        flags=_plain(node, "flags"),
        names=_plain(node, "names"),
        routes=_plain(node, "routes"),
        file=_text(node, "file"),
        typed=_plain(node, "typed"),
        more=_plain(node, "more"),
        along=_plain(node, "along"),
        values=_plain(node, "values"),
        instead=_plain(node, "instead"),
        negation=_text(node, "negation"),
        drops_false=_plain_bool(node, "drops_false"),
        heard=_texts(node, "heard"),
        payload=_text(node, "payload"),
        replicas=_text(node, "replicas"),
        at_least=_plain(node, "at_least"),
        requires=_plain(node, "requires"),
        capability=_plain(node, "capability"),
    )


def prices(root: Node) -> dict[str, t.Price]:
    """The rows of prices.yaml; a row's own date and source beat the file's."""
    date, region, currency = (_text(root, key) for key in ("date", "region", "currency"))
    found = {}
    for name, node in _items(root, "rows"):
        amount = node.get("usd") if node.is_map else node
        assert amount is not None
        day, source = _text(node, "date") if node.is_map else "", _text(node, "source") if node.is_map else ""
        source = source or _text(root, "source")
        found[name] = t.Price(float(amount.value), day or date, region, currency, source)
    return found


def options(root: Node) -> Options:
    """A file of options/."""
    versions = root.get("versions")
    # `option.max_loras` in a file of properties is OPTION_MAX_LORAS in the environment: the word is the prefix's
    prefix = _text(root, "inherits_as")
    return Options(
        _text(root, "name"),
        str(root.mark),
        tuple(versions.value) if versions is not None else (),
        {k.removeprefix(prefix): _option(k.removeprefix(prefix), v, prefix) for k, v in _items(root, "rows")},
        {k: _option(k, v) for k, v in _items(root, "variables")},
    )


def _items(node: Node, key: str) -> list[tuple[str, Node]]:
    found = node.get(key)
    return list(found.value.items()) if found is not None else []


def _option(name: str, node: Node, prefix: str = "") -> Option:
    return Option(
        name,
        _text(node, "type", "text"),
        _texts(node, "choices"),
        tuple(alias.removeprefix(prefix) for alias in _texts(node, "aliases")),
        _text(node, "from"),
        _text(node, "until"),
        _text(node, "note"),
        _plain(node, "choices_from"),
        _plain(node, "choices_until"),
        _text(node, "open_from"),
        _text(node, "open_until"),
    )


KINDS: dict[str, Callable[[str, Node, Node], t.Row]] = {
    "architectures": architecture,
    "deployment_configs": deployment_config,
    "targets": target,
    "framework": framework,
    "models": model,
    "instances": instance,
    "regions": region,
    "engines": engine,
    "amis": entry,
    "cuda": entry,
    "chat_templates": entry,
    "e2e": entry,
    "model_architectures": entry,
    "quantizations": entry,
    "workloads": entry,
}

# Every kind of registry file that has a schema.
SCHEMAS = (*KINDS, "options", "policies", "triton_backends", "prices", "findings", "redaction")
