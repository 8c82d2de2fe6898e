"""Records of serving engines: how one is started, how it spells its options, which options each version has.

Law: data only.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.core.nodes import Node
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.registries.rows import NOTHING


class Engine(NamedTuple):
    """How a serving engine is started and how it spells its options.

    How it is started:

    - style: `serve` (the project's script turns variables into arguments) or `image` (the image's own entry point
      reads the variables); entrypoint: that of the image.
    - command, fixed_arguments: the program and the arguments that it always gets; flags: the arguments that carry the
      model, the host and the port; routes: the engine's paths for /ping and /invocations, where it has none of its own.
    - payload: a request that every model of it answers.

    How its options are written:

    - options_name: the file of options/ that lists the options of each version; based_on: the row from which this one
      takes the options and typed keys that it does not have itself.
    - prefix: the first part of its container variables; further_prefixes: others that it reads as well;
      accepted_prefixes: prefixes that it does not read but people write: mlcc writes such a value under `prefix`.
    - model_variables: the variable of each key outside `engine:` (model.name); file_option: the option that takes a
      file; replicas_option: the option for several copies of the model in one container.
    - typed_keys: the engine's option for each key of `engine:`; extra_variables: further variables of these keys;
      value_words: values of a key that the engine writes in other words; alternatives: other options for a key, by the
      value of another key; companions: options that have to be set together with a key.
    - negation: what precedes the name of an option to switch it off; drops_false: whether the entry point ignores
      `false`, so that only the negated option switches off.

    What its options need: needed_capability: the compute capability for a value of a key; lower_bounds: for a key, the
    key whose value it must reach; requires: for a key, the key without which it has no effect.
    """

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    options_name: str = ""
    based_on: str = ""
    prefix: str = ""
    further_prefixes: tuple[str, ...] = ()
    accepted_prefixes: tuple[str, ...] = ()
    style: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    fixed_arguments: tuple[str, ...] = ()
    flags: Mapping[str, str] = EMPTY
    routes: Mapping[str, str] = EMPTY
    model_variables: Mapping[str, str] = EMPTY
    file_option: str = ""
    replicas_option: str = ""
    typed_keys: Mapping[str, str] = EMPTY
    extra_variables: Mapping[str, str] = EMPTY
    value_words: Mapping[str, Mapping[str, str]] = EMPTY
    alternatives: Mapping[str, Mapping[str, Mapping[str, str]]] = EMPTY
    companions: Mapping[str, Mapping[str, str]] = EMPTY
    negation: str = ""
    drops_false: bool = False
    payload: str = ""
    lower_bounds: Mapping[str, str] = EMPTY
    requires: Mapping[str, str] = EMPTY
    needed_capability: Mapping[str, Mapping[str, str]] = EMPTY

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Every prefix that the engine itself reads."""
        return (self.prefix, *self.further_prefixes)


class Option(NamedTuple):
    """One command line option of an engine.

    type: flag, switch (--x and --no-x), boolean, integer, number, text, list or json; note: other forms that its value
    may have; first and last: the versions that have it, empty for the oldest and the newest that were read.

    choices: the allowed words; since and until: the first and the last version of words that not every version has;
    open_from and open_until: the versions in which a plugin may add words; open: whether this version is one of them.
    """

    name: str
    type: str
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    first: str = ""
    last: str = ""
    note: str = ""
    since: Mapping[str, str] = EMPTY
    until: Mapping[str, str] = EMPTY
    open_from: str = ""
    open_until: str = ""
    open: bool = False


class EngineOptions(NamedTuple):
    """The options of an engine's command line and its own variables, in every version that was read (oldest first).

    parent: the options of the engine on which it is built, which it takes as well; versions are the parent's where it
    lists none.
    """

    name: str
    origin: str
    versions: tuple[str, ...] = ()
    options: Mapping[str, Option] = EMPTY
    variables: Mapping[str, Option] = EMPTY
    parent: EngineOptions | None = None
