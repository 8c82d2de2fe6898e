"""A file's bytes from the first to the last, unpacked where compressed.  Law: nothing is kept, and all is counted."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

from mlcc.lookups.model_files.found import MAX_BYTES, TooMuch, Unreadable, opened

# What is unpacked has a limit of its own: a small file may hold any number of zeros.
MAX_UNPACKED = 4 << 30
CHUNK, MAX_LINE = 1 << 20, 1 << 16
# By the first bytes of the file (joblib's numpy_pickle_utils.py); LZ4 needs a library that is not here.
PACKED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZ": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00": partial(lzma.LZMAFile, format=lzma.FORMAT_ALONE),
    b"x": lambda raw: Inflated(raw),
}
LZ4 = b"\x04\x22\x4d\x18"


class Inflated:
    """zlib's stream as a file: joblib's usual compression, without a header of gzip."""

    def __init__(self, raw: IO[bytes]) -> None:
        """raw: the compressed bytes."""
        self._raw, self._unpack, self._held = raw, zlib.decompressobj(), b""

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        while len(self._held) < size and not self._unpack.eof:
            data = self._unpack.unconsumed_tail or self._raw.read(1 << 16)
            if not data:
                break
            self._held += self._unpack.decompress(data, CHUNK)
        found, self._held = self._held[:size], self._held[size:]
        return found


class Stream:
    """A file that is read once, from its beginning: what pickletools reads arguments from."""

    def __init__(self, raw: IO[bytes], limit: int, size: int = -1) -> None:
        """limit: bytes that are read at most; size: of a file that can be read from any place, else -1."""
        self._raw, self._at, self._limit, self._size = raw, 0, limit, size
        self._counts: dict[str, int] = {}

    def count(self, number: int, limit: int, what: str) -> None:
        """Counts pieces of work on this file, wherever in it.  Raises TooMuch beyond the limit."""
        total = self._counts[what] = self._counts.get(what, 0) + number
        if total > limit:
            raise TooMuch(f"it has more than {limit:,} {what}, which is the most that mlcc reads")

    def tell(self) -> int:
        """Bytes that were read."""
        return self._at

    def read(self, size: int) -> bytes:
        """Exactly so many bytes.  Raises Unreadable at the end, and TooMuch beyond the limit."""
        self._at += size
        if self._at > self._limit:
            raise TooMuch(f"it unpacks to more than {self._limit:,} bytes, which is the most that mlcc reads")
        found = bytes(self._raw.read(size))
        if len(found) < size:
            raise Unreadable(f"byte {self._at - size + len(found)}: the file ends here")
        return found

    def readline(self) -> bytes:
        """A line with its end; an argument of the oldest kind of pickle."""
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self.read(1)
            if len(line) > MAX_LINE:
                raise TooMuch(f"it has a line of more than {MAX_LINE:,} bytes, which is the most that mlcc reads")
        return bytes(line)

    def skip(self, size: int) -> None:
        """Passes over bytes; their number is not negative."""
        if self._size >= 0:
            self._at += size
            if self._at > self._size:
                raise Unreadable(f"byte {self._size}: the file ends here")
            self._raw.seek(self._at)
            return
        while size > 0:
            part = min(size, CHUNK)
            self.read(part)
            size -= part


@contextmanager
def unpacked(path: str) -> Iterator[Stream]:
    """The bytes of a plain file; of a compressed one, what was compressed."""
    with opened(path) as fd, open(fd, "rb", closefd=False) as raw:
        first = raw.peek(8)[:8]
        if first.startswith(LZ4):
            raise Unreadable("it is compressed with LZ4, which mlcc does not read; joblib.dump has others")
        opener = next((make for magic, make in PACKED.items() if first.startswith(magic)), None)
        try:
            size = os.fstat(fd).st_size
            yield Stream(raw, MAX_BYTES, size) if opener is None else Stream(opener(raw), MAX_UNPACKED)
        except (zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError) as problem:
            raise Unreadable(f"it does not unpack: {problem}") from None
