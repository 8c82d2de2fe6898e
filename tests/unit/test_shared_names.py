"""MLCC192: one name in AWS for two environments of a project."""

from __future__ import annotations

import pytest

from mlcc.checks.common import shared_name
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets.sagemaker import desired
from mlcc.registries.loader import load
from tests.aws.account import rendered
from tests.fakes import read, resolved

HEAD = "version: 1\nproject: {name: iris}\n"
PLACE = "deployment: {config: http-fastapi%s}\n"
BOTH = "environments:\n  dev: %s\n  prod: %s\n"
NAMED = HEAD + PLACE % "" + "endpoint: {name: flowers}\n"
ERROR, WARNING = Severity.ERROR, Severity.WARNING


def found(text: str) -> list[Finding]:
    """Findings in all environments of a project, in their order."""
    rows, root = load(), read(text).root
    environments = root.get("environments")
    names = [None, *(environments.value if environments is not None else ())]
    every = [resolved(text, known=rows, env=name) for name in names]
    return [f for one in every for f in shared_name.check(Subject(one, rows, root, (), every))]


@pytest.mark.parametrize(
    ("text", "severity", "line", "words"),
    [
        (NAMED + BOTH % ("{}", "{}"), ERROR, 4, "'flowers' in the default environment and environment dev, too"),
        (NAMED + "environments: {prod: {}}\n", WARNING, 4, "in the default environment, too"),
        (
            HEAD + PLACE % "" + BOTH % ("{endpoint: {name: Same}}", "{endpoint: {name: same}}"),
            ERROR, 6, "'same' in environment dev, too",
        ),
        (HEAD + PLACE % "" + BOTH % ("{}", "{endpoint: {name: iris-dev}}"), ERROR, 6, "in environment dev, too"),
        (
            HEAD + PLACE % "" + BOTH % ("{endpoint: {name: a}, deployment: {account_id: '123456789012'}}", "{endpoint: {name: a}}"),
            ERROR, 6, "in environment dev, too",
        ),
        (
            HEAD + PLACE % ", target: async-inference" + BOTH % ("{endpoint: {name: a}}", "{endpoint: {name: a}}"),
            ERROR, 6, "in environment dev, too",
        ),
        (
            HEAD + PLACE % "" + "inference_components: [{name: x}, {name: prod-x}]\nenvironments: {prod: {}}\n",
            WARNING, 4, "inference_components[x] has the name 'iris-prod-x' in the default environment, too",
        ),
        (
            HEAD + PLACE % ""
            + "inference_components: [{name: x}, {name: prod-x, enabled: false}]\nenvironments: {prod: {}}\n",
            None, 0, "",
        ),
    ],
)  # fmt: skip
def test_a_name_of_two_environments_is_a_finding_once(text, severity, line, words):
    findings = found(text)
    assert [(f.severity, f.line) for f in findings] == ([(severity, line)] if severity else [])
    assert all(words in f.message for f in findings)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + PLACE % "" + BOTH % ("{}", "{}"),
        HEAD + PLACE % "" + BOTH % ("{endpoint: {name: a}}", "{endpoint: {name: b}}"),
        NAMED,
        HEAD + PLACE % ", target: batch-transform" + BOTH % ("{}", "{}"),
        HEAD + PLACE % "" + BOTH % tuple(f"{{endpoint: {{name: a}}, deployment: {{region: {r}}}}}" for r in ("us-east-1", "us-west-2")),
        HEAD + PLACE % "" + BOTH % tuple(f"{{endpoint: {{name: a}}, deployment: {{account_id: '{n:012}'}}}}" for n in (1, 2)),
        HEAD + PLACE % "" + BOTH % tuple(
            f"{{endpoint: {{name: a}}, deployment: {{role_arn: 'arn:aws:iam::{n:012}:role/r'}}}}" for n in (1, 2)
        ),
    ],
)  # fmt: skip
def test_names_that_are_two_or_in_two_places_are_none(text):
    assert found(text) == []


def test_the_repair_names_the_keys_and_the_name_without_them():
    [finding] = found(NAMED + BOTH % ("{}", "{}"))
    assert "environments.prod.endpoint.name" in finding.hint
    assert "iris-prod then" in finding.hint


@pytest.mark.parametrize("extra", ["", "endpoint: {name: flowers}\n"])
def test_the_names_are_those_that_a_deployment_makes(extra):
    text = f"{HEAD}{PLACE % ''}{extra}inference_components: [{{name: x}}]\n"
    project = load_project(str(rendered(text)))
    names = set(shared_name._names(resolved(text, known=load())))
    assert names == {desired.endpoint_name(project), desired.component_name(project, "x")}
