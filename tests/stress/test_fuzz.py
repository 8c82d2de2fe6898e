"""G16, G17 and G20 (docs/guarantees.md): any mlcc.yaml is accepted, or refused with a place, quickly and in few lines.

Two sources: real files with bytes and lines of theirs changed, and documents made from the schema, some of whose values
do not belong.
"""

from __future__ import annotations

import functools
import json
import random
import resource
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc.io import packaged
from tests.helpers import ROOT, Caller
from tests.stress.cases import CONFIG
from tests.stress.faults import figure
from tests.stress.test_forged import mutations

CHUNK = 500
PLACED = ("mlcc.yaml:", "mlcc: ")


@functools.cache
def seeds() -> tuple[bytes, ...]:
    """Files to begin with: the example that uses every key, and the configurations of the golden trees."""
    found = [(ROOT / "mlcc.example.yaml").read_bytes(), CONFIG.encode()]
    found += [p.read_bytes() for p in sorted((ROOT / "tests/golden").rglob("*.yaml"))[:20]]
    return tuple(found)


def judge(mlcc: Caller, data: bytes, what: str) -> int:
    """Validates and plans one file; returns the exit code."""
    Path("mlcc.yaml").write_bytes(data)
    began = time.process_time()
    result = mlcc("validate")
    spent = time.process_time() - began
    assert result.code in (0, 1), f"{what}: {result.code} {result.stderr}"
    assert "Traceback" not in result.stderr, f"{what}: {result.stderr}"
    assert spent < 5, f"{what}: {spent:.1f} s"
    assert len(result.stdout) + len(result.stderr) < 65_536, what
    assert not {c for c in result.stderr + result.stdout if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0)}, what
    if result.code:
        # a note may stand at a registry's row, and before the errors
        errors = [line for line in result.stdout.splitlines() if " error MLCC" in line]
        assert errors, f"{what}: {result.stdout}"
        assert all(line.startswith(PLACED) for line in errors), f"{what}: {errors}"
    elif b"extends" not in data:
        planned = mlcc("plan", "-o", "json")
        assert planned.code in (0, 1, 3), f"{what}: accepted, and then {planned.code} {planned.stderr}"
        assert "Traceback" not in planned.stderr, f"{what}: {planned.stderr}"
    return result.code


@pytest.mark.parametrize("chunk", range(figure(10_000 // CHUNK, 1)))
def test_changed_files(mlcc: Caller, chunk: int) -> None:
    chance = random.Random(f"fuzz {chunk}")
    count = figure(CHUNK, 40)
    codes = [judge(mlcc, mutations(chance.choice(seeds()), chance), f"fuzz {chunk}/{n}") for n in range(count)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    assert codes.count(0) > 0
    print(f"\n{count} changed files: {codes.count(0)} accepted, {codes.count(1)} refused, 0 tracebacks, {memory} MiB")


# ---------------------------------------------------------------- from the schema
def schema() -> dict[str, Any]:
    """The schema of mlcc.yaml."""
    document: dict[str, Any] = json.loads(packaged.read("schemas", "mlcc.schema.json"))
    return document


ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    10**20,
    1.5,
    "",
    " ",
    "x",
    "yes",
    "1",
    "ü",
    "../..",
    "$(id)",
    "{{ x }}",
    "a" * 300,
    [],
    [1],
    {},
    {"a": {"b": 1}},
    "\u2028",
)


class Maker:
    """Documents from a schema; one value in `rate` does not belong, and of the keys there are it takes a share."""

    def __init__(self, chance: random.Random, rate: float, share: float) -> None:
        self.chance, self.rate, self.share, self.root = chance, rate, share, schema()

    def make(self, rule: Any, depth: int = 0) -> Any:
        """A value that the rule allows, mostly."""
        if self.chance.random() < self.rate:
            return self.chance.choice(ODD)
        if not isinstance(rule, dict):
            return self.chance.choice(ODD)
        if "$ref" in rule:
            return self.make(self._at(rule["$ref"]), depth)
        for word in ("oneOf", "anyOf"):
            if word in rule:
                return self.make(self.chance.choice(rule[word]), depth)
        if "const" in rule:
            return rule["const"]
        if "enum" in rule:
            return self.chance.choice(rule["enum"])
        if rule.get("examples") and "properties" not in rule and self.chance.random() < 0.8:
            return self.chance.choice(rule["examples"])
        kinds = rule.get("type", "object" if "properties" in rule else "string")
        kind = self.chance.choice(kinds) if isinstance(kinds, list) else kinds
        return getattr(self, f"_{kind}")(rule, depth)

    def _at(self, reference: str) -> Any:
        found: Any = self.root
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return found

    def _object(self, rule: Any, depth: int) -> dict[str, Any]:
        properties = rule.get("properties", {})
        chosen = [k for k in properties if k in rule.get("required", ()) or self.chance.random() < self.share]
        found = {k: self.make(properties[k], depth + 1) for k in chosen if k != "extends"}
        free = rule.get("additionalProperties") or next(iter(rule.get("patternProperties", {}).values()), None)
        if isinstance(free, dict) and self.chance.random() < 0.5:
            found |= {
                self.chance.choice(["a", "A", "HF_HOME", "prod", "x-y", "A B"]): self.make(free, depth + 1)
                for _ in range(2)
            }
        if self.chance.random() < self.rate:
            found[self.chance.choice(["nope", "x-mine", "", "naem", "a.b"])] = self.chance.choice(ODD)
        return found

    def _array(self, rule: Any, depth: int) -> list[Any]:
        return [self.make(rule.get("items", {}), depth + 1) for _ in range(self.chance.randrange(0, 3))]

    def _string(self, rule: Any, depth: int) -> str:
        return str(
            rule.get("default", self.chance.choice(["x", "iris", "a1", "8h", "ml.m5.xlarge", "s3://bucket/key", "1"]))
        )

    def _integer(self, rule: Any, depth: int) -> int:
        low = int(rule.get("minimum", 0))
        return self.chance.choice([low, low + 1, int(rule.get("maximum", low + 5))])

    def _number(self, rule: Any, depth: int) -> float:
        return self.chance.choice([float(rule.get("minimum", 0)), float(rule.get("maximum", 0.5)), 0.5])

    def _boolean(self, rule: Any, depth: int) -> bool:
        return self.chance.random() < 0.5

    def _null(self, rule: Any, depth: int) -> None:
        return None


@pytest.mark.parametrize("chunk", range(figure(5_000 // CHUNK, 1)))
def test_made_documents(mlcc: Caller, chunk: int) -> None:
    chance = random.Random(f"made {chunk}")
    count, codes = figure(CHUNK, 40), list[int]()
    for number in range(count):
        document = Maker(chance, chance.choice([0, 0, 0.01, 0.1]), chance.choice([0.05, 0.1, 0.4])).make(schema())
        if isinstance(document, dict):
            document.setdefault("version", 1)
            if isinstance(document.setdefault("project", {}), dict):
                document["project"].setdefault("name", "iris")
            if isinstance(document.get("deployment", {}), dict):
                config = chance.choice(["http-flask", "http-fastapi", "http-nginx"])
                document.setdefault("deployment", {}).setdefault("config", config)
        text = json.dumps(document) if number % 2 else yaml.safe_dump(document, allow_unicode=True)
        codes.append(judge(mlcc, text.encode(), f"made {chunk}/{number}"))
    print(f"\n{count} made documents: {codes.count(0)} accepted, {codes.count(1)} refused, 0 tracebacks")
