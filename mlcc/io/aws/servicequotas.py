"""AWS Service Quotas: how much of what an account may have.  Law: one typed method a call."""

from __future__ import annotations

from collections.abc import Iterable

from mlcc.io.aws.connection import Caller, pages

SERVICE = "service-quotas"


def values(caller: Caller, service_code: str, names: Iterable[str]) -> dict[str, float]:
    """The values of some quotas by name: those of the account, else AWS's defaults; none of a name that is unknown.

    names: as Service Quotas spells them (`ml.g5.xlarge for endpoint usage`).
    """
    wanted = set(names)
    found: dict[str, float] = {}
    for operation in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
        left = wanted - found.keys()
        if not left:
            break
        asked = {"ServiceCode": service_code, "MaxResults": 100}
        for quota in pages(caller, SERVICE, operation, asked, "Quotas"):
            if quota.get("QuotaName") in left:
                found[str(quota["QuotaName"])] = float(quota["Value"])
    return found


def code_of(caller: Caller, service_code: str, name: str) -> str:
    """The code of a quota by its name (`L-1928E07B`); empty for a name that is unknown."""
    asked = {"ServiceCode": service_code, "MaxResults": 100}
    listed = pages(caller, SERVICE, "ListServiceQuotas", asked, "Quotas")
    return next((str(quota.get("QuotaCode", "")) for quota in listed if quota.get("QuotaName") == name), "")
