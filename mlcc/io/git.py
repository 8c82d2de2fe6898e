"""Git.  Law: the only module that runs it, and nothing that a repository's configuration names is run with it.

A checkout may come from a stranger, and so may its .git/config, hooks and attributes.  So only plumbing is used, which
prints no patch, runs no text converter or filter, and asks nobody; protocols are off, so that an object which is absent
is not fetched through a program or from a host; replace objects, monitors, hooks, pagers and locks are off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.core.tree import MAX_FILE_BYTES, MAX_TOTAL_BYTES
from mlcc.io import programs
from mlcc.io.disk.observer import REFUSED, note
from mlcc.io.disk.reader import Directory, Refused

TIMEOUT_S = 60
# Variables of Git's that the operator may set: which folders are trusted, and where the search for one ends.
OPERATORS = (
    "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_CEILING_DIRECTORIES",
)  # fmt: skip
OPERATORS_BEGINNINGS = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
OFF = {
    "GIT_ALLOW_PROTOCOL": "none",  # of all transports; Git 2.36 to 2.43 has no other way to forbid lazy fetches
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",  # names of folders come from the checkout
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_PAGER": "cat",
    "LC_ALL": "C.UTF-8",
}
# What a repository's own configuration could name a program by, and what of it could reach such a one.
OVERRIDDEN = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.alternateRefsCommand": "",
    "core.askPass": "",
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.pager": "cat",
    "core.editor": "false",
    "credential.helper": "",
    "diff.external": "",
    "gpg.program": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
}


def changed_since(root: str, commit: str, environ: Mapping[str, str]) -> list[str]:
    """Paths below a repository's root that differ between a commit and HEAD (what is not committed: `uncommitted`).

    environ: the caller's.  Raises UserError where Git cannot compare them (MLCC211), PreconditionError without Git.
    """
    plumbing = ("diff-tree", "-r", "--name-only", "-z", "--no-ext-diff", "--no-textconv", "--no-renames")
    done = run_git(root, environ, *plumbing, commit, "HEAD", "--")
    if done.code:
        first = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ").partition("\n")[0]
        why = printable(first.rstrip("."), 200)
        raise UserError([error("MLCC211", f"git cannot compare {quoted(commit)} with HEAD: {why}")])
    return [p for p in done.stdout.decode("utf-8", "surrogateescape").split("\0") if p]


# Files that are compared with the commit for uncommitted work.
MAX_UNCOMMITTED = 100_000


def uncommitted(root: str, environ: Mapping[str, str], paths: Iterable[str]) -> list[str]:
    """Files below some paths of a repository that are not as HEAD has them: changed, deleted, or new and not ignored.

    paths: of files and folders, `.` for the root itself.  Files are compared here and not by Git, which would run a
    filter that the repository's configuration names.  Raises UserError where Git cannot say (MLCC211).
    """
    wanted = set(paths)
    below = [] if "." in wanted or len(wanted) > MAX_PATHS else sorted(wanted)
    tracked = run_git(root, environ, "ls-tree", "-r", "-z", "HEAD", "--", *below)
    new = run_git(root, environ, "ls-files", "--others", "--exclude-standard", "-z", "--", *below)
    for done in (tracked, new):
        if done.code:
            first = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ").partition("\n")[0]
            message = f"git cannot say what is not committed: {printable(first.rstrip('.'), 200)}"
            raise UserError([error("MLCC211", message)])
    entries = [entry.partition(b"\t") for entry in tracked.stdout.split(b"\0") if entry]
    if len(entries) > MAX_UNCOMMITTED:
        raise UserError([error("MLCC211", f"more than {MAX_UNCOMMITTED:,} files would have to be compared")])
    changed = [entry[2] for entry, differs in zip(entries, _differing(root, entries), strict=True) if differs]
    every = [*changed, *(name for name in new.stdout.split(b"\0") if name)]
    return [name.decode("utf-8", "surrogateescape") for name in every]


# Arguments for one command.
MAX_PATHS = 200
# Files of a merge that Git left unfinished; beyond so many a person decides.
MAX_UNMERGED = 2000
PLAIN_MODES = (b"100644", b"100755")


def unmerged(folder: str, environ: Mapping[str, str]) -> dict[str, dict[int, bytes]]:
    """The files below a folder that a merge left undecided, by path from there: 1 the ancestor, 2 ours, 3 theirs.

    Plain files only, up to MAX_FILE_BYTES each and MAX_TOTAL_BYTES together.  Empty where there is no repository, no
    Git, or no such merge.
    """
    try:
        listed = run_git(folder, environ, "ls-files", "--unmerged", "-z", "--", ".")
    except PreconditionError:
        return {}
    entries = [e for e in listed.stdout.split(b"\0") if e] if not listed.code else []
    stages: list[tuple[str, int, bytes]] = []
    for entry in entries[:MAX_UNMERGED]:
        about, _, path = entry.partition(b"\t")
        mode, name, stage = about.split(b" ")
        if mode in PLAIN_MODES:
            stages.append((path.decode("utf-8", "surrogateescape"), int(stage), name))
    return _by_stage(stages, _blobs(folder, environ, [name for _, _, name in stages])) if stages else {}


def merge_commits(folder: str, environ: Mapping[str, str], paths: Iterable[str]) -> dict[str, dict[int, bytes]]:
    """Files as they are in the commits of a merge that is not committed yet, in the shape of `unmerged`.

    Empty where there is no repository, no Git, or no such merge.
    """
    files = [path for path in paths if "\n" not in path][:MAX_UNMERGED]
    try:
        parted = run_git(folder, environ, "merge-base", "HEAD", "MERGE_HEAD")
    except PreconditionError:
        return {}
    if parted.code not in (0, 1) or not files:  # 1: the two have no common ancestor
        return {}
    commits = {2: b"HEAD", 3: b"MERGE_HEAD"} | ({1: parted.stdout.split()[0]} if not parted.code else {})
    asked = [(file, stage, commit) for file in files for stage, commit in commits.items()]
    lines = b"".join(commit + b":./" + file.encode("utf-8", "surrogateescape") + b"\n" for file, _, commit in asked)
    named = run_git(folder, environ, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=lines).stdout
    answers = zip(asked, named.split(b"\n"), strict=False)
    there = [(file, stage, line[:-5]) for (file, stage, _), line in answers if line.endswith(b" blob")]
    return _by_stage(there, _blobs(folder, environ, [name for _, _, name in there]))


class Head(NamedTuple):
    """The commit that a checkout stands on; dirty: a file of the folder that was asked for is not as committed."""

    commit: str
    dirty: bool


# Files of a folder that are compared with the commit; a folder of more counts as changed.
MAX_COMPARED = 5000


def head(folder: str, environ: Mapping[str, str]) -> Head | None:
    """The commit of the repository around a folder; None where there is none, or no Git.

    Files are compared here and not by Git, which would run a filter that the repository's configuration names.  A file
    that the commit does not have is no difference, unless the commit has none of the folder at all.
    """
    try:
        named = run_git(folder, environ, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if named.code:
            return None
        listed = run_git(folder, environ, "ls-tree", "-r", "-z", "HEAD")
    except PreconditionError:
        return None
    entries = [entry.partition(b"\t") for entry in listed.stdout.split(b"\0") if entry]
    dirty = not entries or len(entries) > MAX_COMPARED or any(_changed_files(folder, entries))
    return Head(named.stdout.decode("ascii", "replace").strip(), dirty)


def _changed_files(folder: str, entries: Iterable[tuple[bytes, bytes, bytes]]) -> Iterator[bool]:
    """Of each plain file of a tree whether the folder's is another one."""
    return _differing(folder, [entry for entry in entries if entry[0].split(b" ")[0] in PLAIN_MODES])


