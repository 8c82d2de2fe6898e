"""What is rendered, what is on disk, what was recorded.  Law: stdlib only, frozen data.

Three words, never mixed: *desired* is the tree that the config renders now, *observed* is what the disk holds,
*recorded* is what the last apply wrote down (the base tree and the lock).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mlcc.core.records import NamedTuple

MANAGED, SEED = "managed", "seed"
BASE_DIR = ".mlcc/base"
LOCK_NAME = "mlcc.lock"
# A file larger than this is not merged and not read to be compared.
MAX_FILE_BYTES = 8 * 1024 * 1024
LOCK_MAX_BYTES = 256 * 1024
# Of one project: a cap for each file alone would let many of them fill the memory.
MAX_TOTAL_BYTES = 64 * 1024 * 1024


def digest(data: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Rendered(NamedTuple):
    """A desired file: its bytes, permission bits, and owner (`managed` or `seed`)."""

    data: bytes
    mode: int = 0o644
    owner: str = MANAGED


class OnDisk(NamedTuple):
    """An observed plain file."""

    data: bytes
    mode: int = 0o644


class Record(NamedTuple):
    """What the lock says of a file.

    digest: of the rendered bytes; edited: of the bytes on disk where they differ, REMOVED when the file was taken away,
    STAYS_DELETED when its user decided so for good, else empty; executable: whether its owner may run it, where that is
    not as `mode` says, else None.
    """

    owner: str
    mode: int
    digest: str
    edited: str = ""
    executable: bool | None = None


# The bit that Git keeps; the others follow the umask of a checkout.
OWNER_EXECUTES = 0o100
REMOVED, STAYS_DELETED = "removed", "stays-deleted"

Tree = Mapping[str, Rendered]
"""Desired files by their path relative to the target, with `/` between components."""


def changed_x(mode: int, rendered: int) -> bool | None:
    """Whether a file's owner may run it, where that is not as it was rendered; else None."""
    return bool(mode & OWNER_EXECUTES) if (mode ^ rendered) & OWNER_EXECUTES else None


def is_binary(data: bytes) -> bool:
    """True for bytes that are not lines of text: they are neither rendered nor merged."""
    return b"\0" in data
