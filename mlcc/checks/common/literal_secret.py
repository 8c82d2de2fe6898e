"""MLCC120: a secret whose value is written in mlcc.yaml instead of a reference to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import printable
from mlcc.registries.redaction import FREE_MAPS, gives_secret, is_secret_value, names_secret

CODE = "MLCC120"
FORMAT = "the value has the format of a secret"
WITHIN = "the value gives something to the name of a secret (JSON, --option or name=value)"


def check(subject: Subject) -> Iterator[Finding]:
    """Looks at every text; the value itself is never shown."""
    for path, value in subject.resolved.values.items():
        if any(is_secret_value(str(part)) for part in path):
            hint = "give it a name of its own, and create a new secret: this one was exposed"
            yield subject.finding(CODE, path, "the name has the format of a secret, and mlcc.yaml is committed", hint)
            continue
        texts = [str(v) for v in (value.value if isinstance(value.value, tuple) else (value.value,))]
        if isinstance(value.value, bool) or not any(texts):
            continue
        name = str(path[-1])
        named = names_secret(path)
        within = not named and len(path) > 1 and path[-2] in FREE_MAPS and any(map(gives_secret, texts))
        if named or within or any(map(is_secret_value, texts)):
            why = f"{printable(name, 60)} is the name of a secret" if named else WITHIN if within else FORMAT
            variable = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:60]
            hint = "remove it, and create a new secret: this one was exposed"
            if path[0] == "secrets":
                hint = "a secret's name or ARN belongs here, never its value; create a new secret: this one was exposed"
            elif "env" in path or "extra_args" in path:
                hint = f"secrets: {{{variable}: {{secretsmanager: NAME}}}} refers to it instead"
            yield subject.finding(CODE, path, f"{why}, and mlcc.yaml is committed", hint)
