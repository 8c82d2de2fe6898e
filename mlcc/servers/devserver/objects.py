"""Objects of S3, and what is unpacked of them.  Law: whose they are is an argument; an archive stays in its folder."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Sequence
from typing import IO, Protocol, TypeVar

from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.s3 import S3, split_uri
from mlcc.servers.devserver.copies import Unavailable

Result = TypeVar("Result")


class Objects(Protocol):
    """S3, by `s3://bucket/key`.  Raises Unavailable where it does not answer."""

    def read(self, uri: str) -> bytes | None:
        """An object's bytes; None where there is none."""

    def write(self, uri: str, data: bytes) -> None:
        """Writes an object."""

    def below(self, prefix: str) -> Sequence[str]:
        """The addresses of the objects that begin with a prefix, sorted."""


class Guarded:
    """Objects whose errors are Unavailable, in the words of who gave them."""

    def __init__(self, objects: Objects) -> None:
        """objects: raises AwsError."""
        self._objects = objects

    def read(self, uri: str) -> bytes | None:
        """An object's bytes."""
        return self._tried(lambda: self._objects.read(uri))

    def write(self, uri: str, data: bytes) -> None:
        """Writes an object."""
        self._tried(lambda: self._objects.write(uri, data))

    def below(self, prefix: str) -> Sequence[str]:
        """The addresses of objects."""
        return self._tried(lambda: self._objects.below(prefix))

    @staticmethod
    def _tried(work: Callable[[], Result]) -> Result:
        try:
            return work()
        except AwsError as problem:
            raise Unavailable(problem.message) from None


# Bytes of one object, and objects below one prefix, that are read.
MAX_OBJECT, MOST = 5 << 30, 100_000


class S3Objects:
    """S3 as it answers beside this server."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection to it."""
        self._s3 = S3(caller)

    def read(self, uri: str) -> bytes | None:
        """An object's bytes; None where there is none."""
        return self._s3.get(*split_uri(uri), MAX_OBJECT)

    def write(self, uri: str, data: bytes) -> None:
        """Writes an object."""
        self._s3.put(*split_uri(uri), data)

    def below(self, prefix: str) -> Sequence[str]:
        """The addresses of the objects that begin with a prefix, sorted; no markers of folders."""
        bucket, start = split_uri(prefix)
        keys = (one.key for one in self._s3.objects(bucket, start, MOST))
        return sorted(f"s3://{bucket}/{key}" for key in keys if not key.endswith("/"))


def unpacker(objects: Callable[[], Objects | None], folder: str) -> Callable[[str], str]:
    """Makes folders of model data: `s3://.../model.tar.gz`, or a prefix that ends in a slash.

    objects: asked for S3 when it is needed; folder: where the folders are made.  What it returns raises Unavailable.
    """

    def unpacked(uri: str) -> str:
        store = objects()
        if store is None:
            raise Unavailable(f"{uri}: this server has no S3 beside it")
        place = os.path.join(folder, hashlib.sha256(uri.encode()).hexdigest()[:16])
        found = {name: store.read(name) for name in (store.below(uri) if uri.endswith("/") else [uri])}
        if not found or None in found.values():
            raise Unavailable(f"{uri}: there is no such object")
        try:
            os.makedirs(place, mode=0o700, exist_ok=True)
            for name, data in found.items():
                _put(place, name.removeprefix(uri) if uri.endswith("/") else name.rpartition("/")[2], data or b"")
        except OSError as problem:
            raise Unavailable(f"{uri}: {problem.strerror}") from None
        return place

    return unpacked


def _put(place: str, name: str, data: bytes) -> None:
    """One object below a folder; of an archive its plain files, and no links."""
    if not name.endswith((".tar.gz", ".tgz")):
        _write(place, name, io.BytesIO(data))
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is not None:
                    _write(place, member.name, stream)
    except (tarfile.TarError, OSError, EOFError) as problem:
        raise Unavailable(f"{name}: {problem}") from None


def _write(place: str, name: str, source: IO[bytes]) -> None:
    path = os.path.normpath(os.path.join(place, name))
    if not path.startswith(place + os.sep):
        raise Unavailable(f"{name}: leads out of its folder")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as stream:
        shutil.copyfileobj(source, stream)
