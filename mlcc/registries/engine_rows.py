"""Records of serving engines: how one is started, how it spells options, which each version knows.  Law: data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mlcc.core.nodes import Node
from mlcc.core.paths import EMPTY
from mlcc.registries.rows import NOTHING


class Engine(NamedTuple):
    """How a serving engine is started and how it spells its options.

    options: name of the file of options/ that lists what each version knows; like: the row whose options and typed
    keys are this one's too; prefix: what its container variables begin with; also: further prefixes that are
    understood; heard: prefixes that the engine does not read, but people write: what they say is written under its
    own; style: `serve` (the project's script turns variables into arguments) or `image` (the image's own entry point
    reads them); entrypoint: that of the image; command, fixed, flags: the program and how it is told model, host and
    port; names: variables of keys outside `engine:`; routes: paths behind /ping and /invocations where the engine has
    none of its own; file: the option that takes a file; typed: keys of `engine:` with the engine's option; more:
    further variables of typed keys; along: variables that it needs besides a key's own; values: words of a key's
    values that it spells otherwise; instead: options that a key is told as where another key has a certain value;
    negation: what stands before an option that is switched off; drops_false: whether the entry point drops `false`, so
    that only the opposite option switches off; capability: the compute capability that a key's value needs; payload: a
    request that any model of it answers; at_least: keys that must not be below another one; requires: keys that say
    nothing without another one; replicas: the option that makes several copies of the model within a container.
    """

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    options: str = ""
    like: str = ""
    prefix: str = ""
    also: tuple[str, ...] = ()
    style: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    flags: Mapping[str, str] = EMPTY
    names: Mapping[str, str] = EMPTY
    routes: Mapping[str, str] = EMPTY
    file: str = ""
    typed: Mapping[str, str] = EMPTY
    more: Mapping[str, str] = EMPTY
    along: Mapping[str, Mapping[str, str]] = EMPTY
    values: Mapping[str, Mapping[str, str]] = EMPTY
    instead: Mapping[str, Mapping[str, Mapping[str, str]]] = EMPTY
    negation: str = ""
    drops_false: bool = False
    heard: tuple[str, ...] = ()
    payload: str = ""
    replicas: str = ""
    at_least: Mapping[str, str] = EMPTY
    requires: Mapping[str, str] = EMPTY
    capability: Mapping[str, Mapping[str, str]] = EMPTY


class Option(NamedTuple):
    """One command line option of an engine.

    type: flag, switch (--x and --no-x), boolean, integer, number, text, list or json; choices: allowed words;
    since and until: the first and the last version of words that not every version has; open_from and open_until:
    the versions that take other words too; open: whether this version does;
    first and last: the versions that have it, empty for the oldest and newest that were read; note: other forms that
    its value may have.
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


class Options(NamedTuple):
    """What an engine's command line knows: versions oldest first, its options, and its own variables.

    parent: the engine that it is made on, whose options it takes too; versions are the parent's where it lists none.
    """

    name: str
    origin: str
    versions: tuple[str, ...] = ()
    options: Mapping[str, Option] = EMPTY
    variables: Mapping[str, Option] = EMPTY
    parent: Options | None = None
