"""G1, G4 and G6 (docs/guarantees.md): a killed apply leaves the old tree, the new one, or one that is refused.

The kill comes at any call that changes the disk.  Each point: a fresh copy of the old tree; apply to the new
configuration, killed; then no file is torn, the user's files and the folder beside are as they were, a half-applied
tree is refused by do/, and both another `apply` of the new and of the old configuration give exactly the new and the
old tree.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.stress.faults import FULL, HALF, KILL, Fault, copied, figure, mlcc, run, swept, tree

HEAD = "version: 1\nproject: {name: iris}\n"
PLAIN = "deployment: {config: http-flask}\n"
MANY = (
    "inference_components: [{name: a}, {name: b, copy_count: 2}]\nadapters: [{name: x, base: a, artifact_url: 's3://bucket/adapter.tar.gz'}]\n"
    "environments: {dev: {ttl: 1d}, prod: {deployment: {instance_count: 3}, env: {A: '2'}}}\n"
)
# Old (None: nothing was ever applied) and new configuration.
TRANSITIONS: dict[str, tuple[str | None, str]] = {
    "first": (None, HEAD + PLAIN),
    "many": (HEAD + PLAIN, HEAD + "deployment: {config: http-fastapi}\n" + MANY),
    "fewer": (HEAD + "deployment: {config: http-fastapi}\n" + MANY, HEAD + PLAIN),
    "framework": (HEAD + PLAIN, HEAD + PLAIN + "model: {format: ubj}\nframework: {name: xgboost}\n"),
    "values": (HEAD + PLAIN + "env: {A: '1', OLD: x}\n", HEAD + PLAIN + "env: {A: '2', NEW: " + "y" * 1000 + "}\n"),
    "components": (
        HEAD + PLAIN + "inference_components: [{name: one}, {name: two}, {name: three}]\n",
        HEAD + PLAIN + "inference_components: [{name: one}, {name: four}, {name: five}, {name: six}]\n",
    ),
    "backend": (HEAD + PLAIN, HEAD + "deployment: {config: http-nginx}\nenvironments: {prod: {ttl: 2d}}\n"),
    "target": (HEAD + PLAIN, HEAD + "deployment: {config: http-flask, target: local}\nttl: 3d\n"),
}
USERS = {"notes.txt": "mine\n", "code/extra.py": "x = 1\n", "do/mine": "#!/bin/sh\n"}
TXN = (".mlcc/txn",)


class Stage(NamedTuple):
    """The trees of a transition: folders with the old and the new tree, how many calls the step makes, its commit point."""

    folder: Path
    old: Path
    new: Path
    calls: int
    commit: int


def apply(folder: Path, which: str, fault: Fault | None = None) -> int:
    """Applies one of the two configurations, which lie beside the target."""
    outcome = run(mlcc("apply", "-q", "-f", f"../{which}.yaml", "-C", "."), folder, fault)
    assert "Traceback" not in outcome.output_text, outcome.output_text
    return outcome.code


def staged(place: Path, name: str) -> Stage:
    """Both trees of a transition, and the number of points at which it can be killed."""
    place.mkdir()
    old, new = TRANSITIONS[name]
    (place / "old.yaml").write_text(old or "")
    (place / "new.yaml").write_text(new)
    for which in ("old", "new"):
        (place / which).mkdir()
        for path, text in USERS.items():
            (place / which / path).parent.mkdir(exist_ok=True)
            (place / which / path).write_text(text)
    for which in ("old", "new") if old else ():
        assert apply(place / which, "old") == 0
    swept()
    counted = run(mlcc("apply", "-q", "-f", "../new.yaml", "-C", "."), place / "new")
    assert counted.code == 0, counted.output_text
    assert apply(place / "new", "new") == 0
    return Stage(place, place / "old", place / "new", counted.calls, counted.commit)


@pytest.fixture(scope="module", params=TRANSITIONS if FULL else ["many"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One transition."""
    return staged(tmp_path_factory.mktemp("kill") / request.param, request.param)


def chosen(stage: Stage, full: int, small: int) -> list[int]:
    """Points of a transition: all when so many are wanted, else those around the commit point and a sample of others.

    The sample is always the same.
    """
    wanted = min(stage.calls, figure(full, small))
    found = random.Random(stage.folder.name).sample(range(stage.calls), wanted)
    return sorted({*found, *range(stage.commit - 1, stage.commit + 2)})


def judge(stage: Stage, hurt: Path, what: str) -> bool:
    """Holds a tree after a kill to the guarantees; True when it was between two trees."""
    old, new = tree(stage.old, without=TXN), tree(stage.new, without=TXN)
    now = tree(hurt, without=TXN)
    for path in {*old, *new, *now}:
        assert now.get(path) in (old.get(path), new.get(path)), f"{what}: {path} is torn"
    for path, text in USERS.items():
        assert (hurt / path).read_text() == text, f"{what}: {path} is the user's"
    between = (hurt / ".mlcc/txn/journal.json").exists()
    if between:
        refused = run(mlcc("do", "build", "--dry-run"), hurt)
        assert refused.code == 3, f"{what}: a half-applied tree is used: {refused.output_text}"
    else:
        assert now in (old, new), f"{what}: a mixture without a journal"
    back = TRANSITIONS[stage.folder.name][0] is not None
    for which, wanted in (("new", new), ("old", old))[: 1 + back]:
        again = copied(hurt, stage.folder / "again")
        assert apply(again, which) == 0, f"{what}: apply {which} fails"
        assert tree(again) == wanted, f"{what}: apply {which} does not finish"
    return between


@pytest.mark.parametrize("how", [KILL, HALF])
def test_killed_at_any_call(stage: Stage, how: str) -> None:
    between = 0
    points = chosen(stage, 10_000, 8) if how == KILL else chosen(stage, 60, 1)
    for point in points:
        hurt = copied(stage.old, stage.folder / "hurt")
        assert apply(hurt, "new", Fault(point, how)) == -9
        between += judge(stage, hurt, f"{stage.folder.name}, {how} at {point}")
    assert tree(stage.folder, without=("old/", "new/", "again/", "hurt/")).keys() <= {
        "old.yaml", "new.yaml", "old.printed", "new.printed", "again.printed", "hurt.printed",
    }  # fmt: skip
    print(f"\n{stage.folder.name}: {len(points)} points of {stage.calls}, {how}: {between} between two trees, 0 torn")


def test_killed_twice(stage: Stage) -> None:
    """The second apply, which would finish the first, is killed too; it may even be of the other configuration."""
    chance = random.Random(f"twice {stage.folder.name}")
    count = figure(60, 2)
    for number in range(count):
        first = chance.randrange(stage.calls // 3, stage.calls)
        hurt = copied(stage.old, stage.folder / "hurt")
        assert apply(hurt, "new", Fault(first)) == -9
        swept()
        which = chance.choice(["new", "old"]) if TRANSITIONS[stage.folder.name][0] else "new"
        calls = run(
            mlcc("apply", "-q", "-f", f"../{which}.yaml", "-C", "."), copied(hurt, stage.folder / "again")
        ).calls
        if not calls:
            continue  # the kill came after the last change
        second = chance.randrange(calls)
        assert apply(hurt, which, Fault(second)) == -9
        judge(stage, hurt, f"{stage.folder.name} {number}: killed at {first}, then {which} at {second}")
    print(f"\n{stage.folder.name}: {count} double kills")
