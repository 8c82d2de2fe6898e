"""G8 and G11 (docs/guarantees.md): mlcc.lock, .mlcc/base and a journal come from the checkout and are not trusted.

Random forgeries of all three: paths that lead elsewhere, digests of what users have, shapes that are no lock.  Whatever
they say, apply changes only what a layer can produce, deletes only what mlcc wrote, and never ends in a traceback.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc.core.errors import UserError
from mlcc.core.tree import digest
from mlcc.plan import lock
from tests.helpers import build_tree
from tests.stress.faults import copied, figure, mlcc, run, tree

CONFIG = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\nenvironments: {prod: {ttl: 2d}}\n"
FOREIGN = {
    "project/notes.txt": "mine\n", "project/code/extra.py": "mine = 1\n", "project/do/mine": "mine\n",
    "project/.github/workflows/ci.yml": "on: push\n", "project/.git/config": "[core]\n", "project/do/env/notes.txt": "x\n",
    "project/.mlcc/notes": "mine\n", "outside/victim": "theirs\n", "outside/do/config": "theirs\n",
}  # fmt: skip
CHUNK = 250


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an applied project, files of the user's in it, and files of others beside it."""
    place = tmp_path_factory.mktemp("forged") / "stage"
    build_tree(place, {**FOREIGN, "project/mlcc.yaml": CONFIG})
    assert run(mlcc("apply", "-q"), place / "project").code == 0
    return place


def paths(place: Path, chance: random.Random) -> str:
    """A path that a forger would write down."""
    inside = chance.choice([p for p in FOREIGN if p.startswith("project/")]).removeprefix("project/")
    return chance.choice(
        [
            inside, f"./{inside}", f"do/../{inside}", inside.replace("/", "//"), "../outside/victim", "/etc/passwd",
            str(place / "outside/victim"), "do/env/../../../outside/victim", "mlcc.yaml", ".mlcc/notes", "", ".", "..", "do",
            "do/env/notes.txt", "do/env/../config", "do/env/prod.conf\n", "do/ic/..conf", "do/env/.conf", "x" * 5000, "\ud800x",
            "-rf", "do/config/x", "CON", "do/env/prod.conf/", "\x1b[2J",
        ]
    )  # fmt: skip


def odd(chance: random.Random) -> Any:
    """A value that does not belong."""
    return chance.choice(
        [None, True, -1, 1e400, 10**30, "", "x" * 300, [], {}, [[[]]], {"a": {"b": {}}}, "\x00", "0888"]
    )


def forged(place: Path, project: Path, chance: random.Random) -> None:
    """Writes a forged lock, base and journal into a copy of the project."""
    document = yaml.safe_load((project / "mlcc.lock").read_text())
    for _ in range(chance.randrange(1, 6)):
        path = paths(place, chance)
        victim = project / path if "\0" not in path and len(path) < 200 and "\ud800" not in path else project / "x"
        data = victim.read_bytes() if victim.is_file() else b"mine\n"
        entry = {
            "owner": chance.choice(["managed", "seed"]),
            "mode": chance.choice(["0644", "0755", "0000"]),
            "digest": digest(data),
        }
        if chance.random() < 0.1:
            entry[chance.choice(list(entry))] = odd(chance)
        document["files"][path] = entry
        safe = path.encode("utf-8", "replace").decode().strip("/").replace("..", "")
        target = project / ".mlcc/base" / safe
        if safe and len(safe) < 200 and not target.exists() and (not target.parent.exists() or target.parent.is_dir()):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            except OSError:
                pass  # a file stands where a folder would have to be
    if chance.random() < 0.3:
        document[chance.choice(list(document))] = odd(chance)
    text = json.dumps(document) if chance.random() < 0.5 else yaml.safe_dump(document, allow_unicode=False)
    if chance.random() < 0.2:
        cut = chance.randrange(len(text))
        text = (
            text[:cut]
            + chance.choice(["", "\x00", "&a *a", "<<: ", "\t", "- ", "!!python/name:os.system "])
            + text[cut + 1 :]
        )
    (project / "mlcc.lock").write_bytes(text.encode("utf-8", "surrogatepass"))
    if chance.random() < 0.5:
        entries = {
            paths(place, chance): [
                chance.choice([None, digest(b"mine\n"), digest(b"x"), odd(chance)]) for _ in range(4)
            ] + [chance.choice([0o644, 0o755, odd(chance)])]
            for _ in range(chance.randrange(1, 4))
        }  # fmt: skip
        journal = json.dumps(
            {"version": 1, "stage": chance.choice(["stage-1", "stage-2", "..", 3]), "entries": entries}
        )
        build_tree(
            project, {".mlcc/txn/journal.json": journal, ".mlcc/txn/stage-1/d0": "evil\n", ".mlcc/txn/x": "evil"}
        )


