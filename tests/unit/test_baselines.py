"""Baselines: a finding is known by project, code and key path, and by how often it stands there."""

from __future__ import annotations

import pytest

from mlcc.core.baselines import Identity, compared, counted, identity
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity
from mlcc.load import baseline_file


def finding(path: str = "a.b", code: str = "MLCC020", line: int = 1, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(code, severity, f"in line {line}", path, "mlcc.yaml", line, 1)


def known(*of: Finding, project: str = "p") -> dict[Identity, int]:
    return dict(counted({project: of}))


def test_a_place_or_the_words_do_not_matter():
    result = compared({"p": [finding(line=7)]}, known(finding(line=1)))
    assert (result.new, result.known, result.gone) == ((), 1, ())


@pytest.mark.parametrize("other", [finding("a.c"), finding(code="MLCC021")])
def test_another_key_or_code_is_new(other):
    result = compared({"p": [other]}, known(finding()))
    assert (result.new, result.known, result.gone) == ((other,), 0, (Identity("p", "MLCC020", "a.b"),))


def test_another_project_s_is_new_and_one_that_was_not_checked_is_not_gone():
    baseline = known(finding(), project="other")
    assert compared({"p": [finding()]}, baseline) == ((finding(),), 0, ())
    assert compared({"p": []}, baseline, every=True).gone == (Identity("other", "MLCC020", "a.b"),)


def test_one_more_of_the_same_is_new():
    two = [finding(line=1), finding(line=2)]
    assert compared({"p": two}, known(finding())).new == (two[1],)
    assert compared({"p": two}, known(*two)).known == 2
    assert compared({"p": two[:1]}, known(*two)).gone == (Identity("p", "MLCC020", "a.b"),)


def test_the_same_finding_twice_is_one():
    assert sum(known(finding(), finding()).values()) == 1


@pytest.mark.parametrize("one", [finding(path=""), finding(severity=Severity.NOTE)])
def test_what_is_about_no_key_and_notes_are_never_known(one):
    assert identity("p", one) is None
    assert compared({"p": [one]}, known(one)).new == (one,)


# ---------------------------------------------------------------- the file
def test_a_file_is_read_as_it_was_written_and_is_the_same_each_time():
    identities = known(finding(), finding(line=2), finding('env["a b"]'), finding("x", "MLCC190"))
    data = baseline_file.text(identities)
    assert baseline_file.read(data, "known.yaml") == identities
    assert baseline_file.text(dict(reversed(identities.items()))) == data
    assert b"- {project: p, code: MLCC020, path: a.b, count: 2}" in data
    assert baseline_file.read(baseline_file.text({}), "known.yaml") == {}


@pytest.mark.parametrize(
    "data",
    [b"", b"a: [", b"version: 1\n", b"version: 2\nkind: baseline\nfindings: []\n",
     b"version: 1\nkind: baseline\nfindings: [{project: p, code: nothing, path: a}]\n",
     b"version: 1\nkind: baseline\nfindings: [{project: p, code: MLCC020, path: a, count: 0}]\n"],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(data):
    with pytest.raises(UserError):
        baseline_file.read(data, "known.yaml")
