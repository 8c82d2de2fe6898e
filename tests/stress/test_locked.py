"""G11 (docs/guarantees.md): `apply --locked` accepts what was committed, and nothing else.

200 mutations of tree, lock, base, sources, registries, policies and of the run itself are refused, each with a finding
that names it; 200 variations that mean nothing raise no alarm.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.helpers import Caller
from tests.locked_cases import PROJECTS, chosen, prepared, told, wrong_answer
from tests.locked_mutations import mutations, variations
from tests.stress.faults import FULL, figure

EACH = 200 // len(PROJECTS)


@pytest.mark.parametrize("project", PROJECTS if FULL else [*PROJECTS][1:2])
def test_mutations_are_refused_and_named(mlcc: Caller, tmp_path: Path, project: str) -> None:
    found, kinds = list[str](), Counter[str]()
    every = mutations(project, prepared(project, tmp_path / "project"))
    for number, change in enumerate(chosen(every, figure(EACH, 3), random.Random(project))):
        folder = prepared(project, tmp_path / str(number))
        case = change(folder, random.Random(f"{project} {number}"))
        found += filter(None, [wrong_answer(case, *told(case, folder, mlcc))])
        kinds[case.kind] += 1
        shutil.rmtree(folder)
    print(f"\n{kinds.total()} mutations of {project}, {len(found)} not refused or not named: {dict(kinds)}")
    assert found == []


@pytest.mark.parametrize("project", PROJECTS if FULL else [*PROJECTS][1:2])
def test_variations_raise_no_alarm(mlcc: Caller, tmp_path: Path, project: str) -> None:
    found, kinds = list[str](), Counter[str]()
    every = variations(project, prepared(project, tmp_path / "project"))
    piles: dict[str, list] = {}
    for number, change in enumerate(every):
        piles.setdefault(str(number % 7), []).append(change)
    for number, change in enumerate(chosen(piles, figure(EACH, 3), random.Random(project))):
        folder = prepared(project, tmp_path / str(number))
        case = change(folder, random.Random(f"{project} {number}"))
        code, errors = told(case, folder, mlcc)
        found += [f"{case.what}: exit {code}, {errors}"] if code or errors else []
        kinds[case.kind] += 1
        shutil.rmtree(folder)
    print(f"\n{kinds.total()} variations of {project}, {len(found)} refused: {dict(kinds)}")
    assert found == []
