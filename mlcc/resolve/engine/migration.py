"""From one engine to another: each option by mlcc's name, as the old engine spells it and as the new one does.

Law: pure; how engines spell is data (engines.yaml).  What the new engine has no option for is named, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlcc.core.paths import Item, Path, format_path, names
from mlcc.core.records import NamedTuple
from mlcc.core.value_text import short_text
from mlcc.registries.engine_rows import Engine, EngineOptions
from mlcc.registries.loader import Registries
from mlcc.resolve.engine import options, spelling
from mlcc.resolve.engine.model_variables import with_every_prefix
from mlcc.resolve.result import Resolved

Values = Mapping[Path, Any]


class Spelling(NamedTuple):
    """A variable with its text; of a JSON option the key in it, too: `VLLM_SPECULATIVE_CONFIG method`."""

    name: str
    value: str


class Moved(NamedTuple):
    """An option: its path in mlcc.yaml, and how each engine gets it.

    before, after: None where that engine gets none; counterpart: the new engine's variable for it, empty for none;
    stays: the variable stays in the environment, where the new engine does not read it.
    """

    path: str
    before: Spelling | None
    after: Spelling | None
    counterpart: str = ""
    stays: bool = False


class Migration(NamedTuple):
    """The two engines with their versions, and every option; covered: paths of values that the options say."""

    before: str
    after: str
    options: tuple[Moved, ...]
    covered: frozenset[str]


class Side(NamedTuple):
    """A configuration's engine, its version and its options' names, with the configuration's values."""

    engine: Engine
    version: str
    listed: EngineOptions | None
    values: Values

    @property
    def words(self) -> str:
        """The engine as people call it."""
        return f"{self.engine.name} {self.version}".strip()

    def section(self, prefix: Path) -> dict[str, Any]:
        """The variables of a section."""
        return {str(p[-1]): v for p, v in self.values.items() if p[:-1] == (*prefix, "env")}

    def has(self, variable: str) -> bool:
        """Whether the engine reads a variable as one of its own, by the prefix."""
        return variable.startswith(self.engine.prefixes)

    def option_of(self, variable: str) -> str:
        """The word of a variable without the engine's prefix."""
        prefix = max((p for p in self.engine.prefixes if variable.startswith(p)), key=len, default="")
        return variable.removeprefix(prefix)

    def same_option(self, word: str) -> str:
        """The variable of the option that another engine calls by the same word; empty where there is none."""
        known = options.at_version(self.listed, self.version) if self.listed is not None else None
        found = known.find(word.lower().replace("_", "-")) if known is not None else None
        return spelling.variable(self.engine, found.name) if found is not None else ""


def of(before: Values, resolved: Resolved, registries: Registries) -> Migration | None:
    """What changes where a configuration is served by another engine than before; None where it is the same.

    before: values of the last apply.
    """
    old, rows = _recorded(before, registries), resolved.rows
    if old is None or rows.engine is None or old.engine.name == rows.engine.name:
        return None
    after = {path: value.value for path, value in resolved.values.items()}
    new = Side(rows.engine, rows.engine_version, rows.options, after)
    found, covered = list[Moved](), set[Path]()
    for prefix in ((), *_components(before, after)):
        rest = _Rest(old, new, prefix)
        every = (*rest.keys(), *rest.models(), *rest.others())
        found += [one for one in every if one.before != one.after]
        covered |= rest.covered
    return Migration(old.words, new.words, tuple(found), frozenset(format_path(path) for path in covered))


def _recorded(values: Values, registries: Registries) -> Side | None:
    """The engine of recorded values; None where they have none."""
    config = registries.config(str(values.get(("deployment", "config"), "")))
    framework = registries.framework(str(values.get(("framework", "name"), "")))
    version = framework.versions.get(str(values.get(("framework", "version"), ""))) if framework is not None else None
    name = (config.engine if config is not None else "") or (framework.engine if framework is not None else "")
    engine = registries.engines.get(name) if name else None
    if engine is None:
        return None
    number = (version.engine_version or version.name) if version is not None else ""
    return Side(engine, number, registries.options(engine.options_name), values)


def _components(*every: Values) -> Iterator[Path]:
    listed = (name for values in every for name in names(values, ("inference_components",)))
    return (("inference_components", Item(name)) for name in dict.fromkeys(listed))


