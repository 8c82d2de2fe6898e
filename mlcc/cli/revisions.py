"""Projects as commits have them.  Law: Git's plumbing and a private folder; nothing of a commit is run or checked out.

Of each project its own documents are written into a private folder, and the files that these name: what is read then
is what a checkout of the commit would give.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from mlcc import pipeline
from mlcc.cli import comparison_output as shown
from mlcc.cli.comparisons import of_revisions
from mlcc.cli.options import Values
from mlcc.cli.outcomes import Outcome, within
from mlcc.cli.projects import SKIPPED, read
from mlcc.cli.runs import Scope
from mlcc.cli.session import Session
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.core.tree import LOCK_NAME, Tree
from mlcc.io import git
from mlcc.io.disk.reader import present
from mlcc.io.disk.staging import fill, staging_folder
from mlcc.load import locate, named_paths, workspace
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.load.manifests import MANIFESTS
from mlcc.resolve.project import Project

# `A..B` and `A...B`; what is left out at the end is the files here.
RANGE = re.compile(r"(?!\.)(?P<first>[^\s]+?)(?P<dots>\.{2,3})(?P<second>[^\s.][^\s]*)?\Z")


class Commit(NamedTuple):
    """A commit by the words that name it, and its plain files."""

    words: str
    entries: Mapping[str, git.Entry]


class Revisions:
    """Two states of a repository that are compared."""

    def __init__(self, session: Session, words: str, envs: Sequence[str]) -> None:
        """words: `A..B`, `A...B`, or `A..` for the files here; envs: the environment that is shown, or none."""
        if len(envs) > 1:
            raise UsageError([error("MLCC901", "--env is given once where revisions are compared")])
        found = RANGE.match(words)
        if found is None or any((found[name] or "").startswith("-") for name in ("first", "second")):
            raise UsageError([error("MLCC901", f"{quoted(words)} names no two revisions: REV..REV")])
        self.session, self.env = session, envs[0] if envs and envs[0] != DEFAULT_ENVIRONMENT else None
        self.first_words, self.second_words = found["first"], found["second"] or ""
        self.parted = found["dots"] == "..."
        self._commits: tuple[Commit, Commit | None] | None = None

    def files(self, root: str) -> list[str]:
        """Every project of the two states."""
        first, second = self._read(root)
        names = {*_projects(first.entries), *(_projects(second.entries) if second is not None else ())}
        if second is None:
            from mlcc.cli.projects import below

            here, hidden = below(root)
            if hidden:
                raise UserError(hidden)
            names |= {*map(os.path.normpath, here)}
        return sorted(names)

    def _read(self, root: str) -> tuple[Commit, Commit | None]:
        """The commits, looked up once."""
        if self._commits is None:
            environ, other = self.session.environ, self.second_words or "HEAD"
            first = git.commit_of(root, environ, self.first_words, other if self.parted else "")
            second = None
            if self.second_words:
                name = git.commit_of(root, environ, self.second_words)
                second = Commit(self.second_words, git.entries(root, environ, name))
            self._commits = Commit(self.first_words, git.entries(root, environ, first)), second
        return self._commits

    def job(self, over: Scope) -> Callable[[str], Outcome]:
        """Compares one project.  over: names begin at the repository's root."""
        first, second = self._read(over.root)
        values = over.values._replace(
            extra=over.values.extra and os.path.abspath(over.values.extra),
            registries=tuple(map(os.path.abspath, over.values.registries)),
        )

        def compare(path: str) -> Outcome:
            path = os.path.normpath(path)
            if os.path.isabs(path):
                raise UserError([error("MLCC211", "the file is not below the repository's root", file=path)])
            if second is not None and not _touched(path, first, second):
                return Outcome(path, document=None) if over.many else self._compared(path, over, values, first, second)
            return self._compared(path, over, values, first, second)

        return compare

    def _compared(self, path: str, over: Scope, values: Values, first: Commit, second: Commit | None) -> Outcome:
        before = self._resolved(path, over.root, first, values)
        if second is not None:
            after = self._resolved(path, over.root, second, values)
        else:
            after = _Side.of(read(path, values, self.env), self.session.staging) if present(path) else _Side()
        if before.project is None and after.project is None:
            raise UserError([error("MLCC211", "neither revision has the project", file=printable(path, 300))])
        compared = of_revisions(before.project, after.project, (before.tree, after.tree))
        last = after.project if after.project is not None else before.project
        assert last is not None
        findings = over.findings(path, last) if after.project is not None else []
        return shown.print_two(self.session, path, compared, findings)

    def _resolved(self, path: str, root: str, commit: Commit, values: Values) -> _Side:
        """A project as a commit has it.  Its mistakes are named with the revision, as Git names files of one."""
        if path not in commit.entries:
            return _Side()
        with staging_folder(self.session.staging) as folder:
            fill(folder, {".git/HEAD": b"", **_documents(path, root, commit, self.session.environ)})
            try:
                with _standing(folder):
                    return _Side.of(read(path, values, self.env), self.session.staging)
            except UserError as problem:
                found = within(os.path.dirname(path), problem.findings, named_inside=False)
                words = printable(commit.words, 100)
                raise UserError([f._replace(file=f"{words}:{f.file}" if f.file else words) for f in found]) from None