@pytest.mark.parametrize("chunk", range(figure(1000 // CHUNK, 1)))
def test_a_forgery_changes_nothing_that_is_not_mlcc_s(stage: Path, chunk: int) -> None:
    count, codes = figure(CHUNK, 5), list[int]()
    honest = {f"project/{p}" for p in tree(stage / "project")} - set(FOREIGN)
    for number in range(count):
        place = copied(stage, stage.parent / "hurt")
        project = place / "project"
        chance = random.Random(chunk * CHUNK + number)
        forged(place, project, chance)
        for argv in (["plan"], ["apply", "-q", *chance.choice([[], ["--force"], ["--merge"]])], ["do", "validate"]):
            outcome = run(mlcc(*argv), project)
            what = f"forgery {chunk * CHUNK + number}, {argv}: {outcome.output_text}"
            assert "Traceback" not in outcome.output_text, what
            assert outcome.code in (0, 1, 2, 3), what
            assert not set(outcome.output_text) & set("\x00\x1b\r"), what
        after = tree(place)
        for path, text in FOREIGN.items():
            assert after[path][0].decode() == text, f"forgery {chunk * CHUNK + number} touched {path}"
        new = (
            {p for p in after if not p.startswith("project/.mlcc/") and ".mlcc-saved" not in p} - honest - set(FOREIGN)
        )
        assert not {p for p in new if not p.endswith(".printed")}, f"forgery {chunk * CHUNK + number} made {new}"
        codes.append(outcome.code)
    print(f"\n{count} forgeries from {chunk * CHUNK}: 0 foreign files touched")


def mutations(data: bytes, chance: random.Random) -> bytes:
    """A file with some of its bytes changed, moved, doubled or cut."""
    body = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(body) + 1)
        end = min(len(body), at + chance.randrange(1, 40))
        change: Callable[[], object] = chance.choice(
            [
                lambda: body.__setitem__(slice(at, end), b""),  # noqa: B023
                lambda: body.__setitem__(slice(at, at), body[at:end] * 3),  # noqa: B023
                lambda: body.__setitem__(slice(at, end), bytes(chance.randrange(256) for _ in range(3))),  # noqa: B023
                lambda: body.__setitem__(slice(at, at), chance.choice(WORDS)),  # noqa: B023
                lambda: body.__setitem__(slice(at, len(body)), b""),  # noqa: B023
            ]
        )
        change()
    return bytes(body)


WORDS = [b"\n", b": ", b"{", b"}", b"[", b"]", b"&a ", b"*a", b"<<: *a", b"!!int ", b"|", b">-", b"'", b'"', b"#", b"---\n", b"null", b"~",
         b"1e999", b"0x", b"yes", b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xc2\x85", b"  ", b"\t", b"%TAG ! x\n", b"?", b"-"]  # fmt: skip


def judged(data: bytes) -> str:
    """`lock`, or the code of what is wrong."""
    try:
        return "lock" if isinstance(lock.read_lock(data), lock.Lock) else "neither"
    except UserError as refused:
        return refused.findings[0].code


def test_mutated_locks_are_locks_or_findings(stage: Path) -> None:
    data = (stage / "project/mlcc.lock").read_bytes()
    chance = random.Random("locks")
    count, locks = figure(2000, 60), 0
    for number in range(count):
        found = judged(mutations(data, chance))
        assert found in ("lock", "MLCC205"), f"mutation {number}"
        locks += found == "lock"
    print(f"\n{count} mutated locks: {locks} still locks, {count - locks} findings, 0 tracebacks")
