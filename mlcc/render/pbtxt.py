"""A model of a Triton repository as its config.pbtxt.  Law: pure; fields in one order, texts escaped, nothing guessed.

The text is protobuf's text format of NVIDIA's ModelConfig; which fields there are, of which types and in which order,
is the table of triton_config.yaml.  What a model does not say is left out, so that Triton completes it from the model's
file where the backend can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.registries import triton_config
from mlcc.registries.triton_config import FLOATS, ROOT, Field
from mlcc.resolve.triton.models import ModelConfig

HEADER = "# mlcc: rendered from mlcc.yaml; edit freely, mlcc apply merges\n"
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def quoted(text: str) -> str:
    r"""A text as protobuf reads it back: quotes, backslashes and controls escaped, other characters as UTF-8 in octal.

    >>> print(quoted('a "b"\né'))
    "a \"b\"\n\303\251"
    """
    return f'"{"".join(_SHORT.get(c) or _plain(c) for c in text)}"'


def _plain(character: str) -> str:
    if " " <= character <= "~":
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))


def render(model: ModelConfig) -> str:
    """The text of config.pbtxt."""
    return HEADER + "".join(f"{line}\n" for line in document_lines(model.fields))


# ---------------------------------------------------------------- messages
def document_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a document: fields in the shape of the protobuf.  A list of messages stands in brackets."""
    for field, value in _known(ROOT, fields):
        if field.repeated and not _is_scalar(field):
            yield from _list(field.name, [_message(field.type, each) for each in value])
        else:
            yield from _lines(field, value, top=True)


def _known(message: str, fields: Mapping[str, Any]) -> Iterator[tuple[Field, Any]]:
    """The fields that are set, in the table's order."""
    for field in triton_config.table().messages[message].values():
        if field.name in fields:
            yield field, fields[field.name]


def _message(message: str, fields: Mapping[str, Any]) -> list[str]:
    """The lines between the braces of a message."""
    return [line for field, value in _known(message, fields) for line in _lines(field, value)]


def _lines(field: Field, value: Any, top: bool = False) -> list[str]:
    """The lines of one field.  top: it is not in another message."""
    if field.key:
        entries = [_entry(field, key, each) for key, each in sorted(value.items())]
        return [line for lines in entries for line in _braced(field.name, lines, top=True)]
    if _is_scalar(field):
        text = _scalars(field, value) if field.repeated else _scalar(field.type, value)
        return [f"{field.name}: {text}"]
    messages: Sequence[Any] = value if field.repeated else [value]
    return [line for each in messages for line in _braced(field.name, _message(field.type, each), top)]


def _entry(field: Field, key: Any, value: Any) -> list[str]:
    lines = [f"key: {_scalar(field.key, key)}"]
    if field.type in triton_config.table().messages:
        return lines + _braced("value", _message(field.type, value))
    return [*lines, f"value: {_scalar(field.type, value)}"]


def _braced(name: str, inner: Sequence[str], top: bool = False) -> list[str]:
    """A message with its name.  One that is in another one stands in one line where it has no more than that."""
    if not inner or (len(inner) == 1 and not top):
        return [f"{name} {{ {inner[0]} }}" if inner else f"{name} {{}}"]
    return [f"{name} {{", *(f"  {line}" for line in inner), "}"]


def _list(name: str, messages: Sequence[Sequence[str]]) -> Iterator[str]:
    """A repeated message as one list."""
    if messages:
        yield f"{name} ["
        for number, lines in enumerate(messages):
            yield "  {"
            yield from (f"    {line}" for line in lines)
            yield "  }" if number == len(messages) - 1 else "  },"
        yield "]"


# ---------------------------------------------------------------- values
def _is_scalar(field: Field) -> bool:
    return field.type not in triton_config.table().messages


def _scalars(field: Field, values: Iterable[Any]) -> str:
    return f"[{', '.join(_scalar(field.type, value) for value in values)}]"


def _scalar(kind: str, value: Any) -> str:
    """A value as protobuf reads it."""
    if kind == "string":
        return quoted(str(value))
    if kind == "bool":
        return "true" if value else "false"
    if kind in triton_config.table().enums:
        return str(value)
    return str(float(value)) if kind in FLOATS else str(int(value))
