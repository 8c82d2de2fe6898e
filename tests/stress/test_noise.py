"""G10 (docs/guarantees.md): other words for the same mlcc.yaml change no value and no file.

500 rewritings of the documents that this repository holds, and every default of theirs written out.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.core.paths import Item, format_path, nested
from tests.helpers import Caller, applied, build_tree
from tests.noise import chosen, documents, noise, same_meaning
from tests.rewrites import rewriting
from tests.stress.faults import figure

CHUNK = 50
# It is asked for in two ways then, and one of them has to go (MLCC390).
REFUSED = {"hyperpod.replicas"}


@pytest.mark.parametrize("chunk", range(figure(500 // CHUNK, 1)))
def test_rewritings_change_nothing(mlcc: Caller, tmp_path: Path, chunk: int) -> None:
    kinds, found = Counter[str](), list[str]()
    for number in range(chunk * CHUNK, chunk * CHUNK + figure(CHUNK, 2)):
        name, text = chosen(number)
        made = rewriting(text, number)
        assert same_meaning(text, made), made.text.decode()
        place = applied(tmp_path / str(number), text)
        os.chdir(place)
        found += [f"{number} ({name}, {made.kind}): {line}" for line in noise(mlcc, Path(), made)]
        kinds[made.kind] += 1
        shutil.rmtree(place)
    print(f"\n{kinds.total()} rewritings, {len(found)} reported as a change: {dict(kinds)}")
    assert found == []


@pytest.mark.parametrize("chunk", range(figure(4, 1)))
def test_a_default_that_is_written_out_changes_no_value(mlcc: Caller, tmp_path: Path, chunk: int) -> None:
    """Its source is another one then, which the lock records; no value and no other file changes."""
    tried, refused, found = 0, set[str](), list[str]()
    for name, text in documents()[chunk :: figure(4, 60)]:
        if "\nextends:" in text:
            continue
        place = applied(tmp_path / name, text)
        os.chdir(place)
        build_tree(Path(), {"mlcc.yaml": f"{text}\nextends: defaults.yaml\n"})
        values = pipeline.read("mlcc.yaml").resolved.values if _extended(place, {}) else {}
        for path, value in values.items():
            if value.source.level < 8 or any(isinstance(part, Item) for part in path):
                continue
            plain = list(value.value) if isinstance(value.value, tuple) else value.value
            _extended(place, nested({path: plain}))
            document = json.loads(mlcc("plan", "-o", "json").stdout)
            if any(f["severity"] == "error" for f in document["findings"]):
                refused.add(format_path(path))
                continue
            tried += 1
            changed = [c["path"] for c in document["changes"] if c["action"] != "unchanged"]
            found += [f"{name}: {format_path(path)}"] if document["values"] or changed != ["mlcc.lock"] else []
        shutil.rmtree(place)
    print(f"\n{tried} defaults written out, {len(found)} change more than their source")
    assert found == []
    assert refused <= REFUSED
    assert tried > figure(300, 10)


def _extended(place: Path, keys: dict[str, object]) -> bool:
    """Writes the file that mlcc.yaml extends."""
    (place / "defaults.yaml").write_text(json.dumps(keys))
    return True
