"""A plan for people and programs: what plan, diff and apply print.  Law: one shape for all three."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc import pipeline
from mlcc.apply.prepare import Prepared
from mlcc.apply.state import OWN_DIR
from mlcc.cli import costs, migrations
from mlcc.cli.output import cell, folded, markdown, table
from mlcc.cli.session import Session
from mlcc.core.findings import Finding
from mlcc.core.line_diff import file_hunks
from mlcc.core.paths import Path, format_path
from mlcc.core.text import printable
from mlcc.core.text_columns import columns
from mlcc.core.tree import LOCK_NAME
from mlcc.core.values import SOURCE_TITLES
from mlcc.plan.changes import CONFLICT, CREATE, DELETE, KEEP, MERGE, UNCHANGED, UPDATE, Change, Options
from mlcc.plan.line_ends import has_crlf, to_lf
from mlcc.plan.lock import Lock
from mlcc.registries.redaction import forms, names_secret, redact_forms
from mlcc.registries.redaction_given import REDACTED
from mlcc.resolve.causes import BOTH, INPUT, REGISTRIES, moved_by_registries
from mlcc.resolve.project import Project

SIGNS = {
    CREATE: ("+", "green"),
    UPDATE: ("~", "yellow"),
    DELETE: ("-", "red"),
    MERGE: ("&", "cyan"),
    KEEP: ("=", "blue"),
    CONFLICT: ("!", "red"),
    UNCHANGED: (" ", ""),
}
# What the summary says of an action: before, and when it is done.
SUMMARY = {
    CREATE: ("to create", "created"),
    UPDATE: ("to update", "updated"),
    DELETE: ("to delete", "deleted"),
    MERGE: ("to merge", "merged"),
    CONFLICT: ("in conflict", "with conflict markers"),
    KEEP: ("kept", "kept"),
}
_ABSENT = object()


def value_rows(before: Mapping[Path, Any], after: Mapping[Path, Any], project: Project) -> list[dict[str, Any]]:
    """Leaves that differ between two resolutions."""
    rows, levels = [], project.resolved.rows.levels
    for path in sorted({*before, *after}, key=format_path):
        old, new = before.get(path, _ABSENT), after.get(path, _ABSENT)
        if old != new:
            value = project.resolved.values.get(path)
            rows.append(
                {
                    "path": format_path(path),
                    "before": None if old is _ABSENT else _shown(path, old),
                    "after": None if new is _ABSENT else _shown(path, new),
                    "source": value.source.label if value is not None else "",
                    **({"validation_level": levels[format_path(path)]} if format_path(path) in levels else {}),
                }
            )
    return rows


def _shown(path: Path, value: Any) -> Any:
    """A value as JSON has it; one with a secret's name, which a lock may have got from elsewhere, is not shown."""
    return REDACTED if names_secret(path) else list(value) if isinstance(value, tuple) else value


def lock_lines(before: Lock, lines: Iterable[str]) -> Iterator[str]:
    """Lines of the difference of a lock, without its values that have a secret's name."""
    leaves = (leaf for name in (None, *before.environments) for leaf in before.leaves(name).items())
    known = forms(str(leaf.value) for path, leaf in leaves if names_secret(path))
    return (redact_forms(line, known) for line in lines)


def hunks(path: str, before: bytes, after: bytes, sides: tuple[str, str] | None = None) -> Iterator[str]:
    """The unified diff of a file, with its name; lines that end with CR LF on both sides are shown without.

    sides: what the two are, in words.
    """
    if has_crlf(before) and has_crlf(after):
        before, after = to_lf(before), to_lf(after)
    name = printable(path, 200)
    old, new = (f" ({side})" for side in sides) if sides is not None else ("", "")
    return file_hunks(before, after, f"a/{name}{old}", f"b/{name}{new}")


def print_hunks(lines: Iterable[str], session: Session) -> None:
    """Lines of a unified diff, in colour on a terminal."""
    for line in lines:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        session.out(session.paint(line[:1] + printable(line[1:], 0), fg=colour), whole=True)


def changed_values(project: Project, prepared: Prepared) -> list[dict[str, Any]]:
    """What the chosen environment's values were in the lock and are now, each with its cause."""
    before = prepared.before.leaves(project.chosen)
    after = {p: v.value for p, v in project.resolved.values.items()}
    rows = value_rows({p: leaf.value for p, leaf in before.items()}, after, project)
    moved = set[str]()
    if rows and before and prepared.made_by_others:
        moved = {format_path(path) for path in moved_by_registries(project, before)}
    return [{**row, "cause": REGISTRIES if row["path"] in moved else INPUT} for row in rows]


