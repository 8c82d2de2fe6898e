"""MLCC101: a section of mlcc.yaml that neither the deployment config nor the target reads."""

from collections.abc import Iterator

from mlcc.checks.base import Subject
from mlcc.diagnostics import Finding, Severity

CODE = "MLCC101"
# Sections that every project has a use for.
COMMON = {
    "version", "extends", "project", "deployment", "env", "env_unset", "secrets", "build", "test", "ci", "seed_files",
    "tags", "ttl", "policies", "registries", "environments",
}  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Names each section that would be ignored."""
    rows = subject.rows
    if rows.architecture is None or rows.target is None or rows.config is None:
        return
    used = {*COMMON, *rows.architecture.uses, *rows.target.uses}
    for key, node in subject.root.value.items():
        if key in used or key.startswith("x-") or not node.value:
            continue
        mark = subject.root.keys[key]
        message = f"{rows.config.name} on {rows.target.name} has no use for {key}"
        hint = "remove it, or choose a config or target that reads it"
        yield Finding(CODE, Severity.WARNING, message, key, mark.file, mark.line, mark.column, hint)
