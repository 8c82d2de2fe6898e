"""The ends of lines of a file on disk.  Law: pure; content is compared with `\\n`, and a file keeps the ends it has.

A checkout may have `\\r\\n` where mlcc renders `\\n` (Git's core.autocrlf).  That is no edit: such a file is compared
and merged as if it had `\\n`, and what is written to it gets `\\r\\n` again.
"""

from __future__ import annotations

from mlcc.core.tree import is_binary


def has_crlf(data: bytes) -> bool:
    r"""True when most lines of a text end with `\r\n`: an editor may have added others."""
    crlf = data.count(b"\r\n")
    return bool(crlf) and 2 * crlf > data.count(b"\n") and crlf == data.count(b"\r") and not is_binary(data)


def to_lf(data: bytes) -> bytes:
    r"""A text of `\r\n` lines with `\n` instead; any other bytes as they are."""
    return data.replace(b"\r\n", b"\n") if has_crlf(data) else data


def to_crlf(data: bytes) -> bytes:
    r"""A text of `\n` lines with `\r\n` instead."""
    return data.replace(b"\n", b"\r\n")
