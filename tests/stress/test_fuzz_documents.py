"""G11, G16 and G18 (docs/guarantees.md): the other documents from outside are judged at the door, like mlcc.yaml.

mlcc.lock, [tool.mlcc] of pyproject.toml, "mlcc" of package.json, and what a picker of a plugin answers: valid ones in
which values, types and bytes are changed.  Each is used, or refused with a finding; mlcc never fails over one.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from mlcc.io.schema import keys
from tests.helpers import Caller, Result, build_tree
from tests.stress.cases import CONFIG
from tests.stress.faults import figure
from tests.stress.test_forged import mutations
from tests.stress.test_fuzz import Maker, schema

COUNT = figure(1500, 10)
# Whole numbers of thousands of digits, and texts that are none.
HUGE, DEEP = "9" * 5000, 2000


class Raw(str):
    """A value as it is written in the format, whatever it is."""


ODD_TOML = [
    Raw(text)
    for text in (
        "0x10", "0xffffffffffffffffffff", "0o17", "0b1", "1_000", "+1", "-0", "1e3", "1e999", "nan", "-nan", "inf", "-inf",
        "1979-05-27", "07:32:00", "1979-05-27T07:32:00", "1979-05-27T07:32:00Z", "0000-00-00", HUGE, "0x" + HUGE[:4000], "true",
        '"""a\nb"""', "'''\\'''", '"\\u0000"', '"\\ud800"', '"\\U0010ffff"', '"\\u202e"', "[]", "[1, 'a', [nan]]", "{}",
        "{a.b = 1}", "[{}, {x = 1979-05-27}]", "[" * DEEP + "]" * DEEP, "yes", "0888", "''",
    )
]  # fmt: skip
ODD_JSON = [
    Raw(text)
    for text in (
        "NaN", "Infinity", "-Infinity", "1e999", "-0.0", "1e3", HUGE, '"\\ud800"', '"\\udc00x"', '"\\u0000"', '"\\u202e"', "null",
        "true", "[]", "{}", "[[[[]]]]", "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, '{"a": 1, "a": 2}', '""',
        '"' + "x" * 5000 + '"', "1e-400", "12345678901234567890",
    )
]  # fmt: skip
ODD_YAML = [
    Raw(text)
    for text in (
        ".nan", ".inf", "-.inf", "2001-12-14", "2001-12-14t21:59:43.10-05:00", "0x1F", "0o17", "0b1", "1_000", HUGE, "1e999", "~",
        "yes", "[]", "{}", "[[[]]]", "{a: {b: {c: 1}}}", '"\\ud800"', '"\\0"', '"\\u202e"', "!!binary aGk=", "!!set {a}", "&a 1",
        "<<", "0888", "12:30:45", "''", "{value: 1}", "{value: [], source: x}", "{value: {a: 1}, source: 1}", "null",
    )
]  # fmt: skip
ODD_TEXT = ["", " ", "\0", "\ud800", "\n", "yes", "[", "{", "[1,", "{a: 1}", "[]", "null", "~", "nan", ".inf", "0x10", HUGE, "a,b", "*a",
            "&a b", "!!python/name:os.system", "${X}", "2001-12-14", "\u202e", "x" * 70_000, "[" * DEEP, "- a", "a: b", "#", "'"]  # fmt: skip


def judge(result: Result, what: str) -> int:
    """Fails for anything but success, a finding or a refusal; returns the exit code."""
    output_text = result.stdout + result.stderr
    assert result.code in (0, 1, 2, 3), f"{what}: {result.code} {output_text[-3000:]}"
    assert "Traceback" not in output_text, f"{what}: {output_text[-3000:]}"
    assert len(output_text) < 1 << 20, what
    if result.code == 1:
        assert "MLCC" in output_text, f"{what}: {output_text[-3000:]}"
    return result.code


def replaced(value: Any, chance: random.Random, odd: list[Raw], rate: float) -> Any:
    """A document some of whose values and keys are others."""
    if chance.random() < rate:
        return chance.choice(odd)
    if isinstance(value, Mapping):
        found = {k: replaced(v, chance, odd, rate) for k, v in value.items()}
        if found and chance.random() < rate:
            found[chance.choice(["", "a.b", "\u202e", "x" * 300, "..", "version", "values", "0", "[a]"])] = (
                chance.choice(odd)
            )
        return found
    if isinstance(value, (list, tuple)):
        return [replaced(v, chance, odd, rate) for v in value]
    return value


def shown(value: Any) -> str:
    """JSON, which YAML is too, with raw values as they are."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(k))}: {shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(shown, value)) + "]"
    return json.dumps(value)


