"""MLCC128: a key of a scaling section that would change nothing.

Instances follow the copies of the components that they host; metric, target and cooldowns are about copies.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path, format_path
from mlcc.core.text import allowed, quoted
from mlcc.resolve.result import covers_copies

CODE = "MLCC128"
SECTION, COMPONENTS = "scaling", "inference_components"
LEAST, MOST, METRIC = "min_count", "max_count", "metric"
OF_COPIES = (METRIC, "target_value", "scale_in_cooldown_s", "scale_out_cooldown_s")


def check(subject: Subject) -> Iterator[Finding]:
    """The project's section, and each component's; those of a cluster are another rule's (MLCC390)."""
    target = subject.rows.target
    if target is None or target.manifests or SECTION not in target.uses:
        return
    names = subject.resolved.names(COMPONENTS) if target.components else ()
    prefixes: list[Path] = [(SECTION,), *((COMPONENTS, Item(name), SECTION) for name in names)]
    for prefix in prefixes:
        yield from _section(subject, prefix)
    if target.components and not covers_copies(subject.resolved.values):
        yield from _above_a_list(subject, [name for name in names if subject.enabled((COMPONENTS, Item(name)))])


def _section(subject: Subject, prefix: Path) -> Iterator[Finding]:
    values = subject.resolved.values
    given = [path for path in values if path[: len(prefix)] == prefix]
    if given and (*prefix, LEAST) not in values and (*prefix, MOST) not in values:
        hint = f"mlcc set {format_path((*prefix, MOST))} NUMBER, or remove the section"
        yield subject.finding(CODE, given[0], f"{format_path(prefix)} has neither {LEAST} nor {MOST}", hint)
    metric, target = values.get((*prefix, METRIC)), subject.rows.target
    if metric is None or target is None or metric.value in target.predefined_metrics:
        return
    others = [row.name for row in subject.registries.targets.values() if metric.value in row.predefined_metrics]
    if others:
        message = f"{quoted(str(metric.value))} is a metric of {others[0]}, and measures nothing that scales here"
        yield subject.finding(CODE, (*prefix, METRIC), message, f"allowed: {allowed(target.predefined_metrics)}")


def _above_a_list(subject: Subject, names: list[str]) -> Iterator[Finding]:
    """The project's section, where components are listed.  names: of those that are deployed."""
    one = names[0] if names else "NAME"
    for key in OF_COPIES:
        if (SECTION, key) in subject.resolved.values:
            place = format_path((COMPONENTS, Item(one), SECTION, key))
            message = f"{SECTION}.{key} has no effect: instances follow the copies of the components"
            yield subject.finding(CODE, (SECTION, key), message, f"move it to {place}")
    busy = [name for name in names if not _empties(subject, name)]
    if subject.resolved.get(f"{SECTION}.{LEAST}") == 0 and busy:
        place = format_path((COMPONENTS, Item(busy[0]), SECTION, LEAST))
        message = f"the endpoint does not scale to nothing: {quoted(busy[0])} keeps at least one copy"
        yield subject.finding(CODE, (SECTION, LEAST), message, f"mlcc set {place} 0, or {SECTION}.{LEAST} 1")


def _empties(subject: Subject, name: str) -> bool:
    """Whether a component may have no copy."""
    place: Path = (COMPONENTS, Item(name))
    values = {key: subject.resolved.values.get((*place, SECTION, key)) for key in (LEAST, MOST)}
    if any(value is not None for value in values.values()):
        least = values[LEAST]
        return least is not None and least.value == 0
    copies = subject.resolved.values.get((*place, "copy_count"))
    return copies is not None and copies.value == 0