def value_lines(rows: Sequence[Mapping[str, Any]], session: Session) -> list[str]:
    """Changed values; those that nobody's words changed stand under a heading of their own."""
    lines = [value_line(row, session) for row in rows if row["cause"] == INPUT]
    moved = [value_line(row, session, indent="    ") for row in rows if row["cause"] == REGISTRIES]
    return [*lines, *([f"  {MOVED}", *moved] if moved else [])]


MOVED = "by other registries or another mlcc, not by mlcc.yaml:"
HEADINGS = {INPUT: "", BOTH: "by mlcc.yaml, and by other registries or another mlcc:", REGISTRIES: MOVED}


def cause_of(change: Change, prepared: Prepared) -> str:
    """Why a file is rendered otherwise than before: mlcc.yaml, registries, or both."""
    return prepared.causes.get(change.path, INPUT)


def by_cause(prepared: Prepared) -> list[tuple[str, list[Change]]]:
    """The files that are not unchanged, in groups with a heading each; that of the first is empty."""
    shown = [c for c in prepared.all_changes if c.action != UNCHANGED]
    groups = [(heading, [c for c in shown if cause_of(c, prepared) == cause]) for cause, heading in HEADINGS.items()]
    return [(heading, found) for heading, found in groups if found]


def change_line(change: Change, session: Session) -> str:
    """One changed file."""
    sign, colour = SIGNS[change.action]
    head, path = f"{sign} {change.action:<9}", printable(session.named(change.path), 200)
    reason = f"  ({change.reason})" if change.reason else ""
    if session.room is not None and columns(f"  {head} {path}{reason}") > session.room:
        reason = "\n" + folded(reason.strip(), session.room, " " * 14, " " * 15) if reason else ""
    return f"  {session.paint(head, fg=colour)} {path}{reason}"


def summary_line(prepared: Prepared, done: bool = False) -> str:
    """`19 to create, 1 to update` (done: `19 created, 1 updated`), or `nothing to do`."""
    summary = prepared.summary
    words = [f"{summary[action]} {verbs[done]}" for action, verbs in SUMMARY.items() if summary[action]]
    same = summary[UNCHANGED]
    words += [f"{same} unchanged"] if same and words else []
    return ", ".join(words) or "nothing to do"


def print_plan(
    session: Session, project: Project, prepared: Prepared, findings: Iterable[Finding], path: str, done: bool
) -> None:
    """A plan before it is carried out, or what was carried out.  A document is kept for who prints it."""
    if session.format in ("json", "yaml"):
        from mlcc.cli.plan_documents import plan_document

        session.documents[path] = plan_document(project, prepared, findings)
    elif session.format == "markdown":
        _tables(session, project, prepared)
    elif session.format == "table":
        _text(session, project, prepared, done)


def _text(session: Session, project: Project, prepared: Prepared, done: bool) -> None:
    """For people; of several projects only those that are not as mlcc.yaml says, unless more is asked for."""
    last = last_line(prepared, done)
    if session.project:
        if prepared.changes or session.verbosity > 0:
            (session.acknowledge if done else session.out)(f"{session.about}{last}")
        if not prepared.changes:
            return
    if session.verbosity >= 0:
        _details(session, project, prepared)
        print_costs(session, project, prepared, changed_only=done or bool(session.project))
    if not session.project:
        (session.acknowledge if done or not prepared.changes else session.out)(last)


def _tables(session: Session, project: Project, prepared: Prepared) -> None:
    """For a reader of Markdown."""
    if session.project:
        if not prepared.changes and session.verbosity <= 0:
            return
        session.out(f"### {markdown(session.project)}\n")
    shown = [
        {"path": session.named(c.path), "action": c.action, "reason": c.reason, "cause": cause_of(c, prepared)}
        for c in prepared.all_changes
        if c.action != UNCHANGED
    ]
    session.out(table(shown, ["action", "path", "reason", *(["cause"] if prepared.causes else [])], session))
    values = changed_values(project, prepared)
    if values:
        shown = [{**row, "after": _with_level(row)} for row in values]
        session.out("\n" + table(shown, ["path", "before", "after", "source", "cause"], session))
    costs.show(session, costs.rows(project, prepared.before))
    session.out(f"\n{summary_line(prepared)}{_end(session)}")


