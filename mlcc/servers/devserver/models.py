"""Models and endpoint configurations.  Law: what is in use may be deleted, as on the service; texts are its own."""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver import model_rules, packages
from mlcc.servers.devserver.copies import Image
from mlcc.servers.devserver.refusal import existing, missing
from mlcc.servers.devserver.things import Account, Thing


# ---------------------------------------------------------------- models
def create_model(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateModel."""
    name = request["ModelName"]
    if name in account.models:
        raise existing("model", account.models[name].arn)
    container = model_rules.container(request)
    runs = packages.container_of(account, container)
    model_rules.check_image(account, runs)
    account.models[name] = account.made("model", name, request)
    # a package may be deleted, and its models serve on
    account.models[name].running = runs
    return {"ModelArn": account.models[name].arn}


def describe_model(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeModel."""
    thing = model(account, request["ModelName"])
    return {**thing.request, "ModelArn": thing.arn, "CreationTime": thing.created}


def delete_model(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteModel: also of one in use, whose containers run on."""
    del account.models[model(account, request["ModelName"]).name]
    return {}


def model(account: Account, name: str) -> Thing:
    """A model.  Raises Refusal."""
    if name not in account.models:
        raise missing("model", account.arn("model", name))
    return account.models[name]


def image_of(thing: Thing) -> Image:
    """What a model starts."""
    container = thing.running
    source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
    return Image(
        container.get("Image", ""), container.get("Environment", {}), source or container.get("ModelDataUrl", "")
    )


# ---------------------------------------------------------------- configurations
def create_endpoint_config(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateEndpointConfig."""
    name = request["EndpointConfigName"]
    if name in account.configs:
        raise existing("endpoint configuration", account.configs[name].arn)
    for variant in request["ProductionVariants"]:
        if "ModelName" in variant:
            model(account, variant["ModelName"])
    model_rules.check_variants(account, request)
    account.configs[name] = account.made("endpoint-config", name, request)
    return {"EndpointConfigArn": account.configs[name].arn}


def describe_endpoint_config(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeEndpointConfig."""
    thing = config(account, request["EndpointConfigName"])
    return {**thing.request, "EndpointConfigArn": thing.arn, "CreationTime": thing.created}


def delete_endpoint_config(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteEndpointConfig: also of one in use, which breaks the next update."""
    del account.configs[config(account, request["EndpointConfigName"]).name]
    return {}


def config(account: Account, name: str) -> Thing:
    """A configuration.  Raises Refusal."""
    if name not in account.configs:
        raise missing("endpoint configuration", account.arn("endpoint-config", name))
    return account.configs[name]
