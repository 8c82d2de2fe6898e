"""What SageMaker does to an endpoint by itself: maintenance, and an outage.  Law: a fault asks for it, nothing else.

States: DescribeEndpoint in botocore's service model.  In maintenance an endpoint "cannot be updated or deleted or
re-scaled"; one that is out of service takes no requests.  Its containers stay: it costs what it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.text import quoted
from mlcc.io.aws import shapes
from mlcc.servers.devserver.faults import ANY, MAINTENANCE, OUTAGE, Fault
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import IN_SERVICE, OUT_OF_SERVICE, SYSTEM_UPDATING, Account, Thing

MEMBER = "EndpointName"


def check(fault: Fault) -> None:
    """Raises Refusal for a fault of an endpoint at a call that names none that is there: it would never happen."""
    if fault.kind not in (MAINTENANCE, OUTAGE) or fault.at == ANY:
        return
    models = [shapes.service_model(s) for s in ("sagemaker", "sagemaker-runtime") if shapes.knows(s, fault.at)]
    if fault.at == "CreateEndpoint" or not any(
        MEMBER in model.operation_model(fault.at).input_shape.members for model in models
    ):
        raise Refusal(f"{quoted(fault.at)} names no endpoint that is there, as {quoted(fault.kind)} needs")


def meet(account: Account, operation: str, request: Mapping[str, Any]) -> None:
    """The endpoint that a call names, and that is in service, meets its faults before the call is carried out."""
    thing = account.endpoints.get(str(request.get(MEMBER, "")))
    if thing is None or thing.status != IN_SERVICE:
        return
    maintenance = account.faults.meets(MAINTENANCE, operation, request)
    if maintenance is not None:
        _enter(account, thing, SYSTEM_UPDATING)
        seconds = maintenance.seconds or account.durations.instances
        account.timeline.later(seconds, lambda: _return(account, thing))
    elif account.faults.meets(OUTAGE, operation, request) is not None:
        _enter(account, thing, OUT_OF_SERVICE)


def _enter(account: Account, thing: Thing, status: str) -> None:
    thing.status, thing.changed = status, account.date


def _return(account: Account, thing: Thing) -> None:
    if thing.status == SYSTEM_UPDATING:
        _enter(account, thing, IN_SERVICE)
