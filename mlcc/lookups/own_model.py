"""A model file of one's own as values of a new mlcc.yaml.  Law: read by static parsers under caps; nothing is run.

Which framework loads a file stands in the rows of the frameworks; what a file says of itself, its parser knows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.nodes import Mark
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, printable
from mlcc.lookups.model_files import LOADERS, PARSERS, estimators, savedmodel, xgboost
from mlcc.lookups.model_files.found import Unreadable
from mlcc.lookups.proposal import Draft, Proposal
from mlcc.registries.loader import Registries
from mlcc.registries.rows import Framework, FrameworkVersion

VERSION_CODE, MODULE_CODE = "MLCC396", "MLCC397"
# A payload of more columns would be no line that people read.
MAX_COLUMNS = 64


# Names that a file has and a model of a hub has not.
SUFFIXES = (*PARSERS, *LOADERS, ".h5", ".keras", ".model")


class Facts(NamedTuple):
    """version: of the library that wrote it; columns: by name; row: values of one row; modules: others it needs."""

    version: str = ""
    columns: tuple[str, ...] = ()
    row: tuple[Any, ...] = ()
    modules: tuple[str, ...] = ()


def propose(path: str, name: str, registries: Registries, config: str) -> Proposal:
    """What a model file says, as values.

    path: where it is; name: how mlcc.yaml calls it (`./model.joblib`); config: the deployment config that is named,
    empty for none.  Raises UserError where no framework of it loads the file, or it cannot be read.
    """
    framework, form = _loader(path, name, registries, config)
    try:
        facts = _facts(path, form)
    except Unreadable as problem:
        message = f"{printable(name, 200)} cannot be read: {printable(str(problem), 300)}"
        hint = "write it anew with the library that made it, or name it in mlcc.yaml by hand: model.name, model.format"
        raise UserError([error("MLCC165", message, file=path, hint=hint)]) from None
    except OSError as problem:
        message = f"{printable(name, 200)} cannot be read: {(problem.strerror or 'no file').lower()}"
        raise UserError([error("MLCC165", message, file=path, hint="name a model's file")]) from None
    draft, mark = Draft(), Mark(path)
    draft.put(("model", "name"), name, mark)
    draft.put(("model", "format"), form, mark)
    draft.put(("framework", "name"), framework.name, mark)
    _version(draft, framework, facts, mark)
    _modules(draft, facts, name, mark)
    payload = _payload(facts)
    if payload:
        draft.put(("test", "payload"), payload, mark)
        draft.comments.append("test.payload: one row of the model's own columns; put values into it that it knows")
    return draft.finished()


def _loader(path: str, name: str, registries: Registries, config: str) -> tuple[Framework, str]:
    """The framework that loads a file, and what it calls the format."""
    row = registries.deployment_configs.get(registries.canonical("deployment_configs", config)[0])
    names = row.frameworks if row is not None else registries.frameworks
    known = [
        (f, form, file) for n in names if (f := registries.framework(n)) is not None for form, file in f.formats.items()
    ]
    suffix = os.path.splitext(path)[1].lower()
    folder = os.path.isdir(path)
    for framework, form, file in known:
        if (folder and form == SAVED) if "." not in file else (not folder and os.path.splitext(file)[1] == suffix):
            return framework, form
    loaded = allowed(sorted({os.path.splitext(file)[1] or f"a {file} folder" for _, _, file in known}))
    others = [b.name for b in registries.triton_backends.values() if suffix.lstrip(".") in b.formats]
    hint = f"{config or 'the http servers'} take {loaded or 'no model file'}"
    if others:
        hint += f"; for Triton: --deployment-config triton-{others[0]}, then mlcc inspect {name} --write"
    raise UserError([error("MLCC115", f"no framework loads {printable(name, 200)}", file=path, hint=hint)])


SAVED = "savedmodel"


def _facts(path: str, form: str) -> Facts:
    return READERS[form](path) if form in READERS else Facts()


def _pickled(path: str) -> Facts:
    found = estimators.estimator(path)
    return Facts(found.version, found.columns, found.examples, found.modules)


def _booster(path: str) -> Facts:
    parse = xgboost.parse_ubj if path.endswith(".ubj") else xgboost.parse_json
    (tensor,) = parse(path).inputs
    width = (tensor.dims or (0,))[0]
    return Facts(xgboost.release(path), xgboost.columns(path), (0.0,) * width)


def _saved(path: str) -> Facts:
    found = savedmodel.parse(path)
    dims = found.inputs[0].dims if len(found.inputs) == 1 and found.batched else None
    width = dims[0] if dims is not None and len(dims) == 1 and dims[0] > 0 else 0
    return Facts(row=(0.0,) * width)


READERS: Mapping[str, Callable[[str], Facts]] = {
    "joblib": _pickled, "pkl": _pickled, "json": _booster, "ubj": _booster, SAVED: _saved
}  # fmt: skip


def _version(draft: Draft, framework: Framework, facts: Facts, mark: Mark) -> None:
    """The version in the file; the row of its minor version where that very one has none."""
    if not facts.version:
        return
    row = framework.versions.get(facts.version) or _of_minor(framework, facts.version)
    title = framework.title or framework.name
    if row is not None:
        draft.put(("framework", "version"), row.name, mark)
        if row.name != facts.version:
            draft.comments.append(
                f"The model was written by {title} {facts.version}; {row.name} is the row of its kind."
            )
        return
    message = f"the model was written by {title} {facts.version}, for which there is no row"
    known = allowed(framework.versions)
    hint = f"known: {known}; save it anew with one of them, or add a row in a registry of yours"
    draft.leave(VERSION_CODE, mark, message, hint, path="framework.version")


def _of_minor(framework: Framework, version: str) -> FrameworkVersion | None:
    minor = version.split(".")[:2]
    return next((row for row in framework.versions.values() if row.name.split(".")[:2] == minor), None)


def _modules(draft: Draft, facts: Facts, name: str, mark: Mark) -> None:
    """What must be installed, or lie in code/, before the file can be loaded."""
    if facts.modules:
        message = f"{printable(name, 200)} needs more than its framework: {allowed(facts.modules[:20])}"
        hint = "packages belong into build.requirements, code of your own (also __main__) into a module in code/"
        draft.leave(MODULE_CODE, mark, message, hint, path="build.requirements")


def _payload(facts: Facts) -> str:
    """A request of one row; by column where the model knows them."""
    if not facts.row or len(facts.row) > MAX_COLUMNS:
        return ""
    named = len(facts.columns) == len(facts.row)
    row: Any = dict(zip(facts.columns, facts.row, strict=True)) if named else list(facts.row)
    return json.dumps({"instances": [row[0] if row == ["text"] else row]})
