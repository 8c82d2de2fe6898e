"""`python -m tools.updates`: installs copier and cruft, and asks them what they do.

Each tool has a virtual environment of its own below .venv-updates, and each scenario a project of its own in a
temporary folder with Git and nobody's settings.  `--write` puts the table into docs/updates.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tools.updates.outcomes import MLCC, Run, cell, table
from tools.updates.scenarios import EXECUTABLE, NAME, OTHER_NAME, SCENARIOS, V1, V2, Scenario

ROOT = Path(__file__).resolve().parent.parent.parent
VERSIONS = {"copier": "9.19.1", "cruft": "2.16.0"}
PAGE = ROOT / "docs/updates.md"
BEGIN, END = "<!-- table: python -m tools.updates --write -->\n", "<!-- end of the table -->\n"


class Tool(NamedTuple):
    """A tool that was installed: the commands that make a project and that bring it up to date."""

    name: str
    program: Path

    def create(self, template: Path, folder: Path) -> list[str]:
        """Makes a project of the template's first version."""
        if self.name == "copier":
            return ["copy", "--defaults", "--vcs-ref", "v1", str(template), str(folder)]
        return ["create", str(template), "--checkout", "v1", "--no-input", "--output-dir", str(folder.parent)]

    def update(self, scenario: Scenario) -> list[str]:
        """Brings it to the second version; with another answer where the scenario is about that."""
        if self.name == "copier":
            return ["update", "--defaults", *(["--data", f"name={OTHER_NAME}"] if scenario.answer else [])]
        answer = ["--variables-to-update", json.dumps({"name": OTHER_NAME})] if scenario.answer else []
        return ["update", "--skip-apply-ask", "--checkout", "v2", *answer]


def install(name: str) -> Tool:
    """A tool of the version that the page is about, from the Python package index."""
    place = ROOT / ".venv-updates" / name
    program = place / "bin" / name
    if not program.exists():
        venv.create(place, with_pip=True)
        subprocess.run([place / "bin/pip", "install", "-q", f"{name}=={VERSIONS[name]}"], check=True)
    return Tool(name, program)


def environment(home: Path) -> dict[str, str]:
    """Nobody's settings: an empty home, Git without those of the machine."""
    home.mkdir(exist_ok=True)
    people = {f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    nothing = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C.UTF-8"}
    return {"PATH": os.environ["PATH"], "HOME": str(home), **people, **nothing}


def git(folder: Path, environ: Mapping[str, str], *arguments: str) -> None:
    """Runs Git."""
    subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True, capture_output=True)


def template(tool: str, place: Path, environ: Mapping[str, str]) -> Path:
    """The template as a tool wants it, in a repository with both versions."""
    root = place / "template"
    root.mkdir()
    inside = root / "{{ cookiecutter.project }}" if tool == "cruft" else root / "template"
    variable = "{{ cookiecutter.name }}" if tool == "cruft" else "{{ name }}"
    git(root, environ, "init", "-q", "-b", "main")
    for version, files in (("v1", V1), ("v2", V2)):
        shutil.rmtree(inside, ignore_errors=True)
        inside.mkdir()
        for path, data in files.items():
            text = b"\0" not in data
            suffix = ".jinja" if tool == "copier" and text else ""
            (inside / f"{path}{suffix}").write_bytes(data.replace(b"[[ name ]]", variable.encode()))
            (inside / f"{path}{suffix}").chmod(0o755 if path in EXECUTABLE else 0o644)
        if tool == "copier":
            answers = "{{ _copier_conf.answers_file }}.jinja"
            (inside / answers).write_text("{{ _copier_answers|to_nice_yaml }}")
            (root / "copier.yml").write_text(f"_subdirectory: template\nname: {{type: str, default: {NAME}}}\n")
        else:
            (root / "cookiecutter.json").write_text(json.dumps({"project": "project", "name": NAME}))
        git(root, environ, "add", "-A")
        git(root, environ, "commit", "-q", "-m", version)
        git(root, environ, "tag", version)
    return root


def ask(tool: Tool, scenario: Scenario, place: Path) -> Run:
    """Runs one scenario with one tool."""
    environ = environment(place / "home")
    source, folder = template(tool.name, place, environ), place / "project"
    made = subprocess.run(
        [tool.program, *tool.create(source, folder)], cwd=place, env=environ, capture_output=True, text=True
    )
    assert made.returncode == 0, made
    if not (folder / ".git").exists():
        git(folder, environ, "init", "-q", "-b", "main")
    git(folder, environ, "add", "-A")
    git(folder, environ, "commit", "-q", "-m", "made")
    scenario.edit(folder)
    git(folder, environ, "add", "-A")
    git(folder, environ, "commit", "-q", "--allow-empty", "-m", "edited")
    command = tool.update(scenario)
    done = subprocess.run(
        [tool.program, *command], cwd=folder, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    return Run.of(scenario, folder, done.returncode, done.stdout + done.stderr)


def main(arguments: list[str]) -> int:
    """Prints the table, or writes it into the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.updates", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/updates.md")
    parser.add_argument("--show", action="store_true", help="print what each tool printed and left, too")
    options = parser.parse_args(arguments)
    tools = [install(name) for name in VERSIONS]
    rows = []
    for number, scenario in enumerate(SCENARIOS, 1):
        cells = []
        for tool in tools:
            with tempfile.TemporaryDirectory(prefix="updates-") as place:
                run = ask(tool, scenario, Path(place))
            cells.append(cell(run))
            if options.show:
                print(f"--- {number} {scenario.title}: {tool.name}\n{run}\n", file=sys.stderr)
        rows.append((scenario.title, *cells, MLCC[number - 1]))
    text = table(rows, VERSIONS, datetime.date.today().isoformat())
    if options.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{text}{END}{rest.partition(END)[2]}")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
