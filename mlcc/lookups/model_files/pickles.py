"""Pickles and joblib files, read without being loaded.  Law: no name in the file is imported, nothing is called.

A pickle is a program that makes objects.  Here its instructions make records instead: a global is its name, a call is
the name with its arguments, and a state is kept beside them.  Arrays are passed over, but for short ones of texts.
Formats: Python's pickletools, and joblib's numpy_pickle.py (an array's bytes follow the record that announces it).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterable
from typing import Any

from mlcc.lookups.model_files.found import TooMuch, Unreadable
from mlcc.lookups.model_files.packed_files import Stream, unpacked
from mlcc.lookups.model_files.pickled_values import (
    MAX_TEXT,
    Array,
    Name,
    Skipped,
    Thing,
    hashed,
    is_array,
    length,
    made,
    of_dtype,
    plain_array,
    unpacked_values,
)

MAX_STEPS, MAX_KEPT, MAX_DEPTH = 1_000_000, 4 << 20, 8
MARK = object()
OPERATIONS = {operation.code: operation for operation in pickletools.opcodes}
# Bytes of an array that is looked into.
MAX_SHORT = 1 << 14
WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
# Instructions with a length in front of their bytes: its size, and whether the bytes are a text.
BULK = {
    "BINBYTES": (4, False), "BINBYTES8": (8, False), "BYTEARRAY8": (8, False), "SHORT_BINBYTES": (1, False),
    "BINUNICODE": (4, True), "BINUNICODE8": (8, True), "SHORT_BINUNICODE": (1, True),
    "BINSTRING": (4, True), "SHORT_BINSTRING": (1, True), "LONG1": (1, False), "LONG4": (4, False),
}  # fmt: skip


class Machine:
    """One program, and what it would have made."""

    def __init__(self, stream: Stream, depth: int = 0) -> None:
        """stream: of the file's bytes, unpacked; depth: of a pickle in a pickle, as joblib writes arrays of objects."""
        self._stream, self._depth = stream, depth
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self.names: set[str] = set()
        if depth > MAX_DEPTH:
            raise TooMuch(f"it has more than {MAX_DEPTH} pickles, one in another")

    def run(self) -> Any:
        """The object at the end.  Raises Unreadable for what is no pickle."""
        try:
            while True:
                self._stream.count(1, MAX_STEPS, "instructions")
                operation = OPERATIONS.get(self._stream.read(1).decode("latin-1"))
                if operation is None:
                    raise Unreadable(f"byte {self._stream.tell()}: it is no pickle")
                if operation.name == "STOP":
                    return self._stack.pop()
                self._do(operation.name, self._argument(operation))
        except (IndexError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as problem:
            if isinstance(problem, Unreadable):
                raise
            raise Unreadable(f"byte {self._stream.tell()}: it is no pickle") from None

    def _argument(self, operation: Any) -> Any:
        if operation.name in BULK:
            width, text = BULK[operation.name]
            size = int.from_bytes(self._stream.read(width), "little")
            if size > MAX_TEXT:
                self._stream.skip(size)
                return Skipped(size)
            data = self._kept(self._stream.read(size))
            if operation.name.startswith("LONG"):
                return int.from_bytes(data, "little", signed=True)
            return data.decode("utf-8", "replace") if text else data
        return self._kept(operation.arg.reader(self._stream)) if operation.arg is not None else None

    def _kept(self, value: Any) -> Any:
        """Counts a text that stays in memory."""
        if isinstance(value, (str, bytes)):
            self._stream.count(len(value), MAX_KEPT, "bytes of texts")
        return value

    # ------------------------------------------------------------ instructions
    def _do(self, name: str, argument: Any) -> None:
        if name in ("PROTO", "FRAME", "STOP", "READONLY_BUFFER"):
            return
        if name in CONSTANTS:
            self._stack.append(CONSTANTS[name])
        elif name in COLLECTIONS:
            self._stack.append(COLLECTIONS[name](self._marked()))
        elif name in EMPTY:
            self._stack.append(EMPTY[name]())
        elif name in STEPS:
            STEPS[name](self, argument)
        elif argument is not None:
            self._stack.append(argument)
        else:
            raise Unreadable(f"it has the instruction {name}, which models have not")

    def _marked(self) -> list[Any]:
        """Takes all that lies on the stack above the last mark."""
        at = len(self._stack) - 1
        while self._stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise IndexError("no mark")
        found = self._stack[at + 1 :]
        del self._stack[at:]
        return found

    def _global(self, dotted: str) -> None:
        self.names.add(dotted)
        self._stack.append(Name(dotted))

    def _reduce(self) -> None:
        arguments, called = self._stack.pop(), self._stack.pop()
        self._stack.append(made(called, arguments))

    def _build(self) -> None:
        state = self._stack.pop()
        thing = self._stack[-1]
        if not isinstance(thing, Thing):
            return  # an object of a kind that is kept as it is
        if thing.name == WRAPPER:
            self._replace(thing, self._follows(state))
        elif is_array(thing) and isinstance(state, tuple) and len(state) >= 5:
            self._replace(thing, plain_array(state))
        else:
            thing.state = state

    def _replace(self, thing: Thing, array: Array) -> None:
        """Puts an array in the place of the record that announced it, also where that was remembered."""
        self._stack[-1] = array
        if thing.memo >= 0:
            self._memo[thing.memo] = array

    def _follows(self, state: Any) -> Array:
        """joblib: the array's bytes, or a pickle of its objects, come next in the file."""
        shape, dtype = tuple(state["shape"]), state["dtype"]
        kind, size = of_dtype(dtype)
        if kind == "O":
            inner = Machine(self._stream, self._depth + 1)
            found = inner.run()
            self.names |= inner.names
            return found if isinstance(found, Array) else Array(shape, kind, None)
        if state.get("numpy_array_alignment_bytes") is not None:
            self._stream.skip(self._stream.read(1)[0])
        total = length(shape, size)
        if total <= MAX_SHORT:
            return Array(shape, kind, unpacked_values(self._kept(self._stream.read(total)), kind, size))
        self._stream.skip(total)
        return Array(shape, kind, None)

    def _put(self, key: Any) -> None:
        found = self._memo[int(key)] = self._stack[-1]
        if isinstance(found, Thing):
            found.memo = int(key)

    def _items(self) -> None:
        pairs = self._marked()
        if isinstance(self._stack[-1], dict):
            self._stack[-1].update(zip(map(hashed, pairs[::2]), pairs[1::2], strict=True))

    def _extend(self, values: Iterable[Any]) -> None:
        if isinstance(self._stack[-1], (list, set)):
            add = self._stack[-1].append if isinstance(self._stack[-1], list) else self._stack[-1].add
            for value in values:
                add(value if isinstance(self._stack[-1], list) else hashed(value))

    def _set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        if isinstance(self._stack[-1], dict):
            self._stack[-1][hashed(key)] = value

    def _take_away(self, count: int) -> tuple[Any, ...]:
        found = tuple(self._stack[len(self._stack) - count :])
        if len(found) < count:
            raise IndexError("an empty stack")
        del self._stack[len(self._stack) - count :]
        return found

    def _stack_global(self) -> None:
        module, name = self._take_away(2)
        self._global(f"{module}.{name}")

    def _new(self, count: int) -> None:
        called, arguments, *_ = self._take_away(count)
        self._stack.append(made(called, arguments))

    def _instance(self, dotted: str) -> None:
        self.names.add(dotted)
        self._stack.append(Thing(dotted, tuple(self._marked())))

    def _object(self) -> None:
        called, *arguments = self._marked()
        self._stack.append(made(called, tuple(arguments)))


CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": MARK, "NEXT_BUFFER": Skipped(0)}
EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set, "EMPTY_TUPLE": tuple}
COLLECTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "LIST": list,
    "TUPLE": tuple,
    "FROZENSET": lambda values: frozenset(map(hashed, values)),
    "DICT": lambda pairs: dict(zip(map(hashed, pairs[::2]), pairs[1::2], strict=True)),
}
STEPS: dict[str, Callable[[Machine, Any], None]] = {
    "GLOBAL": lambda m, text: m._global(str(text).replace(" ", ".")),
    "STACK_GLOBAL": lambda m, _: m._stack_global(),
    "REDUCE": lambda m, _: m._reduce(),
    "BUILD": lambda m, _: m._build(),
    "NEWOBJ": lambda m, _: m._new(2),
    "NEWOBJ_EX": lambda m, _: m._new(3),
    "INST": lambda m, text: m._instance(str(text).replace(" ", ".")),
    "OBJ": lambda m, _: m._object(),
    "PUT": lambda m, key: m._put(key),
    "BINPUT": lambda m, key: m._put(key),
    "LONG_BINPUT": lambda m, key: m._put(key),
    "MEMOIZE": lambda m, _: m._put(len(m._memo)),
    "GET": lambda m, key: m._stack.append(m._memo[int(key)]),
    "BINGET": lambda m, key: m._stack.append(m._memo[int(key)]),
    "LONG_BINGET": lambda m, key: m._stack.append(m._memo[int(key)]),
    "POP": lambda m, _: m._stack.pop(),
    "POP_MARK": lambda m, _: m._marked().clear(),
    "DUP": lambda m, _: m._stack.append(m._stack[-1]),
    "APPEND": lambda m, _: m._extend([m._stack.pop()]),
    "APPENDS": lambda m, _: m._extend(m._marked()),
    "ADDITEMS": lambda m, _: m._extend(m._marked()),
    "SETITEM": lambda m, _: m._set_item(),
    "SETITEMS": lambda m, _: m._items(),
    "TUPLE1": lambda m, _: m._stack.append(m._take_away(1)),
    "TUPLE2": lambda m, _: m._stack.append(m._take_away(2)),
    "TUPLE3": lambda m, _: m._stack.append(m._take_away(3)),
}


def read(path: str) -> tuple[Any, set[str]]:
    """What the program of a pickle would make, and the name of every class and function in it.

    Raises Unreadable for what is no pickle, OSError for no file.
    """
    with unpacked(path) as stream:
        machine = Machine(stream)
        return machine.run(), machine.names