def toml(value: Any) -> str:
    """A TOML value, tables inline."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value) if value is not None else '""'


def made(chance: random.Random, odd: list[Raw]) -> Any:
    """A document of mlcc.yaml's schema, partial, with odd values in it."""
    document = Maker(chance, chance.choice([0, 0.01, 0.05]), chance.choice([0.05, 0.2])).make(schema())
    return replaced(document, chance, odd, chance.choice([0, 0.01, 0.1]))


# ---------------------------------------------------------------- project manifests
READING = (["validate"], ["plan", "-o", "json"], ["explain"], ["show", "-o", "json"])


def used(mlcc: Caller, name: str, data: bytes, chance: random.Random, what: str) -> int:
    """Reads a project beside whose mlcc.yaml a manifest stands."""
    build_tree(Path(), {"mlcc.yaml": CONFIG, name: data})
    code = judge(mlcc("validate"), what)
    judge(mlcc(*chance.choice(READING)), what)
    return code


def test_pyproject_toml(mlcc: Caller) -> None:
    chance, codes = random.Random("pyproject"), list[int]()
    for number in range(COUNT):
        document = made(chance, ODD_TOML)
        if not isinstance(document, dict) or chance.random() < 0.1:
            lines = [f"mlcc = {toml(document)}"]
        else:
            lines = [f"{json.dumps(str(key))} = {toml(value)}" for key, value in document.items()]
            lines.insert(0, "[tool.mlcc]")
        text = "\n".join(["[project]\nname = 'x'\n[tool]" if lines[0][0] == "m" else "", *lines]) + "\n"
        data = text.encode("utf-8", "replace")
        codes.append(
            used(
                mlcc,
                "pyproject.toml",
                mutations(data, chance) if chance.random() < 0.3 else data,
                chance,
                f"toml {number}: {text[:3000]}",
            )
        )
    print(f"\n{COUNT} pyproject.toml: {codes.count(0)} used, {codes.count(1)} refused, 0 tracebacks")


@pytest.mark.parametrize(
    "key", ["ttl", "env.A", "deployment.instance_count", "model.revision", "tags.a", "registries", "environments"]
)
def test_each_odd_value_of_toml(mlcc: Caller, key: str) -> None:
    """Where a value of another type is not looked for."""
    for number, value in enumerate(ODD_TOML[:: figure(1, 5)]):
        build_tree(Path(), {"mlcc.yaml": CONFIG, "pyproject.toml": f"[tool.mlcc]\n{key} = {value}\n"})
        for verb in READING[: figure(4, 1)]:
            judge(mlcc(*verb), f"{verb} of {key} = {value[:60]} ({number})")


def test_package_json(mlcc: Caller) -> None:
    chance, codes = random.Random("package"), list[int]()
    for number in range(COUNT):
        text = shown({"name": "x", "mlcc": made(chance, ODD_JSON)})
        data = text.encode("utf-8", "surrogatepass")
        codes.append(
            used(
                mlcc,
                "package.json",
                mutations(data, chance) if chance.random() < 0.3 else data,
                chance,
                f"json {number}: {text[:3000]}",
            )
        )
    print(f"\n{COUNT} package.json: {codes.count(0)} used, {codes.count(1)} refused, 0 tracebacks")


# ---------------------------------------------------------------- mlcc.lock
LOCKED = (["plan"], ["diff"], ["validate"], ["explain"], ["do", "config"], ["do", "export"], ["do", "manifest"],
          ["do", "validate"], ["do", "status"], ["do", "build", "--dry-run"], ["do", "deploy", "--dry-run"], ["do", "test", "--dry-run"],
          ["do", "config", "--env", "prod"], ["apply", "--check"], ["apply", "--locked", "-q"], ["apply", "-q"])  # fmt: skip