class _Side(NamedTuple):
    """A project and what is rendered of it; nothing where there is no such project."""

    project: Project | None = None
    tree: Tree = EMPTY

    @classmethod
    def of(cls, project: Project, staging: Iterable[str]) -> _Side:
        """Raises UserError where the project has a mistake."""
        return cls(project, pipeline.render(project, staging))


@contextmanager
def _standing(folder: str) -> Iterator[None]:
    """Inside, names begin at a folder."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)


def _projects(entries: Iterable[str]) -> Iterator[str]:
    """The mlcc.yaml files among paths; the first of its names in a folder."""
    found: dict[str, str] = {}
    for path in entries:
        folder, _, name = path.rpartition("/")
        if name in locate.FILE_NAMES and not SKIPPED & {*folder.split("/")}:
            found[folder] = min(found.get(folder, path), path)
    yield from found.values()


def _touched(path: str, first: Commit, second: Commit) -> bool:
    """Whether a project could differ: a file of its folder does, or one that it might extend."""
    start = f"{os.path.dirname(path)}/" if os.path.dirname(path) else ""
    if first.entries == second.entries:
        return False
    different = {p for p, _ in first.entries.items() ^ second.entries.items()}
    return any(p.startswith(start) or p.endswith((".yaml", ".yml")) for p in different)


def _documents(path: str, root: str, commit: Commit, environ: Mapping[str, str]) -> dict[str, bytes]:
    """The files of a commit that reading a project opens, by path from the root."""
    folder = os.path.dirname(path)
    start = f"{folder}/" if folder else ""
    own = [path, *(f"{start}{name}" for name in (*MANIFESTS, LOCK_NAME))]
    found = git.contents(root, environ, {name: commit.entries[name] for name in own if name in commit.entries})
    base = named_paths.base(found.get(path, b""), folder)
    if base in commit.entries:
        found |= git.contents(root, environ, {base: commit.entries[base]})
    words = named_paths.of_documents({name: data for name, data in found.items() if not name.endswith(LOCK_NAME)})
    inside = {name: entry for name, entry in commit.entries.items() if name.startswith(start) and name not in found}
    wanted = {name: entry for name, entry in inside.items() if named_paths.names(words, name.removeprefix(start))}
    shared = _shared(root, commit, environ) if workspace.NAME in commit.entries else {}
    # what is larger than mlcc reads is there all the same
    return {**dict.fromkeys(wanted, b""), **shared, **found, **git.contents(root, environ, wanted)}


def _shared(root: str, commit: Commit, environ: Mapping[str, str]) -> dict[str, bytes]:
    """The workspace file, and the files of what it names."""
    name = workspace.NAME
    document = git.contents(root, environ, {name: commit.entries[name]}).get(name, b"")
    words = frozenset(workspace.named_in(document))
    wanted = {path: entry for path, entry in commit.entries.items() if named_paths.names(words, path)}
    return {**dict.fromkeys(wanted, b""), name: document, **git.contents(root, environ, wanted)}
