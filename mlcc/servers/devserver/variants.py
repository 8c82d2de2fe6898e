"""UpdateEndpointWeightsAndCapacities: instances of variants come and go.  Law: what stays serves on meanwhile.

States: the operation and DescribeEndpoint in botocore's service model, which has RollingBack for this change alone.
"""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver import quotas
from mlcc.servers.devserver.copies import NO_CAPACITY, Group, Image
from mlcc.servers.devserver.endpoints import endpoint, images, instances, need_changeable, roll_back, startup_s
from mlcc.servers.devserver.faults import Trouble
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.things import IN_SERVICE, ROLLING_BACK, UPDATING, Account, Thing

OPERATION = "UpdateEndpointWeightsAndCapacities"
# Members of a wish, and of the variant.
MEMBERS = {"DesiredWeight": "InitialVariantWeight", "DesiredInstanceCount": "InitialInstanceCount"}


def update(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateEndpointWeightsAndCapacities."""
    thing = endpoint(account, request["EndpointName"])
    need_changeable(account, thing)
    wishes = {one["VariantName"]: one for one in request["DesiredWeightsAndCapacities"]}
    for name, wish in wishes.items():
        if name not in instances(thing.running):
            raise Refusal(f'Could not find variant "{name}" of endpoint "{thing.arn}".')
        if "ServerlessUpdateConfig" in wish:
            raise Refusal("ServerlessUpdateConfig is not there in this server", *NOT_IMPLEMENTED)
    variants = [
        _wanted(variant, wishes.get(variant["VariantName"], {})) for variant in thing.running["ProductionVariants"]
    ]
    wanted = {"ProductionVariants": variants}
    quotas.check(account, wanted, thing)
    thing.status, thing.changed, thing.wanted = UPDATING, account.date, wanted
    trouble = account.faults.trouble(OPERATION, request)
    grows = any(count > instances(thing.running)[name] for name, count in instances(wanted).items())
    seconds = account.durations.instances if grows else account.durations.removal
    account.timeline.later(seconds + trouble.stuck_s, lambda: _machines(account, thing, trouble))
    return {"EndpointArn": thing.arn}


def _wanted(variant: dict[str, Any], wish: dict[str, Any]) -> dict[str, Any]:
    return {**variant, **{member: wish[name] for name, member in MEMBERS.items() if name in wish}}


def _machines(account: Account, thing: Thing, trouble: Trouble) -> None:
    """The machines are there, or none is: the containers of those that came are started."""
    if thing.status != UPDATING:
        return
    if trouble.capacity:
        _undone(account, thing, NO_CAPACITY, trouble)
        return
    counts, before = instances(thing.wanted), instances(thing.running)
    more: list[Image] = []
    for variant in thing.wanted["ProductionVariants"]:
        name = variant["VariantName"]
        more += images(account, thing, variant, max(counts[name] - before[name], 0))
    if not more:
        _done(account, thing, None)
        return

    def done(group: Group, healthy: bool) -> None:
        if healthy:
            _done(account, thing, group)
        else:
            _undone(account, thing, group.reason.format(variant=more[0].variant), trouble)

    Group(more, account.launch, account.timeline, account.durations, startup_s(thing.wanted), done, trouble.deaf)


def _done(account: Account, thing: Thing, group: Group | None) -> None:
    if thing.status != UPDATING:
        if group is not None:
            group.stop()
        return
    if thing.copies is None:
        thing.copies = group
    elif group is not None:
        thing.copies.join(group)
    if thing.copies is not None:
        thing.copies.keep(instances(thing.wanted))
    thing.running = {**thing.running, **thing.wanted}
    thing.status, thing.reason, thing.changed, thing.wanted = IN_SERVICE, "", account.date, {}


def _undone(account: Account, thing: Thing, reason: str, trouble: Trouble) -> None:
    thing.status, thing.changed, thing.wanted = ROLLING_BACK, account.date, {}
    roll_back(account, thing, reason, trouble)
