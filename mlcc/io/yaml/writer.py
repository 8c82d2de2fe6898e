"""Plain data as YAML text.  Law: the same bytes with every library version; every YAML reader reads them back exactly.

Locks and rendered documents are committed and compared byte for byte, so their layout must not follow a library's
taste; that is why they are written here and not by ruamel.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from mlcc.core.text import INVISIBLE
from mlcc.core.value_text import scalar_text

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_./@-]*\Z")
_RESERVED = re.compile(r"(?:true|false|null|yes|no|on|off|y|n)\Z", re.IGNORECASE)
_UNSAFE = f'["\\\\{INVISIBLE}]'
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def quote(text: str) -> str:
    """Text as a double-quoted YAML scalar that every YAML version reads back exactly."""
    if not (text.isascii() and text.isprintable()) or '"' in text or "\\" in text:
        text = re.sub(_UNSAFE, _quote_char, text)
    return f'"{text}"'


def _quote_char(match: re.Match[str]) -> str:
    point = ord(match[0])
    wide = f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
    return _SHORT.get(match[0]) or (f"\\x{point:02x}" if point < 0x100 else wide)


def scalar(value: Any) -> str:
    """One scalar as YAML; text is bare only where no reader can take it for something else."""
    if value is None:
        return "null"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return scalar_text(value)
    return value if _BARE.match(value) and not _RESERVED.match(value) else quote(value)


def emit(value: Any, indent: int = 0) -> Iterator[str]:
    """Plain data as lines of block YAML, in the order given.  The same bytes with every library version."""
    pad = "  " * indent
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                yield f"{pad}{scalar(key)}:"
                yield from emit(item, indent + 1)
            else:
                yield f"{pad}{scalar(key)}: {_empty(item)}"
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and item:
                first, *rest = emit(item, indent + 1)
                yield f"{pad}- {first.lstrip(' ')}"
                yield from rest
            elif isinstance(item, list) and item:
                yield f"{pad}- {flow(item)}"
            else:
                yield f"{pad}- {_empty(item)}"
    else:
        yield pad + scalar(value)


def _empty(value: Any) -> str:
    return "{}" if value == {} and isinstance(value, dict) else "[]" if isinstance(value, list) else scalar(value)


def flow(value: Any) -> str:
    """Plain data on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)


def _float(value: float) -> str:
    """A number with a dot and a signed exponent, as every YAML version wants it."""
    if math.isinf(value) or math.isnan(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    mantissa, e, exponent = repr(value).partition("e")
    return f"{mantissa}{'' if '.' in mantissa or not e else '.0'}{e}{exponent}"


def dump(value: Any) -> str:
    """A whole document as text, ending in a newline."""
    if isinstance(value, (dict, list)) and not value:
        return flow(value) + "\n"
    return "\n".join(emit(value)) + "\n"
