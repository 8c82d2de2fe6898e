"""A model of a Triton repository as its config.pbtxt.  Law: pure; fields in one order, texts escaped, nothing guessed.

The text is protobuf's text format of NVIDIA's ModelConfig.  What a model does not say is left out, so that Triton
completes it from the model's file where the backend can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlcc.resolve.triton.models import ModelConfig, Tensor

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
    return HEADER + "".join(f"{line}\n" for line in _lines(model))


def _lines(model: ModelConfig) -> Iterator[str]:
    yield f"name: {quoted(model.name)}"
    if model.platform:
        yield f"platform: {quoted(model.platform)}"
    yield f"backend: {quoted(model.backend)}"
    if model.max_batch_size is not None:
        yield f"max_batch_size: {model.max_batch_size}"
    yield from _list("input", map(_tensor, model.inputs))
    yield from _list("output", map(_tensor, model.outputs))
    yield from _list("instance_group", map(_group, model.instance_group))
    if model.dynamic_batching is not None:
        yield from _message("dynamic_batching", _batching(model.dynamic_batching))
    for key, value in sorted(model.parameters.items()):
        yield from _message("parameters", [f"key: {quoted(key)}", f"value {{ string_value: {quoted(value)} }}"])


def _tensor(tensor: Tensor) -> list[str]:
    lines = [f"name: {quoted(tensor.name)}"]
    if tensor.data_type:
        lines.append(f"data_type: {tensor.data_type}")
    if tensor.dims is not None:
        lines.append(f"dims: {_numbers(tensor.dims)}")
    if tensor.reshape is not None:
        lines.append(f"reshape {{ shape: {_numbers(tensor.reshape)} }}")
    return lines + [f"{key}: true" for key in ("optional", "allow_ragged_batch") if getattr(tensor, key)]


def _group(group: Mapping[str, Any]) -> list[str]:
    lines = [f"count: {group['count']}"] if "count" in group else []
    lines += [f"kind: {group['kind']}"] if "kind" in group else []
    return lines + ([f"gpus: {_numbers(group['gpus'])}"] if group.get("gpus") else [])


def _batching(batching: Mapping[str, Any]) -> list[str]:
    sizes, delay = batching.get("preferred_batch_size"), batching.get("max_queue_delay_microseconds")
    lines = [f"preferred_batch_size: {_numbers(sizes)}"] if sizes else []
    return lines + ([f"max_queue_delay_microseconds: {delay}"] if delay is not None else [])


def _numbers(numbers: Iterable[int]) -> str:
    return f"[{', '.join(str(n) for n in numbers)}]"


def _message(name: str, lines: Iterable[str]) -> list[str]:
    inner = [f"  {line}" for line in lines]
    return [f"{name} {{", *inner, "}"] if inner else [f"{name} {{}}"]


def _list(name: str, messages: Iterable[list[str]]) -> Iterator[str]:
    """A repeated message as one list."""
    found = list(messages)
    if found:
        yield f"{name} ["
        for number, lines in enumerate(found):
            yield "  {"
            yield from (f"    {line}" for line in lines)
            yield "  }" if number == len(found) - 1 else "  },"
        yield "]"
