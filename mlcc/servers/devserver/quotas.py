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


def check(account: Account, configuration: dict[str, Any], changed: Thing | None = None) -> None:
    """An endpoint of a configuration fits into the quotas.  changed: the endpoint that it has.  Raises Refusal."""
    used: Counter[str] = Counter()
    for thing in account.endpoints.values():
        if thing.status != FAILED:
            used += _instances(thing.running or thing.wanted)
    wanted = _instances(configuration)
    if changed is not None:
        wanted.subtract(_instances(changed.running))
    for name, more in wanted.items():
        limit = account.quotas.get(name)
        if account.rules.quotas_limit and limit is not None and more > 0 and used[name] + more > limit:
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
