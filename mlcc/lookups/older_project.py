"""A project of the older tool (ml-container-creator 1.x) as values of mlcc.yaml.  Law: reads do/ only, runs nothing.

Which variable is which key is data: the schema's `x-mlcc.variable`, and registries/older_variables.yaml for what was
called otherwise.  A variable that is not taken over is listed with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import Severity, error
from mlcc.core.nodes import Mark
from mlcc.core.paths import Item, Path
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.io.disk.reader import Directory
from mlcc.io.schema import keys
from mlcc.load import coerce
from mlcc.lookups.proposal import NO_KEY, NOT_READ, REFUSED, Draft, Proposal
from mlcc.lookups.shell_values import Skipped, Value, values
from mlcc.registries.loader import Registries
from mlcc.registries.redaction import is_secret_name, is_secret_value, shown_value
from mlcc.render.conf_values import BATCH_ENV_PREFIX, ENV_PREFIX
from mlcc.resolve.result import DEFAULT_COMPONENT

MAX_BYTES, MAX_PARTS = 1 << 20, 200
CONFIG, COMPONENTS, ADAPTERS = "do/config", "do/ic", "do/adapters"
SUFFIX = ".conf"
STORED = ("arn:aws:secretsmanager:", "arn:aws-us-gov:secretsmanager:", "arn:aws-cn:secretsmanager:")
REFERENCE = "_ARN"
KEYS = "docs/mlcc-yaml.md has the keys that there are"
# Keys whose values have names of earlier releases.
TABLES: Mapping[Path, str] = {
    ("deployment", "config"): "deployment_configs",
    ("deployment", "target"): "targets",
}


class _File(NamedTuple):
    """A file of do/: shown is its name for people; own: the variables that it sets; all: with those before it."""

    shown: str
    own: Mapping[str, Value]
    all: Mapping[str, Value]

    def mark(self, value: Value) -> Mark:
        """Where a variable is set."""
        return Mark(self.shown, value.line, 1)


def read(directory: str, registries: Registries, config: str = "") -> Proposal:
    """What mlcc.yaml says of a project.

    directory: the older project's; config: the deployment config, where the user names it.  Raises UserError where
    there is no such project, or its files cannot be read as text.
    """
    draft = Draft()
    with Directory(directory) as tree:
        main = _file(tree, directory, CONFIG, {}, draft)
        if main is None:
            message = f"{printable(directory, 200)} holds no project of the older tool: there is no {CONFIG}"
            raise UserError([error("MLCC386", message, hint="name the folder that holds its do/ folder")])
        parts = _named(_parts(tree, directory, COMPONENTS, main, draft), "inference_components", draft)
        adapters = _named(_parts(tree, directory, ADAPTERS, main, draft), "adapters", draft)
    _Import(registries, draft, main, config).run(parts, adapters)
    return draft.finished()


def _file(tree: Directory, directory: str, path: str, known: Mapping[str, Value], draft: Draft) -> _File | None:
    found = tree.read(path, MAX_BYTES)
    if found is None:
        return None
    shown = f"{printable(directory, 200).rstrip('/')}/{printable(path, 200)}"
    try:
        text = found[0].decode("utf-8")
    except UnicodeDecodeError:
        raise UserError([error("MLCC386", "the file is not UTF-8 text", file=shown)]) from None
    read = values(text, known)
    for one in read.skipped:
        _skipped(shown, one, draft)
    return _File(shown, read.variables, {**known, **read.variables})


def _skipped(shown: str, one: Skipped, draft: Draft) -> None:
    line = one.text.partition("\n")[0]
    message = f"only running this line would tell what it does: {shown_value('', line, 60, 'it holds a secret')}"
    draft.leave(NOT_READ, Mark(shown, one.line, 1), message, "look whether a value of mlcc.yaml is missing for it")


def _parts(tree: Directory, directory: str, folder: str, main: _File, draft: Draft) -> Iterator[tuple[str, _File]]:
    """The files of components or adapters, by name."""
    paths = [p for p in tree.names(folder, MAX_PARTS) if p.endswith(SUFFIX)]
    for path in paths:
        found = _file(tree, directory, path, main.all, draft)
        if found is not None:
            yield path.rpartition("/")[2].removesuffix(SUFFIX), found


def _named(files: Iterator[tuple[str, _File]], section: str, draft: Draft) -> list[tuple[str, _File]]:
    """The files by the names that stand in them, else by their own: where none stands there, or one that cannot be."""
    schema = keys.index()[section, "[]", "name"]
    found: dict[str, _File] = {}
    for stem, file in files:
        value = file.own.get(str(schema.meta["variable"]))
        name = value.text if value is not None and value.text else stem
        if name != stem and (len(name) > schema.schema["maxLength"] or not re.match(schema.schema["pattern"], name)):
            message = (
                f"{quoted(name, 60)} cannot be a name in mlcc.yaml; {quoted(stem, 60)} is taken, as the file is called"
            )
            hint = "lower case letters, digits and single hyphens, at most 40"
            draft.leave(REFUSED, Mark(file.shown, value.line if value else 1, 1), message, hint)
            name = stem
        if name in found:
            message = f"{quoted(name)} has a file already; this one is left out"
            draft.leave(
                REFUSED, Mark(file.shown, value.line if value else 1, 1), message, "give each a name of its own"
            )
            continue
        found[name] = file
    return list(found.items())


class _Import:
    """The variables of one project become values."""

    def __init__(self, registries: Registries, draft: Draft, main: _File, config: str) -> None:
        self.draft, self.main, self.registries = draft, main, registries
        self.rows = registries.entries("older_variables")
        self.variables = {
            str(prop.meta["variable"]): path for path, prop in keys.index().items() if prop.meta.get("variable")
        }
        named = config or self._text("DEPLOYMENT_CONFIG")
        row = registries.config(registries.canonical("deployment_configs", named)[0])
        architecture = registries.architecture(row.architecture) if row is not None else None
        self.plain = tuple(architecture.env_prefixes) if architecture is not None else ()
        self.target = registries.canonical("targets", self._text("DEPLOYMENT_TARGET"))[0]
        target = registries.targets.get(self.target)
        self.components = target is None or target.components
        instance = registries.instance(self._text("INSTANCE_TYPE"))
        self.no_devices = instance is not None and not instance.accelerator_count

    def _text(self, name: str) -> str:
        found = self.main.all.get(name)
        return (found.text or "") if found is not None else ""

    def run(self, parts: list[tuple[str, _File]], adapters: list[tuple[str, _File]]) -> None:
        """Takes over do/config, each component and adapter, and what the older scripts do where these say nothing."""
        inherited = {n: v for n, v in self.main.own.items() if self._part_of(n, "inference_components")}
        assumed = self._assumed()
        for name, value in self.main.own.items():
            if name not in inherited:
                self._variable(name, value, self.main, ())
            elif not self.components and value.text:
                message = f"{name} is not taken over: the target has no inference components"
                self.draft.leave(NO_KEY, self.main.mark(value), message, severity=Severity.NOTE)
        for name, value in assumed.items():
            path = self._path(name)
            if path is None or path[:2] == ("inference_components", "[]"):
                inherited = {name: value, **inherited}
            elif path not in self.draft.values:
                self._variable(name, value, self.main, ())
        if self.components:
            for part, file in parts or ([(DEFAULT_COMPONENT, self.main)] if inherited else []):
                own = file.own if parts else {}
                self._component(part, {**inherited, **own}, file)
        for part, file in adapters:
            self._adapter(part, file, [name for name, _ in parts])

    def _assumed(self) -> dict[str, Value]:
        """What the older scripts take for variables that nothing sets, as if do/config had them in its first line."""
        found: dict[str, Value] = {}
        for name, row in self.rows.items():
            usual, targets = str(row.facts.get("otherwise", "")), row.facts.get("targets", [self.target])
            given = self.main.all.get(name)
            if not usual or self.target not in targets or (given is not None and given.text != ""):
                continue
            if self.no_devices and str(row.facts["key"]).endswith("gpu_count"):
                continue
            if all(self._text(other) == value for other, value in row.facts.get("when", {}).items()):
                found[name] = Value(re.sub(r"\$\{(\w+)\}", lambda word: self._text(word[1]), usual), 1)
        return found

    def _part_of(self, name: str, section: str) -> bool:
        path = self._path(name)
        return path is not None and path[:2] == (section, "[]")

    def _path(self, name: str) -> tuple[str, ...] | None:
        """The pattern of the key of a variable."""
        row = self._row(name)
        if row is None:
            return self.variables.get(name)
        return tuple(row["key"].replace("[]", ".[]").split(".")) if "key" in row else None

    def _row(self, name: str) -> Mapping[str, Any] | None:
        """What the registry says of a variable: its own row, or the first pattern that fits."""
        found = self.rows.get(name) or next((r for key, r in self.rows.items() if fnmatchcase(name, key)), None)
        return found.facts if found is not None else None

    # ------------------------------------------------ parts
    def _component(self, part: str, variables: Mapping[str, Value], file: _File) -> None:
        place: Path = ("inference_components", Item(part))
        one = (*place, "copy_count")  # the older tool's own default
        if self.draft.put(one, 1, Mark(file.shown, 1, 1)):
            for name, value in variables.items():
                self._variable(name, value, file if name in file.own else self.main, place)
        if file is self.main and [p for p in self.draft.values if p[:2] == place] == [one]:
            del self.draft.values[one]  # what stands for every project needs no list

    def _adapter(self, part: str, file: _File, components: list[str]) -> None:
        place: Path = ("adapters", Item(part))
        for name, value in file.own.items():
            self._variable(name, value, file, place)
        several = len(components) > 1 and DEFAULT_COMPONENT in components
        if several and (*place, "artifact_url") in self.draft.values:
            self.draft.values |= {(*place, "base"): DEFAULT_COMPONENT}

    # ------------------------------------------------ one variable
    def _variable(self, name: str, value: Value, file: _File, place: Path) -> None:
        """Takes one variable over, or lists why not.  place: of the component or adapter that the file is about."""
        row, mark = self._row(name) or {}, file.mark(value)
        if "recorded" in row or value.text == "" or self._is_usual(row, value):
            return
        path = self._place(name, row, value.text or "", place)
        if "absent" in row:
            severity = Severity.NOTE if "note" in row else Severity.WARNING
            message = f"{name} is not taken over: {row['absent']}"
            self.draft.leave(NO_KEY, mark, message, str(row.get("note", KEYS)), severity)
        elif value.text is None:
            self.draft.leave(NOT_READ, mark, f"the value of {name} is not known: {value.why}", _hint(name, self))
        elif path is None and (is_secret_name(name) or is_secret_value(value.text)):
            self.draft.secret(name, mark)
        elif path is None:
            self.draft.leave(NO_KEY, mark, f"{name} is no variable that mlcc knows", _hint(name, self))
        elif path[-1] != "name" or len(path) != 3:  # the name of a component or an adapter is known by then
            self._take(path, name, str(row.get("words", {}).get(value.text, value.text)), mark)
            if "phase" in row and path in self.draft.values:
                self.draft.put((*path[:2], "phase"), row["phase"], mark)

    def _is_usual(self, row: Mapping[str, Any], value: Value) -> bool:
        usual = str(row.get("usual", "")).replace("${PROJECT_NAME}", self._text("PROJECT_NAME"))
        return bool(usual) and value.text == usual

    def _place(self, name: str, row: Mapping[str, Any], text: str, place: Path) -> Path | None:
        """The path of a variable's value, None where it has none."""
        carried = name.removeprefix(ENV_PREFIX)
        if "secret" in row or (carried.endswith(REFERENCE) and text.startswith(STORED)):
            return ("secrets", str(row.get("secret", carried.removesuffix(REFERENCE))), "secretsmanager")
        pattern = self._path(name)
        if pattern is not None:
            return tuple(pattern) if "[]" not in pattern else (*place, *pattern[2:]) if place else None
        if carried != name or (self.plain and name.startswith(self.plain)):
            return (*place, "env", carried)
        return ("batch", "env", name.removeprefix(BATCH_ENV_PREFIX)) if name.startswith(BATCH_ENV_PREFIX) else None

    def _take(self, path: Path, name: str, text: str, mark: Mark) -> None:
        in_env = "env" in path[:-1]
        if path in TABLES:
            text, _ = self.registries.canonical(TABLES[path], text)
        value, wrong = coerce.coerce_text(path, text)
        wrong = wrong or coerce.plain_problem(value)
        if path[0] != "secrets" and (is_secret_value(text) or (in_env and is_secret_name(str(path[-1])))):
            self.draft.secret(str(path[-1]) if in_env else name, mark)
        elif path[-1] == "gpu_count" and self.no_devices:
            message = f"{name} is not taken over: {quoted(self._text('INSTANCE_TYPE'))} has no accelerator"
            self.draft.leave(NO_KEY, mark, message, severity=Severity.NOTE)
        elif wrong:
            self.draft.leave(REFUSED, mark, f"{name}: {wrong}; it was left out", _hint(name, self))
        else:
            self.draft.put(path, value, mark)


def _hint(name: str, what: _Import) -> str:
    """What to do about a variable that is not taken over."""
    path = what._path(name)
    if path is not None and "[]" not in path:
        return f"mlcc set {'.'.join(path)} VALUE"
    return f"where the container needs it: mlcc set env.{name.removeprefix(ENV_PREFIX)} VALUE"
