"""What mlcc says of a file that was rewritten without another meaning: documents to rewrite, and the question itself."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import yaml

from mlcc.registries.loader import load
from tests.helpers import ROOT, Caller, needed, read_yaml
from tests.rewrites import BASE_NAME, TEXTS, Rewriting


@functools.cache
def documents() -> tuple[tuple[str, str], ...]:
    """Files that somebody wrote, with a name for messages: the examples, and one of each deployment config."""
    found: dict[str, str] = {}
    for path in (ROOT / "mlcc.example.yaml", *sorted((ROOT / "tests/golden/cases").glob("*.yaml")), ROOT / "mlcc.yaml"):
        found.setdefault(path.read_text(), path.name)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for text in re.findall(r"```yaml\n(version: 1\n.*?)```", page.read_text(), re.DOTALL):
            found.setdefault(text, page.name)
    for config in load().deployment_configs:
        text = f"version: 1\nproject: {{name: iris}}\ndeployment: {{config: {config}}}\n{needed(config)}"
        found.setdefault(text, config)
    for code, row in read_yaml(ROOT / "registries/findings.yaml")["rows"].items():
        files = row.get("good", {}).get("files", {})
        if [*files] == ["mlcc.yaml"]:
            found.setdefault(files["mlcc.yaml"], code)
    return tuple((name, text) for text, name in found.items())


def chosen(number: int) -> tuple[str, str]:
    """The document for a rewriting: each in turn, and every second time one of the large ones."""
    large = [one for one in documents() if one[1].count("\n") > 11]
    return large[number // 2 % len(large)] if number % 2 else documents()[number // 2 % len(documents())]


def same_meaning(text: str, made: Rewriting) -> bool:
    """True where another parser than mlcc's finds the same in both, but for numbers and switches in other spellings."""
    found = _parsed(made.text)
    for key, value in _parsed(made.base).items() if made.base else ():
        found[key] = {**value, **found[key]} if isinstance(value, dict) and key in found else value
    return {k: v for k, v in found.items() if k not in ("extends", "x-notes")} == _parsed(text.encode())


def _parsed(data: bytes) -> Any:
    text = data.decode("utf-8-sig")
    return _joined(yaml.safe_load(text), yaml.load(text, Loader=yaml.BaseLoader))


def _joined(data: Any, texts: Any, section: str = "", key: str = "") -> Any:
    """A document with the values of some sections as they are written.  texts: all its values as they are written."""
    if isinstance(data, dict):
        return {name: _joined(value, texts[name], key, name) for name, value in data.items()}
    if isinstance(data, list):
        return [_joined(value, text) for value, text in zip(data, texts, strict=True)]
    return texts if section in TEXTS else data


def noise(mlcc: Caller, folder: Path, made: Rewriting) -> list[str]:
    """What mlcc reports as changed in an applied folder, the current one, whose mlcc.yaml was rewritten.

    An `extends` is a source of values, which the lock records: its lines may change then, and nothing else.
    """
    (folder / "mlcc.yaml").write_bytes(made.text)
    (folder / BASE_NAME).unlink(missing_ok=True)
    if made.base is not None:
        (folder / BASE_NAME).write_bytes(made.base)
    plan = mlcc("plan", "-o", "json")
    document = json.loads(plan.stdout)
    found = [f"value {row['path']}" for row in document.get("values", [])]
    found += [f"finding {f['code']} {f['message']}" for f in document["findings"] if f["severity"] == "error"]
    changed = [c["path"] for c in document.get("changes", []) if c["action"] != "unchanged"]
    split = made.base is not None and changed == ["mlcc.lock"]
    found += [] if split else [f"file {path}" for path in changed]
    diff, check = mlcc("diff"), mlcc("apply", "--check")
    found += [f"exit {plan.code} of plan"] if plan.code else []
    if split:
        changes = [li[1:].split(" source: ")[0] for li in diff.stdout.splitlines() if li[:1] in "-+" and li[1:2] == " "]
        found += [f"diff: {line}" for line in changes if changes.count(line) != 2]
        return [*found, *([] if check.code == 2 else [f"exit {check.code} of --check"])]
    locked = mlcc("apply", "--locked")
    found += [f"exit {locked.code} of --locked", locked.stderr] if locked.code else []
    found += [f"exit {check.code} of --check"] if check.code else []
    return found if diff.stdout.startswith("nothing to do") else [*found, f"diff: {diff.stdout[:500]}"]
