"""G2 (docs/guarantees.md): a failing disk does not leave a half-written tree.

Each call that changes the disk fails once with ENOSPC, EIO or EACCES.  Before the commit point the old tree stands,
byte for byte, and no temporary file; after it the message says that the next apply finishes, and it does.  Either way:
exit 1, one finding, no traceback.
"""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.stress.faults import Fault, copied, figure, mlcc, run, tree
from tests.stress.test_kill import TXN, Stage, apply, chosen, staged

ERRORS = {"full": errno.ENOSPC, "broken": errno.EIO, "denied": errno.EACCES}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One transition, with files that come, change and go."""
    return staged(tmp_path_factory.mktemp("disk") / "backend", "backend")


@pytest.mark.parametrize("kind", ERRORS)
def test_each_call_fails_once(stage: Stage, kind: str) -> None:
    old, new = tree(stage.old), tree(stage.new)
    before = after = 0
    # one of them well before the commit point, whatever the sample holds
    for point in sorted({*chosen(stage, 10_000, 4), stage.commit // 2}):
        hurt = copied(stage.old, stage.folder / "hurt")
        argv = ("apply", "-q", "-f", "../new.yaml", "-C", ".")
        outcome = run(mlcc(*argv), hurt, Fault(point, ERRORS[kind]))
        what = f"{kind} at {point}: {outcome.output_text}"
        assert "Traceback" not in outcome.output_text, what
        assert outcome.output_text.count("\n") <= 3, what
        if outcome.code == 0:
            # what failed was tidying up, which nobody has to know of
            assert tree(hurt, without=TXN) == tree(stage.new, without=TXN), what
        elif (hurt / ".mlcc/txn/journal.json").exists():
            assert outcome.code == 1, what
            assert "run mlcc apply again" in outcome.output_text, what
            after += 1
        else:
            assert outcome.code == 1, what
            assert tree(hurt) == old, what
            assert "nothing was changed" in outcome.output_text, what
            before += 1
        assert apply(hurt, "new") == 0, what
        assert tree(hurt) == new, what
    assert before
    print(f"\n{kind}: {before} before the commit point (old tree stands), {after} after it (finished by the next)")


def test_a_small_disk(tmp_path: Path) -> None:
    """The limit on a file's size stands for a disk that is full from the first byte: nothing is written at all."""
    import resource

    place = tmp_path / "small"
    place.mkdir()
    (place / "mlcc.yaml").write_text("version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\n")

    def limited() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256))
        return mlcc("apply", "-q", "-f", "mlcc.yaml", "-C", "out")()

    for _ in range(figure(5, 1)):
        outcome = run(limited, place)
        assert outcome.code == 1, outcome
        assert "Traceback" not in outcome.output_text
        assert not (place / "out/Dockerfile").exists()
