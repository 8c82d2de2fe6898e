"""MLCC120: a secret whose value is written in mlcc.yaml instead of a reference to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Path
from mlcc.core.text import printable
from mlcc.registries.redaction import FREE_MAPS, gives_secret, is_secret_value, names_secret
from mlcc.resolve.engine import spelling

CODE = "MLCC120"
# What a secret may be called (schemas/mlcc.schema.json).
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
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
        named = names_secret(path)
        within = not named and len(path) > 1 and path[-2] in FREE_MAPS and any(map(gives_secret, texts))
        if named or within or any(map(is_secret_value, texts)):
            why = f"{printable(str(path[-1]), 60)} is the name of a secret" if named else WITHIN if within else FORMAT
            hint = f"{_right_form(subject, path)}; create a new secret: this one was exposed"
            yield subject.finding(CODE, path, f"{why}, and mlcc.yaml is committed", hint)


# How a secret is referred to, by where a running container of the target reads it, and what stands for its place there.
FORMS = {
    "secretsmanager": ("secretsmanager: NAME", "NAME is its name or ARN in AWS Secrets Manager"),
    "env": ("env: {0}", "{0} is a variable of this machine"),
    "kubernetes": ("kubernetes: {{name: NAME, key: KEY}}", "NAME is a Secret of the cluster, KEY the key in it"),
}


def _right_form(subject: Subject, path: Path) -> str:
    """What to write in place of a value, with the user's own name for it."""
    target = subject.rows.target
    place, words = FORMS[next(iter(target.secrets), "secretsmanager") if target is not None else "secretsmanager"]
    if path[0] == "secrets":
        own = printable(str(path[1]), 60)
        return f"secrets: {{{own}: {{{place.format(own)}}}}}, where {words.format(own)}, never the secret itself"
    name = _variable(subject, path)
    if name is None:
        return "remove it"
    if any(other[:2] == ("secrets", name) for other in subject.resolved.values):
        return f"remove it: secrets.{name} says already where it is"
    return f"remove it, and write secrets: {{{name}: {{{place.format(name)}}}}}, where {words.format(name)}"


def _variable(subject: Subject, path: Path) -> str | None:
    """The variable in which the container reads a value; None where it reads none."""
    name = str(path[-1])
    if "extra_args" in path and subject.rows.engine is not None:
        return spelling.variable(subject.rows.engine, name)[:120]
    return name if "env" in path and NAME.fullmatch(name) else None