class _Rest:
    """One section of both sides, and what of it is not said yet."""

    def __init__(self, old: Side, new: Side, prefix: Path) -> None:
        self.old, self.new, self.prefix = old, new, prefix
        self.before, self.after = old.section(prefix), new.section(prefix)
        self.covered: set[Path] = set()

    def keys(self) -> Iterator[Moved]:
        """The keys of `engine:` that either side sets."""
        for key in dict.fromkeys((*self.old.engine.typed_keys, *self.new.engine.typed_keys)):
            path: Path = (*self.prefix, "engine", *key.split("."))
            before, after = (self._spelled(side, path, key) for side in (self.old, self.new))
            if before is not None or after is not None:
                self.covered.add(path)
                counterpart = after.name if after is not None else _variable(self.new.engine, key)
                yield Moved(format_path(path), before, after, counterpart)

    def _spelled(self, side: Side, path: Path, key: str) -> Spelling | None:
        """How a side gives a key to its engine: the variable that is there."""
        how, value = spelling.spelled(side.engine, key), side.values.get(path)
        if how is None or value is None:
            return None
        env = self.before if side is self.old else self.after
        if how.key:
            name = spelling.variable(side.engine, how.option)
            self.covered.add((*self.prefix, "env", name))
            return Spelling(f"{name} {how.key}", short_text(value))
        name = next((name for name in _every_name(side.engine, key) if name in env), "")
        self._take(side, key, name)
        return Spelling(name, short_text(env[name])) if name else None

    def _take(self, side: Side, key: str, name: str) -> None:
        """A variable, and those that go along with its key, are said."""
        along = side.engine.companions.get(key, {})
        further = (option if option.isupper() else spelling.variable(side.engine, option) for option in along)
        self.covered.update((*self.prefix, "env", one) for one in (name, *further) if one)

    def models(self) -> Iterator[Moved]:
        """The model, its revision and its chat template."""
        for dotted in dict.fromkeys((*self.old.engine.model_variables, *self.new.engine.model_variables)):
            before, after = (self._model(side, dotted) for side in (self.old, self.new))
            if before is not None or after is not None:
                path = format_path((*self.prefix, "model")) if self.prefix else dotted
                yield Moved(path, before, after, self.new.engine.model_variables.get(dotted, ""))

    def _model(self, side: Side, dotted: str) -> Spelling | None:
        usual = side.engine.model_variables.get(dotted, "")
        env = self.before if side is self.old else self.after
        name = next((n for n in with_every_prefix(side.engine, usual) if n in env), "") if usual else ""
        self.covered.update([(*self.prefix, "env", name)] if name else [])
        return Spelling(name, short_text(env[name])) if name else None

    def others(self) -> Iterator[Moved]:
        """Further variables of either engine: by the option of the same name, where the other engine has it."""
        said = {str(path[-1]) for path in self.covered if path[:-1] == (*self.prefix, "env")}
        gone = [name for name in self.before if self.old.has(name) and name not in said]
        for name in gone:
            counterpart = self.new.same_option(self.old.option_of(name))
            after = next((n for n in (counterpart, name) if n in self.after and self.new.has(n)), "")
            self.covered.update((*self.prefix, "env", n) for n in (name, after) if n)
            self.covered.add((*self.prefix, "engine", "extra_args", self.old.option_of(name).lower().replace("_", "-")))
            given = Spelling(after, short_text(self.after[after])) if after else None
            before, stays = Spelling(name, short_text(self.before[name])), not after and name in self.after
            yield Moved(format_path((*self.prefix, "env", name)), before, given, counterpart, stays)
        said |= {str(path[-1]) for path in self.covered}
        for name in (n for n in self.after if self.new.has(n) and n not in said):
            self.covered.add((*self.prefix, "env", name))
            yield Moved(
                format_path((*self.prefix, "env", name)), None, Spelling(name, short_text(self.after[name])), name
            )


def _variable(engine: Engine, key: str) -> str:
    """The variable of a key, with the key of a JSON option; empty where the engine has no such option."""
    how = spelling.spelled(engine, key)
    return " ".join(filter(None, (spelling.variable(engine, how.option), how.key))) if how is not None else ""


def _every_name(engine: Engine, key: str) -> Iterable[str]:
    """Every variable that may say a key: by each prefix, by another option, or by the one that negates it."""
    on, off = spelling.keys_by_variable(engine, accepted=True), spelling.negated_keys(engine, accepted=True)
    instead = (word for words in engine.alternatives.get(key, {}).values() for word in words.values())
    yield from (spelling.variable(engine, option) for option in instead)
    yield from (name for table in (on, off) for name, its in table.items() if its == key)
