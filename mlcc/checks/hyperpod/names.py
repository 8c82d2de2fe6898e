"""MLCC362: a name that the API server takes, and the operator cannot use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.checks.manifests import Problem, on_manifests, section, spec_of
from mlcc.core.text import quoted
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC362"
# A model's name in SageMaker; the server's own pattern for it lacks its end.
_MODEL = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*\Z")
# The name of a Service and of a label's value, which the operator makes of it.
_OBJECT = re.compile(r"[a-z](-*[a-z0-9])*\Z")
LONGEST = 63


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """The object's name becomes that of pods and of a Service; modelName that of a model in SageMaker."""
    name, model = section(document, "metadata").get("name"), spec_of(document).get("modelName")
    if isinstance(name, str) and (not _OBJECT.match(name) or len(name) > LONGEST):
        hint = f"a letter, then at most {LONGEST - 1} lower-case letters, digits and single hyphens"
        yield Problem(("metadata", "name"), f"{quoted(name)} cannot be the name of a Service", hint)
    if isinstance(model, str) and not _MODEL.match(model):
        yield Problem(
            ("spec", "modelName"), f"{quoted(model)} is no name of a model in SageMaker", "letters, digits and hyphens"
        )


check = on_manifests(CODE, problems)
