"""AWS Service Quotas: how much of what an account may have.  Law: one typed method a call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlcc.io.aws.connection import Caller
from mlcc.io.aws.paging import elements

SERVICE = "service-quotas"


class ServiceQuotas:
    """Quotas of one service for the caller's account and region."""

    def __init__(self, caller: Caller, code: str) -> None:
        """caller: the connection; code: of the service, as Service Quotas spells it (`sagemaker`)."""
        self._caller, self._asked = caller, {"ServiceCode": code, "MaxResults": 100}

    def values(self, names: Iterable[str]) -> dict[str, float]:
        """The values of some quotas by name: those of the account, else AWS's defaults; none of an unknown name.

        names: as Service Quotas spells them (`ml.g5.xlarge for endpoint usage`).
        """
        return {name: float(quota["Value"]) for name, quota in self._quotas(names).items()}

    def code_of(self, name: str) -> str:
        """The code of a quota by its name (`L-1928E07B`); empty for a name that is unknown."""
        return str(self._quotas([name]).get(name, {}).get("QuotaCode", ""))

    def _quotas(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Some quotas by name: an account lists only those that it has values of its own of, the others are AWS's."""
        wanted = set(names)
        found: dict[str, dict[str, Any]] = {}
        for operation in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
            left = wanted - found.keys()
            if not left:
                break
            for quota in elements(self._caller, SERVICE, operation, self._asked):
                if quota.get("QuotaName") in left:
                    found[str(quota["QuotaName"])] = quota
        return found
