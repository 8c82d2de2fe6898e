"""MLCC149: a container environment larger than SageMaker takes."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Path
from mlcc.resolve import secret_variables

CODE = "MLCC149"
PAIRS, VALUE, SUM = 100, 1024, 32 * 1024
BATCH_PAIRS = 16


def check(subject: Subject) -> Iterator[Finding]:
    """CreateModel: 100 variables, 1,024 characters each, 32 KiB together; a transform job: 16."""
    target = subject.rows.target
    if target is None or not target.host_image:
        return
    secrets = secret_variables.variables({p: v.value for p, v in subject.resolved.values.items()})
    for container in serving_containers(subject):
        pairs = {name: str(setting.value) for name, setting in container.env.items()} | secrets
        path: Path = (*container.prefix, "env")
        if len(pairs) > PAIRS:
            yield subject.finding(
                CODE, path, f"{len(pairs)} variables{container.words}; SageMaker takes {PAIRS}", "remove some"
            )
        total = sum(
            len(n.encode("utf-8", "surrogatepass")) + len(v.encode("utf-8", "surrogatepass")) for n, v in pairs.items()
        )
        if total > SUM:
            message = f"the variables{container.words} take {total:,} bytes; SageMaker takes {SUM:,}"
            yield subject.finding(CODE, path, message, "put long values into files of code/")
        for name, setting in container.env.items():
            if len(str(setting.value)) > VALUE:
                message = f"{name[:60]} has {len(str(setting.value)):,} characters; SageMaker takes {VALUE:,}"
                yield subject.finding(CODE, setting.path, message, "put the value into a file of code/")
    batch = subject.resolved.below("batch.env")
    if len(batch) > BATCH_PAIRS:
        message = f"{len(batch)} variables; a transform job takes {BATCH_PAIRS}"
        last: Path = ("batch", "env", list(batch)[-1])
        yield subject.finding(CODE, last, message, "put the others into env")
