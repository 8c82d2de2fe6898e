"""MLCC100: a group of copies with devices or profiles that it cannot have."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import allowed
from mlcc.resolve.triton.models import models_of, place

CODE = "MLCC100"
WITHOUT_GPUS = ("KIND_CPU", "KIND_MODEL")
# What only a backend with optimization profiles takes.
PROFILED = ("profile", "secondary_devices")
ARGUMENTS = "env.SAGEMAKER_TRITON_ADDITIONAL_ARGS"
LIMIT = "--rate-limit"


def check(subject: Subject) -> Iterator[Finding]:
    """Only copies on GPUs name GPUs, only TensorRT has profiles, and a server limits rates where it is asked to.

    https://github.com/triton-inference-server/core, ValidateInstanceGroup of src/model_config_utils.cc;
    https://github.com/triton-inference-server/server, docs/user_guide/rate_limiter.md
    """
    rows, limited = subject.rows.backends, LIMIT in str(subject.resolved.get(ARGUMENTS, ""))
    for model in models_of(subject.resolved):
        row = rows.get(model.backend)
        for group in model.instance_group:
            where = place(subject.resolved, model.name, "instance_group")
            if group.get("kind") in WITHOUT_GPUS and group.get("gpus"):
                message = f"{model.name}: copies of {group['kind']} cannot name GPUs"
                yield subject.finding(CODE, where, message, "kind: KIND_GPU, or no gpus")
            for key in PROFILED:
                if group.get(key) and row is not None and not row.profiles:
                    others = allowed(name for name, other in rows.items() if other.profiles)
                    message = f"{model.name}: the backend {row.name} has no {key}"
                    yield subject.finding(CODE, where, message, f"remove it; these backends have it: {others}")
            if group.get("rate_limiter") and not limited:
                message = f"{model.name}: rate_limiter has no effect, for the server limits no rates"
                hint = f'env: {{{ARGUMENTS.partition(".")[2]}: "{LIMIT}=execution_count"}}'
                yield subject.finding(CODE, where, message, hint, Severity.WARNING)
