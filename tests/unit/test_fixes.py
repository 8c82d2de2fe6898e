"""Fixes that findings propose: made exactly or not at all, with layout and comments kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.findings import RENAME, SET, UNSET, Finding, Fix, Severity
from mlcc.load import fixes
from mlcc.load.document import load_document
from mlcc.registries.loader import load
from tests.fakes import resolved

START = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi}\n"


def findings_of(data: bytes) -> list[Finding]:
    return list(load_document(data, "mlcc.yaml").findings)


def mended(text: str) -> str:
    """A text with all its fixes; a second time there is nothing to do."""
    result = fixes.mend(text.encode(), "mlcc.yaml", findings_of)
    again = fixes.mend(result.data, "mlcc.yaml", findings_of)
    assert (again.data, again.done) == (result.data, ())
    return result.data.decode()


CASES = {
    "a key": ("project: {nmae: iris}  # c\n", "project: {name: iris}  # c\n"),
    "a key in quotes": ("project:\n  'nmae' : iris\n", "project:\n  'name' : iris\n"),
    "a section": (START.replace("deployment", "deploymnet"), START),
    "a key in an overlay": (START + "environments: {dev: {tll: 1d}}\n", START + "environments: {dev: {ttl: 1d}}\n"),
    "a key in a list": (
        START + "adapters:\n  - {name: a, bse: b}\n", START + "adapters:\n  - {name: a, base: b}\n",
    ),
    "two spellings": ("project: {Name: iris}\nmodel: {chatTemplate: chatml}\n",
                      "project: {name: iris}\nmodel: {chat_template: chatml}\n"),
    "a word of a list": (START + "build: {strategy: dokcer}\n", START + "build: {strategy: docker}\n"),
    "its quotes": (START + "build: {strategy: 'dokcer'}\n", START + 'build: {strategy: "docker"}\n'),
    "a number for a text": (START + "framework: {version: 1.50}\n", START + 'framework: {version: "1.50"}\n'),
    "a text for a number": (START.replace("1", "'1'"), START),
    "a text for a switch": (START + "seed_files: {tests: 'false'}\n", START + "seed_files: {tests: false}\n"),
    "a key and then its value": (
        "deployment: {accountId: 123456789012}\n", 'deployment: {account_id: "123456789012"}\n',
    ),
    "line ends and marks": ("\ufeffproject: {nmae: iris}\r\n", "\ufeffproject: {name: iris}\r\n"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_exact_fixes(before, after):
    assert mended(before) == after


LEFT = {
    "two keys are near": "scaling: {mix_count: 1}\n",
    "none is near": "project: {title: iris}\n",
    "the key is there already": "project: {name: iris, nmae: b}\n",
    "its value is of another kind": "ttll: {a: b}\n",
    "a value that is near to several": START + "endpoint: {routing_strategy: XXXX}\n",
    "a text that is no whole number": START + "deployment: {instance_count: '2.5'}\n",
    "a text that is a number in another system": START.replace("version: 1", "version: '01'"),
    "a secret": START + "secrets: {TOKEN: {secretsmanager: 12345678}}\n",
    "what cannot be read": "a: [",
    "block scalars": START + "build:\n  strategy: |\n    dokcer\n",
}  # fmt: skip


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_what_is_not_exact_is_left(text):
    assert mended(text) == text


def test_what_was_done_and_what_is_left():
    result = fixes.mend(b"version: 1\nproject: {nmae: iris, titel: b}\n", "mlcc.yaml", findings_of)
    assert [(f.code, words) for f, words in result.done] == [("MLCC020", "renamed project.nmae to name")]
    assert [f.path for f in result.left] == ["project.titel"]


@pytest.mark.parametrize(
    ("fix", "after"),
    [
        (Fix(SET, "x", "yy"), "a: yy # c\nb: {c: d}\n"),
        (Fix(SET, "z", "yy"), ""),
        (Fix(RENAME, "a", "q"), "q: x # c\nb: {c: d}\n"),
        (Fix(RENAME, "a", "b"), ""),
        (Fix(RENAME, "z", "q"), ""),
        (Fix(UNSET, "x"), "b: {c: d}\n"),
        (Fix(UNSET, "y"), ""),
        (Fix(SET, "d", "e", 2, 8), "a: x # c\nb: {c: e}\n"),
        (Fix(SET, "d", "e", 9, 9), ""),
    ],
)
def test_a_fix_is_made_only_where_it_fits(fix, after):
    finding = Finding("MLCC020", Severity.ERROR, "m", "a", "mlcc.yaml", 1, 1, "", fix)
    done = fixes.mended(b"a: x # c\nb: {c: d}\n", finding)
    assert (done[0].decode() if done else "") == after


def test_a_finding_about_another_file_is_none_of_ours():
    def elsewhere(data: bytes) -> list[Finding]:
        return [f._replace(file="mlcc.base.yaml") for f in findings_of(data)]

    assert fixes.mend(b"project: {nmae: iris}\n", "mlcc.yaml", elsewhere).done == ()


@pytest.mark.parametrize(
    ("text", "path", "fix"),
    [
        ("deployment: {config: http-fastpi}", "deployment.config", ("set", "http-fastpi", "http-fastapi")),
        ("deployment: {config: triton-onnx}", "deployment.config", ("set", "triton-onnx", "triton-onnxruntime")),
        ("deployment: {config: http-fastapi, target: managed-inference}", "deployment.target",
         ("set", "managed-inference", "realtime-inference")),
        ("deployment: {config: http-x}", "deployment.config", None),
    ],
)  # fmt: skip
def test_names_of_rows(text, path, fix):
    found = [
        f for f in resolved(f"version: 1\nproject: {{name: a}}\n{text}\n", known=load()).findings if f.path == path
    ]
    assert [f.fix[:3] if f.fix else None for f in found] == [fix]


TEXT = "abcdefghijklmnopqrstuvwxyz_"


@given(st.sampled_from(["instance_type", "account_id", "config", "region"]), st.integers(0, 12), st.sampled_from(TEXT))
def test_any_slip_of_a_key_is_mended_to_a_key_or_left(key, at, letter):
    slip = key[:at] + letter + key[at + 1 :]
    text = f"version: 1 # v\nproject: {{name: iris}}\ndeployment:\n  # above\n  {slip}: aaa   # behind\n"
    after = mended(text)
    assert after in (text, text.replace(f"  {slip}:", f"  {key}:"))
