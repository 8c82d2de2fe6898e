"""MLCC115: a model file whose suffix the chosen framework does not load."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import UNSET, Finding, Fix
from mlcc.core.text import allowed, quoted
from mlcc.core.values import Source
from mlcc.resolve.model_format import loaded, suffix

CODE = "MLCC115"
# Files of models that no row of a framework or of a Triton backend names.
OTHERS = {".bin", ".gguf", ".pickle", ".pth", ".safetensors"}


def check(subject: Subject) -> Iterator[Finding]:
    """The server looks for a file with the suffix of its format; a folder may be called as it likes."""
    rows, path = subject.rows, ("model", "name")
    framework, config, name = rows.framework, rows.config, str(subject.resolved.get("model.name", ""))
    end = suffix(name)
    if framework is None or config is None or not framework.formats or not end:
        return
    expected = framework.formats.get(str(subject.resolved.get("model.format")), "")
    if not expected or expected.endswith(end) or end not in _known(subject):
        return
    loads = [
        f".{file.rpartition('.')[2]}" if "." in file else f"a {file} folder" for file in framework.formats.values()
    ]
    hint = f"{framework.name} loads {allowed(sorted(set(loads)))}"
    loading = sorted({*loaded(subject.registries, config, end)})
    fits = [f"framework.name: {other}, model.format: {form}" for other, form in loading]
    hint += f"; or set {' or '.join(fits)}" if fits else ""
    backends = [row.name for row in subject.registries.triton_backends.values() if end[1:] in row.formats]
    hint += f"; Triton serves it: deployment.config triton-{backends[0]}" if backends and not fits else ""
    message = (
        f"{framework.name} as {subject.resolved.get('model.format')} looks for {expected}, not for {quoted(name, 200)}"
    )
    yield subject.finding(CODE, path, message, hint)._replace(fix=_without_format(subject, loading))


def _without_format(subject: Subject, loading: list[tuple[str, str]]) -> Fix | None:
    """Takes the format away, where it follows from the file's name then."""
    form, named = (subject.resolved.value(path) for path in ("model.format", "framework.name"))
    written = named is not None and named.source.by_hand
    fits = [one for one in loading if not written or named is None or one[0] == named.value]
    if form is None or form.source not in (Source.FILE, Source.OVERLAY) or len(fits) != 1:
        return None
    return Fix(UNSET, str(form.value), None, form.mark.line, form.mark.column)


def _known(subject: Subject) -> set[str]:
    """Suffixes of model files: of every framework and backend."""
    registries = subject.registries
    files = [file for row in registries.frameworks.values() for file in row.formats.values()]
    formats = [form for row in registries.triton_backends.values() for form in row.formats]
    return {f".{file.rpartition('.')[2]}" for file in files if "." in file} | {f".{form}" for form in formats} | OTHERS