def _differing(folder: str, entries: Iterable[tuple[bytes, bytes, bytes]]) -> Iterator[bool]:
    """Of each file of a tree whether the folder's is another one; a difference of line ends is none.

    What is no plain file in the tree (a link, another repository) is not compared.
    """
    with Directory(folder) as tree:
        for about, _, path in entries:
            mode, _, name = about.split(b" ")
            if mode not in PLAIN_MODES:
                yield False
                continue
            try:
                found = tree.read(path.decode("utf-8", "surrogateescape"), MAX_FILE_BYTES, single_link=False)
            except Refused:
                found = None
            data = found[0] if found is not None else b""
            yield found is None or name not in (_blob(data, len(name)), _blob(data.replace(b"\r\n", b"\n"), len(name)))


def _blob(data: bytes, digits: int) -> bytes:
    """The name that Git gives to a file's content."""
    made = hashlib.new("sha256" if digits == 64 else "sha1", usedforsecurity=False)
    made.update(b"blob %d\0" % len(data) + data)
    return made.hexdigest().encode()


def _by_stage(stages: Iterable[tuple[str, int, bytes]], blobs: Mapping[bytes, bytes]) -> dict[str, dict[int, bytes]]:
    """Path, stage and object's name to the bytes by path and stage, of the objects that there are."""
    found: dict[str, dict[int, bytes]] = {}
    for file, number, name in stages:
        if name in blobs:
            found.setdefault(file, {})[number] = blobs[name]
    return found


def _blobs(folder: str, environ: Mapping[str, str], names: Iterable[bytes]) -> dict[bytes, bytes]:
    """The bytes of objects by name, of those that are there and within the caps."""
    asked = b"".join(name + b"\n" for name in dict.fromkeys(names))
    sizes = run_git(folder, environ, "cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked)
    taken, total = list[bytes](), 0
    for line in sizes.stdout.splitlines():
        name, _, size = line.partition(b" ")
        if size.isdigit() and int(size) <= MAX_FILE_BYTES and total + int(size) <= MAX_TOTAL_BYTES:
            taken.append(name)
            total += int(size)
    data = run_git(folder, environ, "cat-file", "--batch", stdin=b"".join(name + b"\n" for name in taken)).stdout
    found, at = dict[bytes, bytes](), 0
    while (end := data.find(b"\n", at)) >= 0:
        name, _, size = data[at:end].split(b" ")
        found[name] = data[end + 1 : end + 1 + int(size)]
        at = end + 1 + int(size) + 1
    return found


def run_git(root: str, environ: Mapping[str, str], *arguments: str, stdin: bytes = b"") -> programs.Finished:
    """Runs one plumbing command of Git in a folder.  The caller makes sure that no argument is taken for an option."""
    note(REFUSED, (), None)  # a replay could not know whether Git would answer the same
    overridden = [word for name, value in OVERRIDDEN.items() for word in ("-c", f"{name}={value}")]
    argv = ["git", "--no-pager", "--no-optional-locks", "--no-replace-objects", *overridden, "-C", root, *arguments]
    return programs.run(argv, environ=surroundings(environ), timeout_s=TIMEOUT_S, stdin=stdin)


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that Git gets: the caller's, of Git's own only those that an operator sets, and OFF."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("GIT_", "SSH_ASKPASS")) or name in OPERATORS or name.startswith(OPERATORS_BEGINNINGS)
    }
    return {**kept, **OFF}
