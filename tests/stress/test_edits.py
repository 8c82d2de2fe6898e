"""G7 (docs/guarantees.md): a user's edit is never lost and never overwritten silently.

Random sequences of what people do to a project: edit, delete, chmod, change line ends, change the configuration,
apply, apply --merge, and applies that are killed.  Every edit puts in a line of its own; after each step every such
line stands in its file, and what was deleted stays deleted.
"""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.core import errors
from mlcc.plan import changes
from tests.stress.faults import Fault, figure, mlcc, run

CONFIGS = ("http-flask", "http-fastapi", "http-nginx")
VALUES = (
    "", "ttl: 3d\n", "env: {A: '1'}\n", "env: {A: '2', B: x}\n", "framework: {base_image: 'python:3.11.9-slim'}\n",
    "environments: {prod: {ttl: 2d}}\n", "inference_components: [{name: one}, {name: two}]\n",
    "build: {system_packages: [curl]}\n",
)  # fmt: skip
TOUCHED = ("do/config", "Dockerfile", "code/requirements.txt", "do/env/prod.conf", "do/ic/one.conf")
STEPS = 10
CHUNK = 100


class World:
    """A project and what its user knows of it.

    lines: the user's lines by file; gone: files that the user deleted under the configuration that holds now.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        self.lines: dict[str, set[str]] = {}
        self.gone: set[str] = set()
        self.config, self.value, self.count = CONFIGS[0], "", 0
        self.story: list[str] = []
        folder.mkdir()
        self.write()
        self.apply()

    def write(self) -> None:
        """mlcc.yaml as it is wanted now."""
        text = f"version: 1\nproject: {{name: iris}}\ndeployment: {{config: {self.config}}}\n{self.value}"
        (self.folder / "mlcc.yaml").write_text(text)

    def files(self) -> list[str]:
        """Files of the project that a person would edit."""
        found = [p.relative_to(self.folder).as_posix() for p in sorted(self.folder.rglob("*")) if p.is_file()]
        return [name for name in found if not name.startswith((".mlcc/", "mlcc.")) and ".mlcc-saved" not in name]

    # ------------------------------------------------------------ what people do
    def edit(self) -> None:
        """Puts a line of the user's somewhere."""
        files = self.files()
        # half of the edits go where the next configuration changes lines too
        touched = [name for name in TOUCHED if name in files]
        name = self.chance.choice(touched if touched and self.chance.random() < 0.5 else files)
        path = self.folder / name
        self.count += 1
        mine = f"# user line {self.count}"
        lines = path.read_bytes().decode().splitlines(keepends=True)
        lines.insert(self.chance.randrange(len(lines) + 1), mine + "\n")
        if len(lines) > 3 and self.chance.random() < 0.3:
            place = self.chance.randrange(len(lines))
            if "# user line" not in lines[place]:
                lines[place] = lines[place].rstrip("\r\n") + " \n"
        path.write_bytes("".join(lines).encode())
        self.lines.setdefault(name, set()).add(mine)

    def crlf(self) -> None:
        """An editor that writes other line ends."""
        path = self.folder / self.chance.choice(self.files())
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def delete(self) -> None:
        """Removes a file."""
        name = self.chance.choice(self.files())
        (self.folder / name).unlink()
        self.lines.pop(name, None)
        self.gone.add(name)

    def chmod(self) -> None:
        """Changes a mode."""
        (self.folder / self.chance.choice(self.files())).chmod(self.chance.choice([0o600, 0o644, 0o755]))

    def own(self) -> None:
        """A file that mlcc has nothing to do with."""
        self.count += 1
        (self.folder / f"code/own{self.count}.txt").write_text(f"# user line {self.count}\n")
        self.lines[f"code/own{self.count}.txt"] = {f"# user line {self.count}"}

    def change(self) -> None:
        """Another value."""
        self.value = self.chance.choice(VALUES)
        self.write()

    def switch(self) -> None:
        """Another backend: files come and go, and what was deleted before may be written anew."""
        self.config = self.chance.choice(CONFIGS)
        self.gone.clear()
        self.write()

    def apply(self, *, merge: bool = False) -> None:
        """As the user runs it; a conflict is refused or marked."""
        # a path that an edit has made unusable is named, and nothing is written
        with suppress(errors.UserError):
            pipeline.apply(pipeline.read(str(self.folder / "mlcc.yaml")), options=changes.Options(merge=merge))
        if merge:
            self.settle()

    def settle(self) -> None:
        """Takes the markers out, keeping the user's side."""
        for name in self.files():
            path = self.folder / name
            text = path.read_bytes()
            if b"<<<<<<< yours" in text:
                kept = [
                    li
                    for li in text.splitlines(keepends=True)
                    if not li.startswith((b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"))
                ]
                path.write_bytes(b"".join(kept))

    def killed(self) -> None:
        """An apply that dies on the way."""
        outcome = run(mlcc("apply", "-q"), self.folder, Fault(self.chance.randrange(80)))
        assert "Traceback" not in outcome.output_text, outcome.output_text

    def step(self) -> None:
        """One of these, and then the promise."""
        what = self.chance.choices(
            [self.edit, self.crlf, self.delete, self.chmod, self.own, self.change, self.switch, self.apply,
             lambda: self.apply(merge=True), self.killed],
            [6, 1, 2, 1, 1, 4, 2, 6, 2, 1],
        )[0]  # fmt: skip
        self.story.append(getattr(what, "__name__", "merge"))
        what()
        self.judge()

    def judge(self) -> None:
        """Every line of the user's stands in its file; what was deleted stays so."""
        for name, lines in self.lines.items():
            path = self.folder / name
            assert path.exists(), f"{name} vanished after {self.story}"
            text = path.read_bytes().decode()
            for line in lines:
                assert line in text, f"{name} lost {line!r} after {self.story}"
        for name in self.gone:
            assert not (self.folder / name).exists(), f"{name} came back after {self.story}"


@pytest.mark.parametrize("chunk", range(figure(2000 // CHUNK, 1)))
def test_edits_are_never_lost(tmp_path: Path, chunk: int) -> None:
    count = figure(CHUNK, 4)
    for number in range(count):
        folder = tmp_path / "world"
        world = World(folder, chunk * CHUNK + number)
        for _ in range(STEPS):
            world.step()
        shutil.rmtree(folder)
    print(f"\n{count} sequences of {STEPS} steps from {chunk * CHUNK}: nothing lost")
