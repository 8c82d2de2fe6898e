"""A model of the project on an image that was not built from it: packed, and sent to S3.  Law: equal files, one name.

With an image of its own (`build.image_uri`) nothing copies `./model` into the image, so SageMaker unpacks it into
/opt/ml/model.  The archive's name is a digest of its content: what is there already is not sent again.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from typing import Any

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.s3 import S3
from mlcc.io.disk.reader import Directory
from mlcc.io.disk.staging import staging_folder
from mlcc.lifecycle.context import Context, call
from mlcc.lifecycle.engine_login import STAGING
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker.bodies.model import PATH, is_sent
from mlcc.lifecycle.targets.sagemaker.facts import Artifact, Facts

ARCHIVE, FOLDER = "model.tar.gz", "mlcc"
DATA_TYPE, COMPRESSION = "S3Object", "Gzip"
MAX_FILE, MAX_ALL = 1 << 30, 5 << 30
# Hexadecimal digits of a model's content in its address.
DIGITS = 16
# Of a bucket that this caller may not ask.
CLOSED = ("403", "AccessDenied", "Forbidden")


def names(project: RenderedProject) -> list[str]:
    """The models of the project that lie in it and that its image does not hold."""
    if not is_sent(project):
        return []
    found = (str(v) for p, v in project.values.items() if p == ("model", "name") or p[-1] == "model")
    return sorted({name for name in found if name.startswith(PATH)})


def sent(context: Context, caller: Caller, place: Facts, send: bool = True) -> Facts:
    """Facts with the addresses of the project's own models, which are sent where they are not there yet.

    send: False to look only.  Raises PreconditionError where no bucket is known, or a model is too large; Refused where
    a link stands in a model.
    """
    wanted = names(context.project)
    if not wanted:
        return place
    bucket = _bucket(context)
    s3, found = S3(caller, place.account), dict(place.artifacts)
    for name in wanted:
        key = f"{_prefix(context.project)}{_digest(context.project, name)}/{ARCHIVE}"
        if send and next(s3.objects(bucket, key, 1), None) is None:
            _send(context, s3, name, bucket, key)
        found[name] = Artifact(f"s3://{bucket}/{key}", DATA_TYPE, COMPRESSION)
    return place._replace(artifacts=found)


def _send(context: Context, s3: S3, name: str, bucket: str, key: str) -> None:
    with staging_folder((context.environ.get("TMPDIR", ""), *STAGING)) as folder:
        path = os.path.join(folder, ARCHIVE)
        _write(context.project, name, path)
        size = os.path.getsize(path) / 1e6
        context.progress.say(f"sending {printable(name, 200)} ({size:.1f} MB) to s3://{bucket}/{key}")
        with open(path, "rb") as stream:
            s3.put(bucket, key, stream)


def remove(context: Context, caller: Caller, place: Facts) -> dict[str, bool]:
    """Deletes what was sent for the project, by now or before its model was another; answers proofs, as do/clean lists
    them.
    """
    profile = context.profile
    bucket = profile.buckets.models if profile is not None else ""
    if not bucket:
        return {}
    try:
        return _removed(context, S3(caller, place.account), bucket)
    except AwsError as problem:
        if names(context.project) or problem.code not in CLOSED:
            raise
        # who sends no model need not be allowed to look for one
        context.progress.say(f"s3://{bucket}/{_prefix(context.project)} was not looked at: {printable(problem.code)}")
        return {}


def _removed(context: Context, s3: S3, bucket: str) -> dict[str, bool]:
    if not s3.has_bucket(bucket):
        return {}
    prefix = _prefix(context.project)
    for one in list(s3.objects(bucket, prefix, 10_000)):
        context.progress.say(f"DeleteObject s3://{bucket}/{printable(one.key, 300)}: a model that was sent")
        s3.delete(bucket, one.key)
    return {"no model that was sent is left in S3": next(s3.objects(bucket, prefix, 1), None) is None}


def removals(context: Context) -> list[dict[str, Any]]:
    """The calls that take it away, as a dry run shows them."""
    profile = context.profile
    if profile is None or not profile.buckets.models or not names(context.project):
        return []
    key = f"{_prefix(context.project)}{'0' * DIGITS}/{ARCHIVE}"
    return [call("s3", "DeleteObject", Bucket=profile.buckets.models, Key=key)]


def _prefix(project: RenderedProject) -> str:
    return f"{FOLDER}/{project.name}/{project.environment_name}/"


def _bucket(context: Context) -> str:
    profile = context.profile
    if profile is None or not profile.buckets.models:
        message = "no bucket is known for a model of the project, which the image does not hold"
        hint = "mlcc bootstrap deploy core makes one; or send it yourself, and mlcc set model.name s3://..."
        raise PreconditionError([error("MLCC320", message, hint=hint)])
    return profile.buckets.models


def _digest(project: RenderedProject, name: str) -> str:
    """Digits that change with a model's files and their names, whatever packs them."""
    found = hashlib.sha256()
    for inside, data in _files(project, name):
        found.update(f"{len(inside)} {inside} {len(data)} ".encode("utf-8", "surrogateescape") + data)
    return found.hexdigest()[:DIGITS]


def _write(project: RenderedProject, name: str, path: str) -> None:
    """Writes the archive."""
    with (
        open(path, "wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for inside, data in _files(project, name):
            entry = tarfile.TarInfo(inside)
            entry.size, entry.mode = len(data), 0o644
            made.addfile(entry, io.BytesIO(data))


def _files(project: RenderedProject, name: str) -> Iterator[tuple[str, bytes]]:
    """The files of a model with their names in the archive: a file by its own name, a folder by what is below it."""
    where = name.removeprefix(PATH).rstrip("/")
    with Directory(project.directory) as tree:
        mode = tree.mode(where)
        if mode is None:
            message = f"{printable(name, 200)} is not there"
            raise PreconditionError([error("MLCC305", message, hint="put the model there, or correct model.name")])
        total = 0
        listed = sorted(tree.walk(where)) if stat.S_ISDIR(mode) else [where]
        for path in listed:
            data, _ = tree.read(path, MAX_FILE, single_link=False) or (b"", 0)
            total += len(data)
            if total > MAX_ALL:
                message = f"{printable(name, 200)} has more than {MAX_ALL >> 30} GiB"
                raise PreconditionError([error("MLCC315", message, hint="send it to S3 yourself: model.name s3://...")])
            yield (path.removeprefix(f"{where}/") if stat.S_ISDIR(mode) else path.rpartition("/")[2]), data
