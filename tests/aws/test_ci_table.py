"""G36: the table that continuous integration tests: its rows, the call that writes them, and what DynamoDB answers."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc import pipeline
from mlcc.cli.boundary import run as run_command
from mlcc.cli.commands.ci import _shown
from mlcc.cli.main import cli
from mlcc.cli.session import Session
from mlcc.core.errors import MlccError, PreconditionError, UserError
from mlcc.io.aws import dynamodb
from mlcc.io.aws.connection import AwsError, Connection
from mlcc.io.aws.dynamodb import DynamoDb
from mlcc.lifecycle.bootstrap.profile import Ci, Profile
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.deployments import ci_table, registration
from mlcc.lifecycle.deployments.registration import Asked
from mlcc.lifecycle.steps import register
from mlcc.load.request import Request
from tests.aws import walker
from tests.aws.account import loaded, render
from tests.helpers import build_tree, needed, read_tree

# Read before a test's environment is made.
MINISTACK = os.environ.get("MLCC_REAL_MINISTACK", "")
TOKEN = "hf_" + "a1B2" * 9
CHAT = """version: 1
project: {name: chat}
deployment: {config: transformers-vllm, region: us-west-2, instance_type: ml.g5.12xlarge}
model: {name: Qwen/Qwen3-4B}
engine: {lora: {enabled: true}, max_model_len: 4096}
env: {GREETING: hello}
ci: {tier: nightly, workload: multi_turn_chat}
inference_components: [{name: b, gpu_count: 1}, {name: a, gpu_count: 1}]
adapters: [{name: legal, base: b, artifact_url: s3://bucket/legal.tar.gz}]
"""
ONE = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, region: us-east-1}\n"


class Answers:
    """A connection that answers from a table of operations, and keeps what it was asked.  STS is fixed."""

    region = "us-east-1"

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, list[tuple[str, Mapping[str, Any]]]()

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if service == "sts":
            return {"Account": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/r/s"}
        walker.check(service, operation, parameters)
        self.asked.append((operation, parameters))
        answer = self.answers.get(operation, {})
        if isinstance(answer, AwsError):
            raise answer
        return dict(answer)


def context(project: Path, caller: Any, **arguments: Any) -> Context:
    given = {"ci": True, **arguments}
    return Context(
        loaded(project, None), {}, Silent(), lambda _: None, lambda: 0.0, given, lambda: 1_800_000_000.0,
        lambda _: caller, user="somebody",
    )  # fmt: skip


def row(project: Path, **arguments: Any) -> dict[str, Any]:
    return dict(register.run(context(project, Answers(), **arguments)).document["record"])


# ---------------------------------------------------------------- rows
def test_a_row_says_all_that_a_test_needs(tmp_path: Path) -> None:
    found = row(render(CHAT, tmp_path / "p"), benchmark_enabled=True, notes=f"with {TOKEN}")
    # transformers-vllm:Qwen/Qwen3-4B:ml.g5.12xlarge:us-west-2:realtime-inference:2:1
    assert found["configId"] == found["configIdFull"][:16] == "5b7e09747221a1a2"
    assert (found["schemaVersion"], found["testStatus"], found["lastTestTimestamp"]) == (
        2,
        "untested",
        "1970-01-01T00:00:00Z",
    )
    assert (found["due"], found["dueAt"]) == ("due", "2027-01-15T08:00:00Z")
    assert [one["name"] for one in found["icList"]] == ["a"], "the first by name alone is tested"
    assert (found["icCount"], found["adapterCount"]) == (2, 1), "and all are counted"
    assert (found["tier"], found["workload"], found["benchmarkEnabled"]) == ("nightly", "multi_turn_chat", True)
    assert found["registeredBy"] == "somebody"
    assert found["registeredByArn"].startswith("arn:aws:sts::")
    assert found["notes"] == "with ***REDACTED***"


@pytest.mark.parametrize("config", ["http-flask", "transformers-vllm", "triton-onnxruntime", "diffusors-comfyui"])
def test_what_a_test_makes_of_a_row_is_the_same_configuration(config: str, tmp_path: Path) -> None:
    text = f"version: 1\nproject: {{name: p}}\ndeployment: {{config: {config}, region: us-east-1}}\n" + needed(config)
    first = row(render(text, tmp_path / "first"))
    again = row(render(first["configJson"], tmp_path / "again"))
    assert (again["configId"], again["configJson"]) == (first["configId"], first["configJson"])


def test_of_several_components_one_is_tested(tmp_path: Path) -> None:
    first = row(render(CHAT, tmp_path / "first"))
    tested = json.loads(first["configJson"])
    assert [c["name"] for c in tested["inference_components"]] == ["a"]
    assert "adapters" not in tested
    assert row(render(first["configJson"], tmp_path / "again"))["icCount"] == 1


def test_a_row_holds_no_secret(tmp_path: Path) -> None:
    """A file with such values is refused before; a row does not rely on that."""
    env = f"env: {{GREETING: hello, MY_PASSWORD: swordfish, PASTED: {TOKEN}}}\n"
    build_tree(tmp_path, {"mlcc.yaml": ONE + env})
    project = pipeline.read(tmp_path / "mlcc.yaml", Request())
    (found,) = registration.rows({"mlcc.yaml": project}, Asked("us-east-1"), 0.0, {})
    assert json.loads(found.attributes["configJson"])["env"] == {"GREETING": "hello"}
    assert found.attributes["parameters"] == {
        "GREETING": "hello",
        "MY_PASSWORD": "***REDACTED***",
        "PASTED": "***REDACTED***",
    }
    assert not {TOKEN, "swordfish"} & set(re.findall(r"\w+", json.dumps(found.attributes)))


def test_what_is_only_for_people_gives_way(tmp_path: Path) -> None:
    found = row(render(CHAT, tmp_path / "p"), notes="x" * 400_000)
    assert found["notes"] == ci_table.CUT
    assert found["configJson"]
    assert dynamodb.size_of(dynamodb.attribute(found)) < ci_table.MAX_ROW


# ---------------------------------------------------------------- answers
def test_new_updated_and_a_row_of_an_older_recipe(tmp_path: Path) -> None:
    project = render(ONE, tmp_path / "p")
    made = register.run(context(project, caller := Answers()))
    assert made.document["result"] == "new"
    assert [operation for operation, _ in caller.asked] == ["UpdateItem", "GetItem"]
    old = {"testStatus": {"S": "pass"}, "schemaVersion": {"N": "1"}}
    again = context(project, Answers(UpdateItem={"Attributes": old}, GetItem={"Item": old}))
    done = register.run(again)
    assert (done.document["result"], done.document["before"]) == ("updated", "pass")
    assert "older recipe" in again.progress.lines[0]  # type: ignore[attr-defined]


def test_a_row_that_was_another_project_s_is_named(tmp_path: Path) -> None:
    project = render(ONE, tmp_path / "p")
    for name, warned in (("flowers", True), ("iris", False), ("", False)):
        was = {"testStatus": {"S": "pass"}} | ({"projectName": {"S": name}} if name else {})
        again = context(project, Answers(UpdateItem={"Attributes": was}))
        assert register.run(again).document["before_project"] == name
        lines = again.progress.lines  # type: ignore[attr-defined]
        assert ["the project 'flowers', and is of 'iris' now" in line for line in lines] == [True] * warned
    assert register.run(context(project, Answers())).document["before_project"] == ""


def test_many_rows_name_the_projects_that_they_were_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    render(ONE, tmp_path / "p")
    (made,) = unrendered_rows(tmp_path)
    session = Session(environ={}, verbosity=-1)
    for name, warned in (("flowers", True), ("iris", False)):
        caller, shown = Answers(UpdateItem={"Attributes": {"projectName": {"S": name}}}), list[dict[str, Any]]()
        registration.register(
            [made], caller, "t", None, lambda row, done, to=shown: to.append(_shown(session, row, done))
        )  # type: ignore[misc]
        assert [(one["result"], one["before_project"]) for one in shown] == [("updated", name)]
        assert ("was of the project 'flowers'" in capsys.readouterr().err) == warned


REFUSED = "ConditionalCheckFailedException"


@pytest.mark.parametrize(
    ("words", "result", "mistake"),
    [([], True, False), (["-o", "table"], False, False), (["--output=table"], False, False), (["--json"], True, True)],
)
def test_the_row_is_json_unless_another_form_is_asked_for(
    words: list[str], result: bool, mistake: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mistakes are lines for people, as those of other steps, unless JSON is asked for."""
    argv = ["do", "-C", str(render(ONE, tmp_path / "p")), "register", "--ci", *words]
    environ = {"HOME": str(tmp_path), "MLCC_HOME": str(tmp_path / "home"), "MLCC_PLUGINS": "none"}
    refused = AwsError("dynamodb", "UpdateItem", "ResourceNotFoundException", "no", 400, {})
    for caller, code, as_json in ((Answers(), 0, result), (Answers(UpdateItem=refused), 3, mistake)):
        session = Session(environ=environ, connect=lambda region, caller=caller: caller)  # type: ignore[misc]
        assert run_command(cli, argv, session=session) == code
        shown = capsys.readouterr()
        assert shown.out.startswith("{") == as_json
        assert as_json or ("new in mlcc-ci-table" in shown.out) == (code == 0)
        assert ("MLCC329" in shown.err) == (code == 3 and not as_json)


@pytest.mark.parametrize(
    ("code", "item", "finding", "kind"),
    [
        (REFUSED, {"configIdFull": {"S": "0" * 64}}, "MLCC330", UserError),
        (REFUSED, {"schemaVersion": {"N": "3"}}, "MLCC336", UserError),
        ("ResourceNotFoundException", {}, "MLCC329", PreconditionError),
        ("ThrottlingException", {}, "MLCC328", UserError),
    ],
)
def test_what_is_not_written(code: str, item: Any, finding: str, kind: type[MlccError], tmp_path: Path) -> None:
    refused = AwsError("dynamodb", "UpdateItem", code, "no", 400, {"Item": item} if item else {})
    with pytest.raises(kind) as caught:
        register.run(context(render(ONE, tmp_path / "p"), Answers(UpdateItem=refused)))
    assert caught.value.findings[0].code == finding
    if finding == "MLCC329":
        assert "mlcc bootstrap" in caught.value.findings[0].hint


@pytest.mark.parametrize("value", ["a", "", 0, -3, 1.5, True, None, [], ["a", 1], {}, {"a": {"b": [None]}}])
def test_values_come_back_as_they_were(value: Any) -> None:
    assert dynamodb.plain(dynamodb.attribute(value)) == value


# ---------------------------------------------------------------- many at once
def test_many_projects_without_rendering(tmp_path: Path) -> None:
    build_tree(tmp_path, {"a/mlcc.yaml": CHAT, "b/mlcc.yaml": CHAT, "c/mlcc.yaml": ONE})
    before = read_tree(tmp_path)
    files = [str(tmp_path / name / "mlcc.yaml") for name in "abc"]
    projects = {file: pipeline.read(file, Request()) for file in files}
    made = registration.rows(projects, Asked("us-east-1", "somebody"), 1_800_000_000.0, {})
    assert [(one.file, one.same) for one in made] == [(files[0], (files[1],)), (files[2], ())]
    shown: list[str] = []
    caller = Answers()
    registration.register(made, caller, "t", None, lambda _, done: shown.append(done.id))
    assert shown == [one.attributes["configId"] for one in made]
    assert read_tree(tmp_path) == before
    rendered = row(render(CHAT, tmp_path / "rendered"))
    of_step = {"imageTag", "lockDigest", "registeredByArn", "accountId"}
    images = {"icList"}  # the tag of an image is known after rendering
    assert set(rendered) - of_step == set(made[0].attributes) - of_step
    for name in rendered.keys() - of_step - images:
        assert made[0].attributes[name] == rendered[name], name


# ---------------------------------------------------------------- which table
ACME = Profile("acme", "us-west-2", prefix="acme")


@pytest.mark.parametrize(
    ("profile", "arguments", "table", "region"),
    [
        (None, {}, "mlcc-ci-table", "eu-west-1"),
        (ACME, {}, "acme-ci-table", "us-west-2"),
        (ACME._replace(ci=Ci("made")), {}, "made", "us-west-2"),
        (ACME, {"ci_table": "mine"}, "mine", "us-west-2"),
    ],
)
def test_the_table_is_the_profile_s(
    profile: Profile | None, arguments: dict[str, str], table: str, region: str, tmp_path: Path
) -> None:
    asked, regions = Answers(), list[str]()

    def connect(place: str) -> Answers:
        regions.append(place)
        return asked

    step = context(render(ONE, tmp_path / "p"), asked, **arguments)
    given = dataclasses.replace(
        step, environ={"AWS_REGION": "eu-west-1"}, find_profile=lambda: profile, connect=connect
    )
    assert register.run(given).document["table"] == table
    assert regions == [region], "where `mlcc bootstrap deploy ci` makes it"
    assert {parameters["TableName"] for _, parameters in asked.asked} == {table}
    dry = dataclasses.replace(given, arguments={**given.arguments, "dry_run": True})
    (call,) = register.run(dry).document["calls"]
    assert call["parameters"]["TableName"] == table


# ---------------------------------------------------------------- whose account
OTHER = ONE.replace("region: us-east-1", 'region: us-east-1, account_id: "210987654321"')
THEIRS = Profile("team", "us-east-1", "210987654321")


def unrendered_rows(folder: Path) -> list[registration.Row]:
    projects = {"p": pipeline.read(str(folder / "p" / "mlcc.yaml"), Request())}
    return registration.rows(projects, Asked("us-east-1"), 1_800_000_000.0, {})


@pytest.mark.parametrize(("text", "profile", "code"), [(OTHER, None, "MLCC325"), (ONE, THEIRS, "MLCC345")])
def test_nothing_is_written_into_another_account(text: str, profile: Any, code: str, tmp_path: Path) -> None:
    caller = Answers()
    asked = dataclasses.replace(context(render(text, tmp_path / "p"), caller), find_profile=lambda: profile)
    with pytest.raises(UserError) as refused:
        register.run(asked)
    assert refused.value.findings[0].code == code
    with pytest.raises(UserError) as refused:
        registration.register(unrendered_rows(tmp_path), caller, "t", profile, lambda *_: None)
    assert refused.value.findings[0].code == code
    assert caller.asked == []


def test_the_right_account_is_no_obstacle(tmp_path: Path) -> None:
    text = OTHER.replace("210987654321", "123456789012")
    asked = dataclasses.replace(context(render(text, tmp_path / "p"), Answers()), find_profile=lambda: THEIRS)
    assert register.run(asked).document["record"]["accountId"] == "123456789012"
    shown: list[Any] = []
    registration.register(unrendered_rows(tmp_path), Answers(), "t", THEIRS, lambda *one: shown.append(one))
    assert len(shown) == 1


# ---------------------------------------------------------------- a real table
@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Connection, str]]:
    """A table of `ministack`, another maker's DynamoDB, with the keys and indexes of ours."""
    assert MINISTACK, "ministack is not installed: tests/real/run.sh does it"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    environ = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "HOME": str(tmp_path)}
    url = f"http://127.0.0.1:{port}"
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen([MINISTACK], env=environ, cwd=tmp_path, stdout=log, stderr=log)
    try:
        for _ in range(200):
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                    f"{url}/_ministack/health", timeout=2
                ).close()
                break
            except OSError:
                time.sleep(0.1)
        for name, value in {
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": str(tmp_path / "none"), "NO_PROXY": "127.0.0.1",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("no_proxy", raising=False)
        yield Connection("us-east-1"), ci_table.TABLE
    finally:
        server.terminate()
        server.wait(20)


def index(name: str, key: str, order: str) -> dict[str, Any]:
    keys = [{"AttributeName": key, "KeyType": "HASH"}, {"AttributeName": order, "KeyType": "RANGE"}]
    return {"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}


INDEXES = [
    ("testStatus-lastTestTimestamp-index", "testStatus", "lastTestTimestamp"),
    ("due-dueAt-index", "due", "dueAt"),
]


@pytest.mark.real
def test_on_a_table(table: tuple[Connection, str], tmp_path: Path) -> None:
    connection, name = table
    project = render(ONE, tmp_path / "p")
    with pytest.raises(PreconditionError, match="there is no table"):
        register.run(context(project, connection))
    fields = ("configId", "testStatus", "lastTestTimestamp", "due", "dueAt")
    connection.call(
        "dynamodb",
        "CreateTable",
        {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": f, "AttributeType": "S"} for f in fields],
            "KeySchema": [{"AttributeName": "configId", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [index(*one) for one in INDEXES],
        },
    )
    items = DynamoDb(connection, name)
    made = register.run(context(project, connection, notes="first")).document
    key = {"configId": made["record"]["configId"]}
    assert (made["result"], items.item(key)["notes"]) == ("new", "first")  # type: ignore[index]
    _tested(items, name, key)
    again = register.run(context(project, connection)).document
    found = items.item(key)
    assert found is not None
    assert (again["result"], again["before"]) == ("updated", "pass")
    assert (found["testStatus"], found["benchmarkEnabled"]) == ("untested", True)
    assert not {"notes", "errorMessage", "lastTestDuration"} & set(found), "nothing of before stays but the benchmark"
    for one, first, second in INDEXES:
        wanted = {"TableName": name, "IndexName": one, "KeyConditionExpression": "#k = :k"}
        wanted |= {"ExpressionAttributeNames": {"#k": first}, "ExpressionAttributeValues": {":k": {"S": found[first]}}}
        listed = connection.call("dynamodb", "Query", wanted)["Items"]
        assert [one[second]["S"] for one in listed] == [found[second]]
    _refusals(items, name, key, context(project, connection))


def _tested(items: DynamoDb, name: str, key: Mapping[str, Any]) -> None:
    """What a test and a person leave in a row."""
    left = {"testStatus": "pass", "lastTestDuration": 12, "errorMessage": "x", "benchmarkEnabled": True}
    assert items.update(dynamodb.update_request(name, key, left, "attribute_exists(#configId)")).done


def _refusals(items: DynamoDb, name: str, key: Mapping[str, Any], again: Context) -> None:
    """A row of a newer mlcc, and one of another configuration; then one of an old writer, which is written over."""
    for changed, words in (({"schemaVersion": 3}, "schemaVersion 3"), ({"schemaVersion": 1}, "")):
        assert items.update(dynamodb.update_request(name, key, changed, "attribute_exists(#configId)")).done
        if words:
            with pytest.raises(UserError, match=words):
                register.run(again)
    other = {"configIdFull": "0" * 64}
    assert items.update(dynamodb.update_request(name, key, other, "attribute_exists(#configId)")).done
    with pytest.raises(UserError, match="another configuration"):
        register.run(again)
    old = {"testStatus": "fail-deploy_test"}
    gone = dynamodb.update_request(name, key, old, "attribute_exists(#configId)", removed=("configIdFull",))
    assert items.update(gone).done
    assert register.run(again).document["before"] == "fail-deploy_test"
