"""MLCC117: a config.pbtxt of the user's own that Triton would refuse, or that does not go with its element."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Item, Path
from mlcc.core.text import allowed, printable, quoted
from mlcc.resolve.triton import config_text
from mlcc.resolve.triton.models import ENSEMBLE, MODELS

CODE = "MLCC117"
# Keys of an element that are not in its config.pbtxt.
BESIDE = ("name", "backend", "platform", "file", "config_file")


def check(subject: Subject) -> Iterator[Finding]:
    """The file is what NVIDIA's protobuf has, is of this model, and stands in place of the keys of config.pbtxt."""
    for name in subject.resolved.names("triton.models"):
        prefix: Path = (*MODELS, Item(name))
        named = subject.resolved.values.get((*prefix, "config_file"))
        text = subject.resolved.texts.get(str(named.value)) if named is not None else None
        if named is None or text is None:
            continue
        file, where = str(named.value), (*prefix, "config_file")
        beside = subject.root.mark.file.rpartition("/")[0]
        shown = printable(f"{beside}/{file.removeprefix('./')}" if beside else file.removeprefix("./"), 300)
        for problem in config_text.read(text).problems:
            place = (Severity.ERROR, problem.message, "", shown, problem.line, problem.column)
            yield Finding(CODE, *place, problem.hint)
        for message, hint in _differences(subject, name, text):
            yield subject.finding(CODE, where, f"{quoted(file, 100)} {message}", hint)
        own = [path for path in subject.resolved.values if path[:3] == prefix and path[3] not in BESIDE]
        keys = list(dict.fromkeys(str(path[3]) for path in own))
        if keys:
            message = f"{allowed(keys)} beside config_file: the file says all of it"
            yield subject.finding(CODE, own[0], message, "write it in the file, or remove config_file")


def _differences(subject: Subject, name: str, text: bytes) -> Iterator[tuple[str, str]]:
    """Where the file is of another model, or of another backend than the element's."""
    fields = config_text.read(text).fields
    called, backend = str(fields.get("name", name)), str(fields.get("backend", ""))
    if called != name:
        yield f"is of the model {quoted(called, 60)}, and stands at {name}", f"name: {name} in one of the two places"
    wanted = str(subject.resolved.get(f"triton.models[{name}].backend", ""))
    if backend and wanted not in ("", backend):
        known = allowed(subject.rows.backends)
        yield f"has the backend {quoted(backend, 60)}, and the element {wanted}", f"backend: one of {known}"
    ensemble = subject.resolved.get(f"triton.models[{name}].platform") == ENSEMBLE
    if ensemble != (fields.get("platform") == ENSEMBLE):
        message = (
            f"is {'no' if ensemble else 'that of an'} ensemble, and the element is {'one' if ensemble else 'none'}"
        )
        yield message, "remove platform" if ensemble else f"platform: {ENSEMBLE} beside config_file"
    row, own_name = subject.rows.backends.get(wanted), fields.get("default_model_filename")
    file = subject.resolved.get(f"triton.models[{name}].file")
    form = row.form(str(file), str(subject.resolved.get("model.format", ""))) if row is not None and file else None
    if own_name is not None and form is not None and own_name != form.file:
        message = (
            f"names the file {quoted(str(own_name), 60)}, and mlcc puts {printable(str(file), 60)} there as {form.file}"
        )
        yield message, "remove default_model_filename, or lay the file into model_repository yourself"
