"""Records are what `typing.NamedTuple` makes, but for the annotations."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import typing

import pytest

from mlcc.core import records


def record(base: typing.Any, name: str) -> typing.Any:
    """The same class below each base."""

    class Record(base):
        """A record."""

        first: int
        second: str = "b"
        third: tuple[str, ...] = ()

        @property
        def both(self) -> str:
            """Two fields."""
            return f"{self.first}{self.second}"

        @classmethod
        def of(cls, text: str) -> typing.Any:
            """From text."""
            return cls(len(text), text)

        def __str__(self) -> str:
            return self.both

    Record.__name__ = Record.__qualname__ = name
    return Record


def refused(call: typing.Callable[[], typing.Any]) -> str:
    """How a call fails."""
    with pytest.raises((TypeError, ValueError)) as failed:
        call()
    return str(failed.value)


Ours, Theirs = record(records.NamedTuple, "Ours"), record(typing.NamedTuple, "Theirs")

SEEN = {
    "fields": lambda record: record._fields,
    "defaults": lambda record: record._field_defaults,
    "bases": lambda record: record.__bases__,
    "module": lambda record: record.__module__,
    "words": lambda record: record.__doc__,
    "match": lambda record: record.__match_args__,
    "slots": lambda record: record.__slots__,
    "signature": lambda record: [(p.name, p.default, p.kind) for p in inspect.signature(record).parameters.values()],
    "hints": typing.get_type_hints,
    "values": lambda record: [*record(1, third=("x",))],
    "printed": lambda record: (str(record(1)), repr(record(1)).partition("(")[2]),
    "methods": lambda record: (record.of("abc").both, record.of("abc")._replace(first=9)._asdict()),
    "equal": lambda record: (record(1) == (1, "b", ()), hash(record(1)), record(1) < record(2)),
    "copied": lambda record: tuple(copy.deepcopy(pickle.loads(pickle.dumps(record(7))))),
    "wrong names": lambda record: refused(lambda: record(1)._replace(nothing=2)),
    "few values": lambda record: (record._make([1, "c", ()]), refused(lambda: record._make([1]))),
    "field words": lambda record: record.first.__doc__,
    "instances": lambda record: (isinstance(record(1), record), isinstance(record(1), tuple), callable(record)),
}


@pytest.mark.parametrize("new", [False, True], ids=["used", "new"])
@pytest.mark.parametrize("what", SEEN)
def test_a_record_is_a_named_tuple(what: str, new: bool) -> None:
    ours = record(records.NamedTuple, "Ours") if new and what != "copied" else Ours
    assert SEEN[what](ours) == SEEN[what](Theirs)


@pytest.mark.parametrize(
    ("call", "problem"), [(Ours, "first"), (functools.partial(Ours, 1, nothing=2), "nothing")], ids=["few", "unknown"]
)
def test_a_record_takes_its_fields_only(call: typing.Any, problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        call()


BAD = "class Bad(base):\n    first: int = 1\n    second: int"


@pytest.mark.parametrize("base", [records.NamedTuple, typing.NamedTuple])
def test_a_field_without_a_default_does_not_follow_one_with_a_default(base: type) -> None:
    with pytest.raises(TypeError, match="default"):
        exec(BAD, {"base": base, "__name__": __name__})


@pytest.mark.parametrize("base", [records.NamedTuple, typing.NamedTuple])
def test_a_field_does_not_start_with_an_underscore(base: type) -> None:
    with pytest.raises(ValueError, match="underscore"):
        exec("class Bad(base):\n    _first: int", {"base": base, "__name__": __name__})


def test_a_constructor_is_compiled_when_it_is_first_used() -> None:
    new = record(records.NamedTuple, "New")
    before = vars(new)["__new__"]
    assert new(1).__new__ is new.__new__ is vars(new)["__new__"].__func__
    assert before is not vars(new)["__new__"]


def test_a_record_without_words_shows_its_fields() -> None:
    class Bare(records.NamedTuple):
        first: int
        second: int = 0

    class Same(typing.NamedTuple):
        first: int
        second: int = 0

    assert (Bare.__doc__, Bare.__qualname__) == (
        Same.__doc__.replace("Same", "Bare"),
        Same.__qualname__.replace("Same", "Bare"),
    )
