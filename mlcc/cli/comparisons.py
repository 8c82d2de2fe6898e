"""How two states of a project differ: in values, costs, memory and files.  Law: one shape, whatever is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.apply.prepare import Prepared
from mlcc.checks.memory_fits import ModelFit
from mlcc.checks.memory_fits import of_project as fits_of
from mlcc.cli import costs
from mlcc.cli.changes import cause_of, changed_values, hunks, lock_lines, value_rows
from mlcc.cli.costs import Row
from mlcc.core.line_diff import shortened
from mlcc.core.paths import Path, parse_path
from mlcc.core.records import NamedTuple
from mlcc.core.tree import LOCK_NAME, Tree, digest
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.plan.changes import CREATE, DELETE, UNCHANGED, UPDATE, Change
from mlcc.resolve.causes import INPUT, REGISTRIES
from mlcc.resolve.hardware.costs import of_resolved
from mlcc.resolve.project import Project
from mlcc.resolve.result import Resolved

Values = Mapping[Path, Any]


class FileDiff(NamedTuple):
    """A file that differs: what happens to it, why, and the lines of a unified diff; digest: of the new bytes."""

    path: str
    action: str
    cause: str
    lines: Sequence[str]
    digest: str = ""


class Comparison(NamedTuple):
    """All that differs.

    rows: values of the chosen environment; others: those of the other environments that differ otherwise, by paths
    below `environments`; costs: of each environment; fits: lines about the memory of language models; files: those
    that differ; unchanged: the number of the others.
    """

    rows: Sequence[dict[str, Any]]
    others: Sequence[dict[str, Any]]
    costs: Sequence[Row]
    fits: Sequence[str]
    files: Iterator[FileDiff]
    unchanged: int = 0


# ---------------------------------------------------------------- what apply would change
def of_plan(project: Project, prepared: Prepared) -> Comparison:
    """What a project holds, and what apply would make of it."""
    lock = prepared.before
    before = {name: _plain(lock.leaves(name)) for name in (None, *project.environments)}
    rows = [_told(row, project.resolved) for row in changed_values(project, prepared)]
    return Comparison(
        rows,
        _others(project, before, rows) if lock.values else (),
        costs.rows(project, lock),
        _fits((), fits_of(project)),
        _planned_files(prepared),
        prepared.summary[UNCHANGED],
    )


def _plain(leaves: Mapping[Path, Any]) -> dict[Path, Any]:
    return {path: leaf.value for path, leaf in leaves.items()}


def _planned_files(prepared: Prepared) -> Iterator[FileDiff]:
    for change in prepared.all_changes:
        if change.action != UNCHANGED:
            yield FileDiff(change.path, change.action, cause_of(change, prepared), _planned_lines(change, prepared))


def _planned_lines(change: Change, prepared: Prepared) -> Sequence[str]:
    disk = prepared.known.observed.get(change.path)
    held = prepared.state.lock if change.path == LOCK_NAME else disk.data if disk is not None else None
    after = b"" if change.action == DELETE else change.data
    if after is None or after == held:
        return ()
    lines = shortened(hunks(change.path, held if held is not None else b"", after))
    return tuple(lock_lines(prepared.before, lines) if change.path == LOCK_NAME else lines)


# ---------------------------------------------------------------- two environments, two revisions
def of_environments(first: Project, second: Project) -> Comparison:
    """The same project, with another environment chosen in each."""
    named = [project.chosen or DEFAULT_ENVIRONMENT for project in (first, second)]
    priced = [of_resolved(project.resolved, project.registries) for project in (first, second)]
    rows = [
        _told(row, second.resolved) for row in value_rows(_values(first.resolved), _values(second.resolved), second)
    ]
    return Comparison(
        rows,
        (),
        [Row(name, cost) for name, cost in zip(named, priced, strict=True)],
        [one.words for one in fits_of(second) if one.environment == named[1]],
        iter(()),
    )


def of_revisions(first: Project | None, second: Project | None, trees: tuple[Tree, Tree]) -> Comparison:
    """What two states of a repository resolve to, and what is rendered of each.  None: there is no such project."""
    project = second if second is not None else first
    assert project is not None
    before, after = (_environments(one) for one in (first, second))
    rows = [_told(row, project.resolved) for row in value_rows(before.get(None, {}), after.get(None, {}), project)]
    others = _others(project, before, rows) if first is not None and second is not None else []
    return Comparison(
        rows,
        others,
        [*_two_costs(first, second)],
        _fits(fits_of(first) if first is not None else (), fits_of(second) if second is not None else ()),
        _rendered_files(*trees),
        sum(trees[0].get(path) == file for path, file in trees[1].items()),
    )


def _environments(project: Project | None) -> dict[str | None, Values]:
    if project is None:
        return {}
    return {resolved.env: _values(resolved) for resolved in project.every}


def _values(resolved: Resolved) -> dict[Path, Any]:
    return {path: value.value for path, value in resolved.values.items()}


def _two_costs(first: Project | None, second: Project | None) -> Iterator[Row]:
    """Of each environment, before and after."""
    known = [
        {row.environment: row.cost for row in costs.rows(one)} if one is not None else {} for one in (first, second)
    ]
    for name in dict.fromkeys([*known[1], *known[0]]):
        yield Row(name, known[1].get(name), known[0].get(name))


def _rendered_files(first: Tree, second: Tree) -> Iterator[FileDiff]:
    for path in sorted({*first, *second}):
        old, new = first.get(path), second.get(path)
        if old == new:
            continue
        action = CREATE if old is None else DELETE if new is None else UPDATE
        sides = (old.data if old is not None else b"", new.data if new is not None else b"")
        name = digest(new.data) if new is not None else ""
        yield FileDiff(path, action, INPUT, tuple(shortened(hunks(path, *sides))), name)


# ---------------------------------------------------------------- words
def _others(
    project: Project, before: Mapping[str | None, Values], rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Values of the environments that are not chosen, where they do not differ as those of the chosen one do."""
    known = {(row["path"], str(row["before"]), str(row["after"])) for row in rows}
    found = []
    for resolved in project.every:
        if resolved.env == project.chosen:
            continue
        for row in value_rows(before.get(resolved.env, {}), _values(resolved), project._replace(chosen=resolved.env)):
            if (row["path"], str(row["before"]), str(row["after"])) not in known:
                name = f"environments.{resolved.env}." if resolved.env else ""
                found.append({**_told(row, resolved), "path": f"{name}{row['path']}"})
    return found


def _told(row: dict[str, Any], resolved: Resolved) -> dict[str, Any]:
    """A row with where the new value stands, and why it is another one."""
    path = parse_path(row["path"])
    value = resolved.values.get(path) if path is not None else None
    gone = row["after"] is None
    origin = value.origin if value is not None and not gone else ""
    return {**row, "origin": origin, "why": _why(row, value is not None and value.source.by_hand, gone)}


def _why(row: Mapping[str, Any], by_hand: bool, gone: bool) -> str:
    if row.get("cause") == REGISTRIES:
        return "other registries, or another mlcc"
    if gone:
        return "no longer set"
    return "set there" if by_hand else "follows from other values"


def _fits(before: Sequence[ModelFit] | Iterator[ModelFit], after: Sequence[ModelFit] | Iterator[ModelFit]) -> list[str]:
    """A line for each language model, and how it was where that is known and was otherwise."""
    held = {(one.environment, one.container): one.words for one in before}
    lines = []
    for one in after:
        was = held.get((one.environment, one.container), one.words)
        lines.append(f"{one.environment}: {one.words}{f' (before: {was})' if was != one.words else ''}")
    return lines
