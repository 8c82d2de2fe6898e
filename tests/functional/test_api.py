"""mlcc.api for programs: paths of every kind, trouble as findings, and what apply's answer means."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcc import pipeline
from mlcc.apply import prepare
from mlcc.core import errors, findings
from mlcc.load import request as request_module
from mlcc.plan import changes
from mlcc.resolve import project as project_module
from tests.helpers import SMALLEST, build_tree, read_tree

HERE = Path()


@pytest.fixture
def project() -> project_module.Project:
    build_tree(HERE, {"ok.yaml": SMALLEST, "more.yaml": "ttl: 3d\n"})
    (HERE / "rows").mkdir()
    return pipeline.read("ok.yaml")


@pytest.mark.parametrize("named", [str, Path, os.fsencode])
def test_a_path_may_be_text_bytes_or_an_object(project: project_module.Project, named: Callable[[str], Any]) -> None:
    request = request_module.Request(extra=named("more.yaml"), registry_roots=[named("rows")])
    read = pipeline.read(named("ok.yaml"), request)
    assert read.ok, read.findings
    assert read.resolved.get("ttl") == "3d"
    assert read.inputs.file == "ok.yaml"
    assert pipeline.plan(read, named("out"), staging=named("/tmp")).changes
    prepared, wrote = pipeline.apply(read, named("out"), staging=[named("/tmp")])
    assert (wrote, prepared.blocked) == (True, False)
    (HERE / "out/Dockerfile").write_text("FROM scratch\n")
    restored = pipeline.plan(read, named("out"), changes.Options(restore=[named("./Dockerfile")]))
    assert [c.path for c in restored.plan.changes if c.action == "update"] == ["Dockerfile"]


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("ok.yaml", "a file or a link stands where a directory belongs"),
        ("ok.yaml/x", "a file or a link stands where a directory belongs"),
        ("/proc/foo", "the directory cannot be made: no such file or directory"),
        ("x" * 300, "the directory cannot be made: the name is too long"),
        ("a\0b", "not a directory name"),
    ],
)
def test_a_folder_that_cannot_be_used_is_a_finding(project: project_module.Project, folder: str, says: str) -> None:
    before = read_tree(HERE)
    with pytest.raises(errors.UserError) as raised:
        pipeline.apply(project, folder)
    assert [(f.code, f.message) for f in raised.value.findings] == [("MLCC001", says)]
    assert read_tree(HERE) == before


def test_trouble_of_the_machine_is_a_finding(project: project_module.Project) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        for call in (
            lambda: pipeline.render(project),
            lambda: pipeline.plan(project, "out"),
            lambda: pipeline.apply(project, "out"),
        ):
            with pytest.raises(errors.MlccError) as raised:
                call()
            assert [f.code for f in raised.value.findings] == ["MLCC208"]
            assert "too many open files" in raised.value.findings[0].message
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_a_review_raises_comes_out_as_it_is(project: project_module.Project) -> None:
    def review(prepared: prepare.Prepared) -> None:
        raise ConnectionError("not mlcc's")

    with pytest.raises(ConnectionError, match="not mlcc's"):
        pipeline.apply(project, "out", review=review)
    assert not read_tree("out")


def test_nothing_to_do_and_a_refusal_are_distinguished(project: project_module.Project) -> None:
    pipeline.apply(project, "out")
    prepared, wrote = pipeline.apply(project, "out")
    assert (wrote, prepared.blocked, prepared.changes) == (False, False, False)
    (HERE / "other").mkdir()
    (HERE / "other/Dockerfile").write_text("FROM mine\n")
    prepared, wrote = pipeline.apply(project, "other")
    assert (wrote, prepared.blocked) == (False, True)
    assert [(f.code, f.file) for f in prepared.plan.findings] == [("MLCC201", "Dockerfile")]
    assert pipeline.plan(project, "other").blocked
    assert list(read_tree("other")) == ["Dockerfile"]


def test_variables_count_only_where_they_are_given(
    project: project_module.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_REGION", "eu-central-1")
    assert pipeline.read("ok.yaml").resolved.get("deployment.region", "none") == "none"
    request = request_module.Request(environ=os.environ)
    assert pipeline.read("ok.yaml", request).resolved.get("deployment.region") == "eu-central-1"


def test_the_project_is_written_beside_its_file_when_no_folder_is_named(project: project_module.Project) -> None:
    build_tree(HERE, {"deep/mlcc.yaml": SMALLEST})
    pipeline.apply(pipeline.read(Path("deep/mlcc.yaml")))
    assert (HERE / "deep/Dockerfile").exists()
    assert not (HERE / "Dockerfile").exists()


def test_plugins_of_earlier_releases_find_findings_under_their_old_name():
    from mlcc import diagnostics

    assert diagnostics.Finding is findings.Finding
    assert diagnostics.printable("a\x1b") == "a\\x1b"
