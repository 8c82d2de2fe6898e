"""MLCC169: a Triton backend that runs on CUDA devices only, and an instance without one."""

from collections.abc import Iterator

from mlcc.checks.base import Subject
from mlcc.diagnostics import Finding

CODE = "MLCC169"
CUDA = "cuda"


def check(subject: Subject) -> Iterator[Finding]:
    """The backend is the row's fact, the device the instance's; what is not known of an instance is not judged."""
    own, instance = subject.rows.backend, subject.rows.instance
    if own is None or instance is None or not own.gpu or instance.accelerator in ("", CUDA):
        return
    message = f"the backend {own.name} needs a CUDA device, and {instance.name} has none"
    hint = "an instance such as ml.g5.xlarge, or a backend that runs on processors"
    yield subject.finding(CODE, ("deployment", "instance_type"), message, hint)
