"""validate --fix: what findings propose is written into mlcc.yaml, and said line by line."""

from __future__ import annotations

import os
from contextlib import suppress

from mlcc import pipeline
from mlcc.cli import mlcc_yaml
from mlcc.cli.options import Values, request
from mlcc.cli.session import Session
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding
from mlcc.core.text import printable
from mlcc.io.disk.reader import read_named
from mlcc.io.yaml.limits import CONFIG_LIMITS
from mlcc.load.document import load_document
from mlcc.load.fixes import mend


def mend_file(session: Session, path: str, values: Values) -> None:
    """Mends one mlcc.yaml, and says what was done; what is left is found by the check that follows.

    What this run alone sets (--set, variables) plays no part: the file is mended, not the run.
    """
    asked = request(values._replace(settings=(), extra=""))._replace(options={}, environ={})

    def findings_of(data: bytes) -> list[Finding]:
        try:
            return [*pipeline.check(pipeline.resolve(pipeline.load(path, asked, data))).findings]
        except UserError as problem:
            return [*problem.findings]

    with suppress(UserError):  # what cannot be read is reported by the check
        before, shown = read_named(path, CONFIG_LIMITS.max_bytes), printable(path, 300)
        # first what the document itself says, which takes a moment; then what only resolving it shows
        first = mend(before, shown, lambda data: load_document(data, shown).findings)
        result = mend(first.data, shown, findings_of)
        if result.data == before:
            return
        folder, name = os.path.split(path)
        mlcc_yaml.write(folder, {name: (result.data, before)})
        for finding, words in sorted((*first.done, *result.done), key=lambda one: (one[0].line, one[0].column)):
            session.say(f"{printable(finding.place, 300)}: fixed {finding.code}: {printable(words, 300)}")