def _end(session: Session) -> str:
    """A blank line between the tables of two projects."""
    return "\n" if session.project else ""


def print_costs(session: Session, project: Project, prepared: Prepared, changed_only: bool = False) -> None:
    """What each environment costs; changed_only: nothing where all cost the same as at the last apply."""
    found = costs.rows(project, prepared.before)
    if not changed_only:
        costs.show(session, found)
    elif any(row.changed for row in found):
        costs.show(session, [row for row in found if row.changed or not session.project])


def last_line(prepared: Prepared, done: bool) -> str:
    """The whole of it in one line."""
    if done and not prepared.changes:
        return "nothing to do: the project is as mlcc.yaml says"
    finished = "done: " if done and not prepared.plan.marked else ""
    if prepared.lock_changes and not prepared.changes_files and not prepared.plan.blocked:
        return f"{finished}only {LOCK_NAME} {'changed' if done else 'changes'}"
    if prepared.changes_own_only and not prepared.plan.blocked:
        return f"{finished}only {OWN_DIR} {'changed' if done else 'changes'}"
    return f"{finished}{summary_line(prepared, done)}"


def _details(session: Session, project: Project, prepared: Prepared) -> None:
    """Every file that is not unchanged, and the values that differ from the lock."""
    for number, (heading, found) in enumerate(by_cause(prepared)):
        if heading:
            blank = "\n" if number else ""
            session.out(f"{blank}  {heading}")
        for change in found:
            session.out(change_line(change, session))
    if prepared.before.values:
        lines = changed_lines(project, prepared, session)
        for line in ["", *lines] if lines else []:
            session.out(line)


def changed_lines(project: Project, prepared: Prepared, session: Session) -> list[str]:
    """The values that differ from the lock: those of a new engine by its options, the others one by one."""
    moved = migrations.of(project, prepared)
    rows = migrations.without(changed_values(project, prepared), moved)
    return [*value_lines(rows, session), *(migrations.lines(moved, session) if moved is not None else ())]


def value_line(row: Mapping[str, Any], session: Session, indent: str = "  ") -> str:
    """A changed value, on one line where the terminal is as wide."""
    before = "(absent)" if row["before"] is None else printable(cell(row["before"]), session.limit(400))
    after = "(absent)" if row["after"] is None else printable(cell(_with_level(row)), session.limit(400))
    text = f"{session.about}{printable(row['path'], 120)}: {before} -> {after}  [{row['source'] or 'removed'}]"
    return folded(text, session.room, indent, f"{indent}    ")


def _with_level(row: Mapping[str, Any]) -> Any:
    """What a value is now, with how far it was tried where that is known."""
    return f"{row['after']} ({row['validation_level']})" if row.get("validation_level") else row["after"]


def say_levels(session: Session, project: Project) -> None:
    """How far what was chosen was tried."""
    resolved = project.resolved
    name = resolved.get("framework.name")
    chosen = {path: printable(str(resolved.get(path)), 60) for path in resolved.rows.levels}
    chosen |= {"framework.version": f"{printable(str(name), 40)} {chosen.get('framework.version', '')}"}
    parts = [f"{chosen[path]}: {printable(level, 40)}" for path, level in resolved.rows.levels.items()]
    if parts:
        session.say("validation levels: " + "; ".join(parts))


def say_sources(session: Session, project: Project) -> None:
    """With -v, which sources contributed."""
    named = [f"{SOURCE_TITLES[source]} ({source.rank})" for source in project.resolved.sources]
    session.say(f"{session.about}Configuration sources:", 1)
    for line in named:
        session.say(f"  {line}", 1)


def say_uncommitted(session: Session, project: Project) -> None:
    """Every value that only this run knows."""
    resolved = project.resolved
    for path in resolved.uncommitted:
        value = resolved.values[path]
        session.note(
            f"{printable(format_path(path), 120)} = {printable(cell(value.value), 60)} comes from"
            f" {printable(value.origin, 80)}, not from a committed file"
        )


def prepare(session: Session, project: Project, directory: str, options: Options = Options()) -> Prepared:
    """Renders and plans one project against a directory that may not exist yet."""
    return pipeline.plan(project, directory, options, session.staging)
