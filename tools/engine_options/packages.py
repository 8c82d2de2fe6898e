"""Single files of a published wheel: the index that pip is configured for, read over HTTP range requests.

Law: nothing is installed, run or kept; of a wheel only its table of contents and the members asked for are fetched.
"""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from urllib.parse import urldefrag, urljoin

BLOCK = 1 << 16  # bytes fetched at least
LIMIT = 1 << 25  # bytes of one member at most
_LINK = re.compile(r'<a\s[^>]*?href="([^"]+)"[^>]*>\s*([^<]+?)\s*</a>')


def index() -> str:
    """The simple index: the environment, pip's files, then what pip itself would ask."""
    found = os.environ.get("PIP_INDEX_URL", "")
    if not found:
        command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not found:
        from pip._internal.models.index import PyPI

        found = PyPI.simple_url
    return found.rstrip("/") + "/"


def files(package: str) -> Mapping[str, tuple[str, str]]:
    """File name: (address, sha256) of every file of a package."""
    page = urljoin(index(), f"{package}/")
    with urllib.request.urlopen(page, timeout=120) as answer:  # noqa: S310
        page, text = answer.url, answer.read(LIMIT).decode()
    found = {}
    for link, name in _LINK.findall(text):
        address, digest = urldefrag(urljoin(page, html.unescape(link)))
        found[html.unescape(name)] = (address, digest.removeprefix("sha256="))
    return found


def wheel(found: Mapping[str, tuple[str, str]], version: str) -> str:
    """The name of the wheel to read: the pure one, else one for x86_64."""
    wheels = sorted(n for n in found if n.endswith(".whl") and n.split("-")[1] == version)
    fitting = [n for n in wheels if n.endswith("-none-any.whl")] or [n for n in wheels if n.endswith("x86_64.whl")]
    if not fitting:
        raise LookupError(f"no wheel of {version}")
    return fitting[0]


class Remote(io.RawIOBase):
    """A seekable file behind an address; one block is kept in memory."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.place = 0
        self.start, self.block = 0, b""
        self.size = int(self._ask("bytes=-1", 1)[1])

    def _ask(self, span: str, most: int) -> tuple[bytes, str]:
        request = urllib.request.Request(self.address, headers={"Range": span})  # noqa: S310
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            if answer.status != 206:
                raise OSError("the index answers no range requests")
            return answer.read(most), answer.headers["Content-Range"].rpartition("/")[2]

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self.place

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves there; nothing is fetched."""
        self.place = offset + (0, self.place, self.size)[whence]
        return self.place

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, from the block in memory or as one request."""
        rest = self.size - self.place
        size = rest if size < 0 else min(size, rest)
        if size <= 0:
            return b""
        if size > LIMIT:
            raise OSError(f"{size} bytes are more than this tool reads at once")
        inside = self.place - self.start
        if not 0 <= inside <= len(self.block) - size:
            most = min(max(size, BLOCK), rest)
            self.start = self.place
            self.block = self._ask(f"bytes={self.place}-{self.place + most - 1}", most)[0]
            inside = 0
            if len(self.block) != most:
                raise OSError("the index broke off")
        self.place += size
        return self.block[inside : inside + size]

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def,override]
        """What `io` asks of a raw file."""
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


class Wheel:
    """The Python sources in one wheel, by module name."""

    def __init__(self, address: str) -> None:
        self.zip = zipfile.ZipFile(Remote(address))  # type: ignore[arg-type]
        self.names = tuple(self.zip.namelist())

    def text(self, module: str) -> tuple[str, bool] | None:
        """The module's source and whether it is a package."""
        path = module.replace(".", "/")
        for name, package in ((f"{path}.py", False), (f"{path}/__init__.py", True)):
            if name in self.names:
                return self.zip.read(name).decode(), package
        return None

    def every(self) -> Iterator[str]:
        """All Python sources; meant for small wheels."""
        for name in self.names:
            if name.endswith(".py"):
                yield self.zip.read(name).decode()
