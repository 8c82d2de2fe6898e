"""Whether a caller can work in an account: credentials, clock, permissions, quotas.  Law: asks and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.servicequotas import ServiceQuotas
from mlcc.io.aws.sts import Identity, Sts
from mlcc.lifecycle import aws_errors
from mlcc.lifecycle.bootstrap import permissions
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.targets.hyperpod import catalog
from mlcc.registries.loader import Registries
from mlcc.registries.redaction import redact_printed

OK, MISSING, BROKEN = "ok", "missing", "broken"
# AWS refuses signatures that are older, or newer, than five minutes.
SKEW_S, LATE_S = 300.0, 60.0
SHOWN = 12
# The use of the table of permissions whose clusters are listed.
CLUSTERS = "hyperpod"


class Check(NamedTuple):
    """One thing: its state, what was found, and what to do."""

    what: str
    state: str
    found: str
    hint: str = ""


class Asked(NamedTuple):
    """What is asked.

    profile: None where there is none; uses: of the table of permissions; quotas: by the names of Service Quotas;
    clock: seconds since 1970; server_time: the same as the last answer had it, None where it had none.
    """

    profile: Profile | None
    uses: Sequence[str]
    quotas: Sequence[str]
    clock: Callable[[], float]
    server_time: Callable[[], float | None]


def checks(asked: Asked, caller: Caller, registries: Registries) -> Iterator[Check]:
    """All checks in order; those that need credentials only where there are some."""
    yield _profile(asked.profile)
    if not caller.region:
        yield Check("region", BROKEN, "none is named", "mlcc bootstrap add NAME --region REGION, or AWS_REGION")
        return
    try:
        who = Sts(caller).identity()
    except AwsError as problem:
        yield _broken("credentials", problem, registries)
        yield from _clock(asked)
        return
    yield Check("credentials", OK, printable(who.arn, 200))
    yield from _clock(asked)
    profile = asked.profile or Profile("none", caller.region)
    yield _account(profile, who)
    for use in asked.uses:
        place = profile if use in permissions.OF_PROFILE else profile._replace(region=caller.region)
        yield _permissions(caller, who, place, use, registries)
    yield from _quotas(caller, asked.quotas, registries)
    if CLUSTERS in asked.uses:
        yield from _clusters(caller, registries)


def _profile(profile: Profile | None) -> Check:
    if profile is None:
        return Check("profile", MISSING, "no bootstrap profile", "mlcc bootstrap add NAME --region REGION")
    where = f"{profile.region}, account {profile.account_id or 'not known yet'}"
    made = ", ".join(profile.modules)
    state, hint = (OK, "") if made else (MISSING, "mlcc bootstrap deploy")
    return Check("profile", state, f"{profile.name}: {where}; modules: {made or 'none'}", hint)


def _account(profile: Profile, who: Identity) -> Check:
    if profile.account_id and profile.account_id != who.account:
        found = f"the profile belongs to {profile.account_id}, the credentials to {who.account}"
        return Check("account", BROKEN, found, "other credentials (AWS_PROFILE), or mlcc bootstrap use NAME")
    return Check("account", OK, who.account)


def _clock(asked: Asked) -> Iterator[Check]:
    theirs = asked.server_time()
    if theirs is None:
        return
    late = asked.clock() - theirs
    found = f"{abs(late):.0f} s {'ahead of' if late > 0 else 'behind'} AWS"
    if abs(late) >= SKEW_S:
        yield Check("clock", BROKEN, found, "set this machine's clock: AWS refuses what is signed by it")
    elif abs(late) >= LATE_S:
        yield Check("clock", MISSING, found, "set this machine's clock before it is five minutes")
    else:
        yield Check("clock", OK, "as AWS has it")


def _permissions(caller: Caller, who: Identity, profile: Profile, use: str, registries: Registries) -> Check:
    what = f"may {use}"
    if who.arn.endswith(":root"):
        return Check(what, OK, "the account's root user may do all of it", "take a role or a user instead")
    found = permissions.statements(registries, [use], profile, who.account)
    try:
        refused = sorted(set(permissions.refused(caller, who, found)))
    except AwsError as problem:
        words = f"not known: {problem.code}: {printable(redact_printed(problem.message), 200)}"
        return Check(what, MISSING, words, "the simulation itself needs iam:SimulatePrincipalPolicy")
    if not refused:
        return Check(what, OK, f"all {sum(len(one.actions) for one in found)} actions")
    more = f" and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
    hint = f"mlcc bootstrap policy {use} prints what to ask an administrator for"
    return Check(what, BROKEN, f"not allowed: {', '.join(refused[:SHOWN])}{more}", hint)


def _quotas(caller: Caller, names: Sequence[str], registries: Registries) -> Iterator[Check]:
    if not names:
        return
    try:
        found = ServiceQuotas(caller, "sagemaker").values(names)
    except AwsError as problem:
        yield _broken("quotas", problem, registries)
        return
    for name in names:
        if name not in found:
            hint = "no limit is known: a deployment may be refused for one (mlcc catalog instances has the types)"
            yield Check("quota", MISSING, f"{printable(name)}: Service Quotas does not know it here", hint)
        elif found[name] < 1:
            hint = "ask for more under Service Quotas, Amazon SageMaker, by this name; or take another instance type"
            yield Check("quota", BROKEN, f"{printable(name)}: {found[name]:g}", hint)
        else:
            yield Check("quota", OK, f"{printable(name)}: {found[name]:g}")


def _clusters(caller: Caller, registries: Registries) -> Iterator[Check]:
    """The HyperPod clusters that a project can name."""
    what = "hyperpod cluster"
    try:
        found = list(catalog.clusters(caller))
    except AwsError as problem:
        yield _broken(what, problem, registries)
        return
    if not found:
        words = f"none in {printable(caller.region)} that Amazon EKS orchestrates"
        yield Check(what, MISSING, words, "make one in SageMaker, or name another region")
    for one in found:
        yield Check(what, OK, f"{one.name}: {one.words}")


def _broken(what: str, problem: AwsError, registries: Registries) -> Check:
    found = aws_errors.finding(problem, registries, redact_printed, aws_errors.PLAIN).findings[0]
    return Check(what, BROKEN, found.message, found.hint)
