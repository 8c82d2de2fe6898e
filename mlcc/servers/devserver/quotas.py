"""Quotas of an account.  Law: there is none but what a test sets (`/_local/quotas`), by the name in the service's text.

Where nobody has set one there is no limit, and so no default of AWS's either: that list is empty.  Codes of quotas no
source states, and they are left out.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from mlcc.servers.devserver.refusal import LIMIT, Refusal
from mlcc.servers.devserver.things import FAILED, Account, Thing

TEXT = (
    "The account-level service limit '{name}' is {limit} Instances, with current utilization of {used} Instances and a "
    "request delta of {more} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
    "Service Quotas is not available, contact AWS support to request an increase for this quota."
)


def check(account: Account, config: Thing) -> None:
    """An endpoint of a configuration fits into the quotas.  Raises Refusal."""
    used: Counter[str] = Counter()
    for thing in account.endpoints.values():
        made = account.configs.get(thing.request["EndpointConfigName"])
        if thing.status != FAILED and (thing.running or made is not None):
            used += _instances(thing.running or (made.request if made is not None else {}))
    for name, more in _instances(config.request).items():
        limit = account.quotas.get(name)
        if account.rules.quotas_limit and limit is not None and used[name] + more > limit:
            raise Refusal(TEXT.format(name=name, limit=limit, used=used[name], more=more), LIMIT)


def listed(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """ListServiceQuotas of SageMaker."""
    _need_sagemaker(request)
    quotas = [
        {"ServiceCode": "sagemaker", "QuotaName": name, "Value": float(value), "Unit": "None"}
        for name, value in sorted(account.quotas.items())
    ]
    return {"Quotas": quotas}


def defaults(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """ListAWSDefaultServiceQuotas of SageMaker: none, for this server limits nothing by itself."""
    _need_sagemaker(request)
    return {"Quotas": []}


def _need_sagemaker(request: dict[str, Any]) -> None:
    if request["ServiceCode"] != "sagemaker":
        raise Refusal("The request failed because the specified service does not exist.", "NoSuchResourceException")


def _instances(config: dict[str, list[dict[str, str]]]) -> Counter[str]:
    """Instances by the name of their quota."""
    found: Counter[str] = Counter()
    for variant in config.get("ProductionVariants", ()):
        found[f"{variant.get('InstanceType')} for endpoint usage"] += int(variant.get("InitialInstanceCount", 1))
    return found
