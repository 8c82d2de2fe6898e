"""What a plan warns of beyond its files.  Law: reads nothing.

Records that are not there, values that no step takes, choices in which two branches differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlcc.apply.state import State
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import format_path
from mlcc.core.text import printable, quoted
from mlcc.core.tree import BASE_DIR, LOCK_NAME, STAYS_DELETED, OnDisk, Tree
from mlcc.plan.branches import Branches
from mlcc.plan.changes import CONFLICT, Plan
from mlcc.plan.lock import Lock
from mlcc.render.conf_lines import parse_conf
from mlcc.render.layers import is_conf

MAX_NAMES = 5


def records_missing(state: State, before: Lock, plan: Plan) -> Iterator[Finding]:
    """A warning where the lock or the base is there without the other: a commit has forgotten one of them."""
    if state.journal is not None:
        return  # an apply was killed between the two, and this one finishes it
    if state.lock is None:
        if state.base:
            message = "is missing, and .mlcc/base is there: what the registries chose for this project is chosen anew"
            hint = "bring it back from Git, and commit it; mlcc upgrade takes newer choices"
            yield Finding("MLCC229", Severity.WARNING, message, file=LOCK_NAME, hint=hint)
        return
    # of a file that stays deleted there is none where another configuration was rendered meanwhile
    known = {path for path, record in before.files.items() if record.edited != STAYS_DELETED}
    lost = sum(path in known and path not in state.base for path in plan.base)
    if lost:
        message = f"lacks {lost} of the {len(plan.base)} files that {LOCK_NAME} records: edits of them cannot be merged"
        hint = "bring it back from Git, and commit it; mlcc apply writes it anew for files that nobody edited"
        yield Finding("MLCC229", Severity.WARNING, message, file=BASE_DIR, hint=hint)


def disputed_choices(branches: Branches | None) -> Iterator[Finding]:
    """A warning for each choice that both branches of a merge made anew, and not alike."""
    for path, (ours, theirs) in branches.disputed.items() if branches is not None else ():
        mine, other = (quoted(str(choice.value), 100) for choice in (ours, theirs))
        message = f"your branch holds {mine}, the other one {other}: {mine} is taken"
        hint = "to take the other one, name it in mlcc.yaml (mlcc set)"
        yield Finding("MLCC230", Severity.WARNING, message, format_path(path), LOCK_NAME, hint=hint)


def refused_values(plan: Plan, desired: Tree, observed: Mapping[str, OnDisk]) -> Iterator[Finding]:
    """A warning for each file of values that stays or becomes other than mlcc.yaml says: no step takes such a value."""
    for change in plan.changes:
        disk = observed.get(change.path)
        data = change.data if change.data is not None else disk.data if disk is not None else None
        if change.action == CONFLICT or data is None or change.path not in desired or not is_conf(change.path):
            continue
        (found, wrong), (wanted, _) = parse_conf(data, change.path), parse_conf(desired[change.path].data, change.path)
        names = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        if names and not wrong:
            shown = printable(change.path, 200)
            more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
            listed = ", ".join(printable(name, 60) for name in names[:MAX_NAMES])
            message = f"{listed}{more} not as mlcc.yaml says: no do/ step takes such a value"
            hint = f"change mlcc.yaml instead (mlcc set); mlcc apply --restore {shown} writes the file anew"
            yield Finding("MLCC228", Severity.WARNING, message, file=shown, hint=hint)