def test_mlcc_lock(mlcc: Caller, tmp_path: Path) -> None:
    build_tree(tmp_path / "whole", {"mlcc.yaml": CONFIG})
    mlcc("apply", "-q", "-C", str(tmp_path / "whole"), code=0)
    lock = tmp_path / "whole/mlcc.lock"
    # of an earlier mlcc: what it records is rendered again, to tell what was moved since
    data = re.sub(rb"(?m)^mlcc: .*", b"mlcc: 0.0.9", lock.read_bytes())
    whole = yaml.safe_load(data)
    chance, codes = random.Random("lock"), list[int]()
    shutil.copytree(tmp_path / "whole", "project")
    for number in range(COUNT):
        below = {chance.choice([*whole["values"]]) + ".b": {"value": "x", "source": "file"}}  # a leaf below a leaf
        values = {**whole["values"], **(below if chance.random() < 0.2 else {})}
        changed = replaced({**whole, "values": values}, chance, ODD_YAML, chance.choice([0, 0.003, 0.02, 0.2]))
        text = shown(changed).encode("utf-8", "surrogatepass")
        Path("project/mlcc.lock").write_bytes(mutations(data, chance) if chance.random() < 0.4 else text)
        for argv in chance.sample(LOCKED[:-1], 2) + [LOCKED[-1]] * (chance.random() < 0.1):
            codes.append(
                judge(
                    mlcc(*argv, "-C", "project"),
                    f"lock {number}, {argv}: {Path('project/mlcc.lock').read_bytes()[:2000]!r}",
                )
            )
    print(f"\n{COUNT} locks: {codes.count(0)} commands done, {len(codes) - codes.count(0)} refused, 0 tracebacks")


# ---------------------------------------------------------------- pickers
@pytest.fixture
def picker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A plugin whose picker answers what stands in its module."""
    about = {
        "METADATA": "Name: acme\nVersion: 1\n",
        "entry_points.txt": "[mlcc.pickers]\nacme = acme_of_the_fuzz:pick\n",
    }
    build_tree(tmp_path / "site", {f"acme-1.dist-info/{name}": text for name, text in about.items()})
    build_tree(tmp_path / "site", {"acme_of_the_fuzz.py": "answer = {}\ndef pick(question):\n    return answer\n"})
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delenv("MLCC_PLUGINS")
    import acme_of_the_fuzz  # type: ignore[import-not-found]

    found: ModuleType = acme_of_the_fuzz
    return found


NAMES = ("", "a", "A", "x-a", "0", "prod", "default", "a.b", "\ud800", "a" * 300)


def dotted(chance: random.Random) -> str:
    """A path of mlcc.yaml, whose free parts have some name, or something like one."""
    if chance.random() < 0.1:
        return chance.choice(
            [
                "",
                ".",
                "a",
                "project",
                "project.",
                ".name",
                "project.name.x",
                "x-a",
                "version",
                "[0]",
                "triton.models[a].name",
                "env.A.B",
                "\ud800",
                "deployment[x]",
            ]
        )
    parts = chance.choice(list(keys.index().values())).path
    return ".".join(chance.choice(NAMES) if part in ("*", "[]") else part for part in parts).replace(".[]", "[a]")


def answer(chance: random.Random) -> Any:
    """What a picker answers."""
    if chance.random() < 0.1:
        return chance.choice(
            [
                None,
                5,
                "text",
                [],
                [("a", "b")],
                {1: "a"},
                {"ttl": 1},
                {"ttl": None},
                {"ttl": ["a"]},
                {None: "x"},
                {"env": {}},
            ]
        )
    return {
        dotted(chance): chance.choice([*ODD_TEXT, "a", "1", "true", "1d", "{name: a}", "[{name: a}]", "{A: b}"])
        for _ in range(chance.randrange(4))
    }


def test_answers_of_pickers(mlcc: Caller, picker: ModuleType) -> None:
    chance, codes = random.Random("picker"), list[int]()
    for number in range(COUNT * 2):
        picker.answer = answer(chance)
        what = f"answer {number}: {str(picker.answer)[:3000]!r}"
        codes.append(judge(mlcc("init", "shop", "--pick", "acme", "--force", "-C", "made"), what))
        if codes[-1] == 0:
            assert judge(mlcc("validate", "-C", "made"), what) in (0, 1)
    assert codes.count(0) > 0
    print(f"\n{COUNT * 2} answers of pickers: {codes.count(0)} written, {codes.count(1)} refused, 0 tracebacks")


@pytest.mark.parametrize(
    "answer",
    [
        {"project": "[]"},
        {"env": "[]", "env.A": "b"},
        {"ttl": "1d", "model": "x"},
        {"triton.models": "[]", "triton.models.x": "y"},
    ],
)
def test_answers_that_contradict_each_other(mlcc: Caller, picker: ModuleType, answer: dict[str, str]) -> None:
    picker.answer = answer
    assert judge(mlcc("init", "shop", "--pick", "acme", "-C", "made"), str(answer)) == 1
