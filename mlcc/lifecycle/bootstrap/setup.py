"""All modules of a profile, one after the other.  Law: the account is compared first; the profile is written last.

What a module made stands in the profile as soon as its stack is done, so that a run that fails later loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.io.aws.cloudformation import SERVICE
from mlcc.lifecycle.bootstrap import account, profiles, stacks
from mlcc.lifecycle.bootstrap.modules import Kept, Module
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.bootstrap.stacks import Change, Tools
from mlcc.lifecycle.context import call


def deploy(
    tools: Tools, home: str, profile: Profile, wanted: Sequence[Module], carry_out: bool = True
) -> tuple[Profile, list[Change]]:
    """Makes or updates modules; the profile as it is then, and the changes.

    home: mlcc's own folder; carry_out: False to look at the changes only.
    """
    number = account.checked(tools.caller, profile).account
    changes: list[Change] = []
    for module in wanted:
        outcome = stacks.deploy(tools, module, profile, number, carry_out)
        changes += outcome.changes
        if carry_out:
            profile = _saved(tools, home, deployed(profile, module, number, outcome.outputs))
    return profile, changes


def destroy(tools: Tools, home: str, profile: Profile, wanted: Sequence[Module]) -> dict[str, list[Kept] | None]:
    """Takes modules away; by module the resources that stay, None where there was no stack."""
    account.checked(tools.caller, profile)
    stays: dict[str, list[Kept] | None] = {}
    for module in wanted:
        stays[module.name] = stacks.destroy(tools, module, profile)
        profile = _saved(tools, home, destroyed(profile, module))
    return stays


def deployed(profile: Profile, module: Module, number: str, outputs: Mapping[str, str]) -> Profile:
    """A profile with what a module's stack gave.  number: of the account."""
    fields = {field: outputs[name] for name, field in module.outputs.items() if name in outputs}
    known = tuple(sorted({*profile.modules, module.name}))
    return profile.with_fields(fields)._replace(account_id=number, modules=known)


def destroyed(profile: Profile, module: Module) -> Profile:
    """A profile without what a module's stack gave; what the user chose (repository, a role of theirs) stays."""
    own_role = profile.role_arn.endswith(f"/{profile.made_role}")
    chosen = {"repository"} | (set() if own_role else {"role_arn"})
    gone = {field: "" for field in module.outputs.values() if field not in chosen}
    return profile.with_fields(gone)._replace(modules=tuple(n for n in profile.modules if n != module.name))


def calls(profile: Profile, wanted: Sequence[Module]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The calls of a first deployment without asking anybody, and what had to be assumed."""
    made = []
    for module in wanted:
        for change_set in stacks.first_requests(module, profile):
            named = {"StackName": change_set.stack, "ChangeSetName": change_set.name}
            made += [
                call(SERVICE, "CreateChangeSet", **change_set.request()),
                call(SERVICE, "DescribeChangeSet", **named),
                call(SERVICE, "ExecuteChangeSet", **named),
            ]
    return made, {"stacks": "none of them is there yet, and nothing that an earlier one left"}


def deletions(profile: Profile, wanted: Sequence[Module]) -> list[dict[str, Any]]:
    """The calls that take modules away."""
    return [call(SERVICE, "DeleteStack", StackName=module.stack_name(profile)) for module in wanted]


def _saved(tools: Tools, home: str, profile: Profile) -> Profile:
    profiles.change(home, tools.sleep, lambda config: config.with_profile(profile))
    return profile
