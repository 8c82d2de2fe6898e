"""What of a project a builder elsewhere gets.  Law: the container build's context, and no file that may hold a secret.

The archive is the same for the same files on every machine: no times, no owners, one order.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
from collections.abc import Iterator, Sequence

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.ignore_file import IgnoreFile
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.disk.reader import Directory
from mlcc.lifecycle.rendered_project import RenderedProject

IGNORE_FILE, BUILDSPEC = ".dockerignore", "buildspec.yml"
# What the builder itself reads, whatever .dockerignore says.
NEEDED = ("Dockerfile", IGNORE_FILE, BUILDSPEC)
# Never sent, whatever .dockerignore says.
STATE = (".git", ".mlcc")
# Files that hold keys by the programs that write them: shells, git, pip, npm, ssh, TLS, databases, clouds, docker.  The
# rendered .dockerignore names the same, and every hidden file, so that no builder gets them.
SECRET_NAME = re.compile(
    r"(?:^|/)(?:\.env(?:\..+)?|\.envrc|\.netrc|\.pypirc|\.npmrc|\.yarnrc\.yml|\.git-credentials|\.htpasswd|\.pgpass"
    r"|\.my\.cnf|\.s3cfg|\.boto|\.dockercfg|\.vault-token|id_(?:rsa|dsa|ecdsa|ed25519)|kubeconfig|credentials(?:\.json)?"
    r"|secrets\.(?:ya?ml|json|toml)|application_default_credentials\.json|service[-_]account.*\.json"
    r"|[^/]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|tfvars|tfstate))\Z"
    r"|(?:^|/)\.(?:aws|azure|ssh|gnupg|docker|kube|huggingface|gcloud)/|(?:^|/)\.config/gcloud/",
    re.IGNORECASE,
)
MAX_FILE, MAX_ALL = 1 << 30, 5 << 30
EPOCH = (1980, 1, 1, 0, 0, 0)


def is_built_elsewhere(project: RenderedProject) -> bool:
    """Whether do/submit builds the project: it is rendered with what the builder does."""
    return BUILDSPEC in project.lock.files


class Archive(NamedTuple):
    """A written archive: its path, the digest of its content, and the names of files that were left out as secrets."""

    path: str
    digest: str
    left_out: tuple[str, ...]


def write(project: RenderedProject, path: str) -> Archive:
    """Writes the context as a zip file.

    Raises PreconditionError for a file or a whole that is too large, Refused for what cannot be read.
    """
    left_out = list[str]()
    with (
        Directory(project.directory) as tree,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as made,
    ):
        left_out += ignored_secrets(tree)
        total = 0
        for name in files(tree):
            if SECRET_NAME.search(name):
                left_out.append(name)
                continue
            data, mode = tree.read(name, MAX_FILE, single_link=False) or (b"", 0)
            total += len(data)
            if total > MAX_ALL:
                message = f"the project has more than {MAX_ALL >> 30} GiB for the builder"
                hint = f"put the model into S3, or name what is not needed in {IGNORE_FILE}"
                raise PreconditionError([error("MLCC315", message, hint=hint)])
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = (stat.S_IFREG | (0o755 if mode & 0o111 else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, data)
    return Archive(path, digest_of(path), tuple(left_out))


def digest_of(path: str) -> str:
    """The SHA-256 of a file that mlcc wrote, in hexadecimal digits."""
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            found.update(chunk)
    return found.hexdigest()


def files(tree: Directory) -> list[str]:
    """The plain files of a project that its container build can see, in order; links are left out."""
    ignored = _ignored(tree)
    found = [name for name in NEEDED if _is_plain(tree, name)]
    found += [name for name in _below(tree, ignored) if not ignored(name) and _is_plain(tree, name)]
    return sorted(found)


def ignored_secrets(tree: Directory) -> list[str]:
    """Files with names of secrets that stand among what the build can see, and that .dockerignore keeps from it."""
    ignored = _ignored(tree)
    return sorted(n for n in _below(tree, ignored) if SECRET_NAME.search(n) and ignored(n) and _is_plain(tree, n))


def _below(tree: Directory, ignored: IgnoreFile) -> Iterator[str]:
    """What stands in the project, but for what the builder needs and for folders that are ignored as a whole."""
    for top in tree.names():
        if top not in NEEDED and top not in STATE and (not ignored(top) or ignored.has_exceptions):
            yield from tree.walk(top) if stat.S_ISDIR(tree.mode(top) or 0) else [top]


def _is_plain(tree: Directory, name: str) -> bool:
    mode = tree.mode(name)
    return mode is not None and stat.S_ISREG(mode)


def _ignored(tree: Directory) -> IgnoreFile:
    found = tree.read(IGNORE_FILE, 1 << 20)
    return IgnoreFile(found[0].decode("utf-8", "replace").splitlines() if found is not None else [])


def warning(left_out: Sequence[str]) -> str:
    """A sentence about the files that were left out; empty for none."""
    if not left_out:
        return ""
    more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    shown = ", ".join(printable(name, 100) for name in left_out[:3])
    return f"not sent, because of their names: {shown}{more}"
