"""A data scientist's own pipeline: what is edited is code/handler.py alone, six commands serve it, a switch keeps it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.real.rig import JSON, Project, Rig, Server, free_port, must, run

pytestmark = pytest.mark.real

TRAIN = """
import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

rows = pd.DataFrame({
    "plan": ["basic", "gold"] * 30,
    "months": [1.0, 2.0, 3.0, 4.0, None, 6.0] * 10,
    "active": [False, True] * 30,
})
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["plan"]), (SimpleImputer(), ["months"]), remainder="passthrough"
)
model = make_pipeline(columns, LogisticRegression()).fit(rows, ["will_leave", "stays"] * 30)
joblib.dump(model, "churn.joblib")
"""
# What the data scientist writes: probabilities, and an answer of their own with a package of their own.
EDITS = (
    ("import joblib\n", "import inflection\nimport joblib\n"),
    ("        return model.predict(features(model, data))\n", "        return labels_and_probabilities(model, features(model, data))\n"),
    (
        "    return write_answer(predictions, accept)\n",
        '    found = [{"answer": inflection.titleize(one["label"]), "sure": max(one["probabilities"].values())}'
        ' for one in predictions]\n    return json.dumps({"customers": found}), JSON\n',
    ),
)  # fmt: skip
ROWS = [{"plan": "basic", "months": 1, "active": False}, {"active": True, "months": None, "plan": "gold"}]


def answers(server: Server) -> list[str]:
    """The labels of two customers, in words."""
    answer = server.invoke({"instances": ROWS})
    assert answer.status == 200, answer.text
    customers: list[dict[str, Any]] = answer.json()["customers"]
    assert all(0.5 < one["sure"] <= 1 for one in customers)
    return [one["answer"] for one in customers]


def served(project: Project) -> list[str]:
    """do/build, do/deploy, do/test; then the answers of the running server."""
    project.do("build", "--target", "local")
    url = project.json("deploy", "--target", "local", "--port", str(free_port()))["url"]
    tested = project.json("test", "--target", "local")
    assert all(one["ok"] for one in tested["checks"]), tested
    return answers(Server(url))


def test_a_pipeline_of_one_s_own_is_served_after_six_commands_and_a_switch(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "churn"
    path.mkdir()
    must(run(sys.executable, "-c", TRAIN, cwd=path), "training")
    project = Project(path, {**rig.environ, "MLCC_ENGINE": "none"})

    rig("init", "churn", "--model", "./churn.joblib", cwd=path)
    rig("set", "build.requirements", "inflection==0.5.1", cwd=path)
    rig("apply", cwd=path)
    handler = path / "code/handler.py"
    text = handler.read_text()
    for old, new in EDITS:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    handler.write_text(text)
    try:
        assert served(project) == ["Will Leave", "Stays"]

        for backend in ("flask", "nginx"):
            rig("set", "deployment.config", f"http-{backend}", cwd=path)
            rig("apply", cwd=path)
            assert handler.read_text() == text, "the edits are kept"
            assert served(project) == ["Will Leave", "Stays"]
        refused = Server(json.loads(project.do("status", "--target", "local", "--json").stdout)["url"])
        answer = refused.invoke({"instances": [{"plan": "basic"}]})
        assert (answer.status, "months" in answer.json()["error"]) == (400, True)
        assert refused.invoke("plan,months,active\nbasic,1,0\n", "text/csv", Accept=JSON).status == 200
    finally:
        assert all(project.json("clean", "--target", "local")["proofs"].values())
