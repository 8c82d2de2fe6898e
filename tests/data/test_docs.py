"""The pages are there, current, and their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from tests.helpers import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def test_generated_pages_are_current():
    done = subprocess.run([sys.executable, "tools/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_picture_of_a_terminal_is_what_its_commands_print():
    done = subprocess.run([sys.executable, "tools/picture.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_picture_of_a_terminal_needs_nothing_from_elsewhere():
    text = (ROOT / "docs/terminal.svg").read_text()
    found = list(ElementTree.fromstring(text).iter())
    assert {one.tag.rpartition("}")[2] for one in found} == {"svg", "title", "rect", "g", "text"}
    assert not re.search(r"href|url\(|@|<style|<script|/tmp/|/home/", text)
    assert len(text) < 20_000
    assert "docs/terminal.svg" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    targets = [t for t in LINK.findall(page.read_text()) if "://" not in t]
    assert [t for t in targets if not (page.parent / t).exists()] == []


ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
# `plan/decide.make_plan`, `load/inputs.gather`, `Table.settle`: a module with a name in it, or a class with one.
MODULE_NAME = re.compile(r"`([a-z_]+(?:/[a-z_]+)+)\.(?!py`)([A-Za-z_]+)`")
MODULE = re.compile(r"`((?!do/)[a-z_]+(?:/[a-z_]+)+)`")


@pytest.mark.parametrize(("module", "name"), MODULE_NAME.findall(ARCHITECTURE))
def test_the_architecture_names_functions_that_are_there(module, name):
    assert re.search(rf"^(def|class) {name}\b", (ROOT / f"mlcc/{module}.py").read_text(), re.MULTILINE)


@pytest.mark.parametrize("module", MODULE.findall(ARCHITECTURE))
def test_the_architecture_names_modules_that_are_there(module):
    assert (ROOT / f"mlcc/{module}.py").exists() or (ROOT / f"mlcc/{module}").is_dir() or (ROOT / module).exists()


def test_the_architecture_names_enough_to_follow_a_value():
    assert len(MODULE_NAME.findall(ARCHITECTURE)) >= 8
