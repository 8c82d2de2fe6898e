"""The file of a baseline.  Law: bytes in, identities out, and back; read under limits, for it lies in a checkout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mlcc.core.baselines import Identity
from mlcc.core.errors import UserError
from mlcc.core.findings import has_errors
from mlcc.io.schema import validator
from mlcc.io.yaml import reader, writer
from mlcc.io.yaml.limits import PROJECT_REGISTRY_LIMITS

KIND = "baseline"
HEADER = "# Written by mlcc validate --write-baseline; commit it. Findings that are known, and fail no check.\n"


def read(data: bytes, file: str) -> Counter[Identity]:
    """The findings that a file knows, each with how often.  Raises UserError for a file that is none."""
    loaded = reader.load_yaml(data, file, PROJECT_REGISTRY_LIMITS)
    if loaded.root is None or has_errors(loaded.findings):
        raise UserError(loaded.findings)
    wrong = validator.validate_document(loaded.root, KIND)
    if wrong:
        raise UserError(wrong)
    found: Counter[Identity] = Counter()
    for row in loaded.root.plain()["findings"]:
        found[Identity(row["project"], row["code"], row["path"])] += row.get("count", 1)
    return found


def text(known: Mapping[Identity, int]) -> bytes:
    """The file; the same findings give the same bytes."""
    lines = [HEADER.rstrip("\n"), "version: 1", f"kind: {KIND}", "findings:" if known else "findings: []"]
    for one, count in sorted(known.items()):
        lines.append(f"  - {writer.flow({**one._asdict(), **({'count': count} if count > 1 else {})})}")
    return ("\n".join(lines) + "\n").encode("utf-8")
