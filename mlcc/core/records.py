"""Named tuples, made fast.  Law: as `typing.NamedTuple` in all but its annotations, which stay texts.

A run makes a hundred classes and instances of a third of them.  `typing` compiles the annotation of each field, for
what only type checkers read, and a constructor for each class; here a constructor is compiled when it is first used.
The two took a tenth of a first apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from collections import namedtuple

    try:  # what a named tuple reads its fields by
        from _collections import _tuplegetter as _field
    except ImportError:
        from operator import itemgetter

        def _field(index: int, words: str) -> property:
            return property(itemgetter(index), doc=words)

    class _Constructor:
        """`__new__` of a record before it is first looked up, which puts that of a named tuple in its place."""

        def __set_name__(self, owner: type, name: str) -> None:
            self.owner = owner

        def __get__(self, instance: object, owner: type) -> Any:
            record = self.owner
            made = namedtuple(record.__name__, record._fields, defaults=record._field_defaults.values()).__new__
            made.__annotations__ = record.__annotations__
            record.__new__ = staticmethod(made)
            return made

    def _make(cls: type, values: Any) -> Any:
        """A record of the values of its fields, in order."""
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self: Any, /, **values: Any) -> Any:
        """The record with other values of the fields that are named."""
        made = self._make(map(values.pop, self._fields, self))
        if values:
            raise ValueError(f"Got unexpected field names: {[*values]!r}")
        return made

    def _asdict(self: Any) -> dict[str, Any]:
        """The values by the names of their fields."""
        return dict(zip(self._fields, self, strict=False))

    def _repr(self: Any) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=False))
        return f"{type(self).__name__}({shown})"

    METHODS = {
        "__slots__": (),
        "_make": classmethod(_make),
        "_replace": _replace,
        "_asdict": _asdict,
        "__repr__": _repr,
        "__getnewargs__": lambda self: tuple(self),
    }

    class _Meta(type):
        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.get("__annotations__", {})
            defaults = {field: body[field] for field in fields if field in body}
            if [*defaults] != [*fields][len(fields) - len(defaults) :]:
                raise TypeError(f"{name}: a field without a default follows one with a default")
            if any(field.startswith("_") for field in fields):
                raise ValueError(f"{name}: field names cannot start with an underscore")
            names = (*fields,)
            namespace = {"__doc__": f"{name}({', '.join(names)})", **METHODS, "__new__": _Constructor(), **body}
            namespace |= {"_fields": names, "_field_defaults": defaults, "__match_args__": names}
            namespace |= {field: _field(index, f"Alias for field number {index}") for index, field in enumerate(names)}
            return type(name, (tuple,), {"__annotations__": fields, **namespace})

    class NamedTuple(metaclass=_Meta):
        """The base of a record; a class below it is a plain tuple with names."""
