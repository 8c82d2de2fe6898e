"""do/adapter on our server, and what do/test says of an adapter that answers like its base."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from mlcc.core.errors import MlccError, PreconditionError, UsageError, UserError
from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.faults import ERROR, EXECUTED, Fault
from tests.aws import walker
from tests.aws.account import World, rendered
from tests.aws.test_deploy import HEAD

ONE = HEAD + "inference_components: [{name: base, gpu_count: 1}]\n"
WITH = ONE + "adapters: [{name: legal, artifact_url: s3://bucket/legal.tar.gz}]\n"
OTHER = WITH.replace("legal.tar.gz", "legal-2.tar.gz")


@pytest.fixture
def world() -> World:
    """An endpoint without the adapter."""
    found = World()
    verbs.deploy(found.context(rendered(ONE)))
    return found


def act(world: World, text: str, action: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    name = ("" if action == "list" else "legal") if name is None else name
    return dict(verbs.adapter(world.context(rendered(text), action=action, name=name, **more)).document)


def artifact(world: World) -> str:
    found = world.call("sagemaker", "DescribeInferenceComponent", {"InferenceComponentName": "chat-legal"})
    return str(found["Specification"]["Container"]["ArtifactUrl"])


def test_added_updated_listed_removed(world: World) -> None:
    before = world.left()
    assert act(world, WITH, "list")["adapters"][0]["status"] == "NotDeployed"
    assert act(world, WITH, "add") == {"adapter": "legal", "status": "InService"}
    assert act(world, WITH, "add")["status"] == "InService"
    assert act(world, OTHER, "update")["status"] == "InService"
    assert artifact(world) == "s3://bucket/legal-2.tar.gz"
    assert [(a["name"], a["status"]) for a in act(world, WITH, "list")["adapters"]] == [("legal", "InService")]
    assert act(world, WITH, "remove")["status"] == "NotDeployed"
    assert act(world, WITH, "remove")["status"] == "NotDeployed"
    assert world.left() == before


def test_what_was_not_there_is_not_called_removed(world: World) -> None:
    def removed(on: World) -> tuple[bool, str]:
        found = verbs.adapter(on.context(rendered(WITH), action="remove", name="legal"))
        return found.ok, found.lines[0]

    nothing = (True, "the adapter legal is not there: nothing was removed")
    assert removed(World()) == removed(world) == nothing
    act(world, WITH, "add")
    assert "is removed; the next do/deploy adds it again" in removed(world)[1]
    assert removed(world) == nothing


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_list_takes_no_name(world: World, dry_run: bool) -> None:
    with pytest.raises(UsageError) as refused:
        act(world, WITH, "list", "extra", dry_run=dry_run)
    assert "'extra'" in refused.value.findings[0].message


OFF = WITH.replace("name: legal,", "name: legal, enabled: false,")


@pytest.mark.parametrize("action", ["add", "update", "remove"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_an_adapter_that_is_switched_off_is_called_so(world: World, action: str, dry_run: bool) -> None:
    with pytest.raises(UserError) as refused:
        act(world, OFF, action, dry_run=dry_run)
    (one,) = refused.value.findings
    assert "'legal' is switched off: adapters[legal].enabled is false" in one.message
    assert "mlcc set 'adapters[legal].enabled' true" in one.hint


def test_do_test_calls_it_so_too(world: World) -> None:
    with pytest.raises(UserError) as refused:
        verbs.test(world.context(rendered(OFF), component="legal"))
    assert "switched off" in refused.value.findings[0].message


def test_an_adapter_that_cannot_be_updated_is_made_anew(world: World) -> None:
    """Some callers of the service have seen this answer for adapters."""
    act(world, WITH, "add")
    refusal = Fault("UpdateInferenceComponent", ERROR, "ValidationException", "Update operation is not supported", 400)
    world.dispatcher.faults.add(refusal)
    assert act(world, OTHER, "update")["status"] == "InService"
    assert artifact(world) == "s3://bucket/legal-2.tar.gz"
    assert world.operations()[-2:] == ["DeleteInferenceComponent", "CreateInferenceComponent"]


def test_an_update_that_the_container_refuses_leaves_what_was_loaded(world: World) -> None:
    act(world, WITH, "add")
    act(world, OTHER, "update")
    (container,) = world.running
    assert container.adapters == {"chat-legal": "s3://bucket/legal-2.tar.gz"}
    with pytest.raises(UserError) as refused:
        act(world, WITH.replace("legal.tar.gz", "broken.tar.gz"), "update")
    assert refused.value.findings[0].code == "MLCC324"
    assert container.adapters == {"chat-legal": "s3://bucket/legal-2.tar.gz"}
    assert artifact(world) == "s3://bucket/legal-2.tar.gz"


@pytest.mark.parametrize(
    ("text", "action", "name", "code", "exit_code"),
    [
        (WITH, "update", "legal", "MLCC309", 3),
        (WITH, "add", "medical", "MLCC102", 1),
        (WITH, "remove", "", "MLCC102", 2),
        (WITH, "add", "", "MLCC102", 2),
        (ONE, "add", "legal", "MLCC102", 1),
    ],
)
def test_what_cannot_be_done_is_named(
    world: World, text: str, action: str, name: str, code: str, exit_code: int
) -> None:
    made = world.operations()
    with pytest.raises(MlccError) as refused:
        act(world, text, action, name)
    assert (refused.value.findings[0].code, refused.value.exit_code) == (code, exit_code)
    assert world.operations() == made


def test_an_adapter_needs_its_base() -> None:
    with pytest.raises(PreconditionError) as missing:
        act(World(), WITH, "add")
    assert missing.value.findings[0].code == "MLCC309"


@pytest.mark.parametrize("action", ["add", "update", "remove"])
def test_a_dry_run_shows_the_calls(world: World, action: str) -> None:
    if action != "add":
        act(world, WITH, "add")
    made = world.operations()
    document = act(world, OTHER, action, dry_run=True)
    assert world.operations() == made
    assert [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
    act(world, OTHER, action)
    shown = [c["operation"] for c in document["calls"] if c["service"] != "sagemaker-runtime"]
    assert shown == world.operations()[len(made) :]
    asked = [
        c["parameters"]["InferenceComponentName"] for c in document["calls"] if c["service"] == "sagemaker-runtime"
    ]
    assert asked == ([] if action == "remove" else ["chat-legal", "chat-base"])


@pytest.mark.parametrize(
    "operation", ["CreateInferenceComponent", "DeleteInferenceComponent", "UpdateInferenceComponent"]
)
def test_a_lost_reply_does_no_harm(world: World, operation: str) -> None:
    world.dispatcher.faults.add(Fault(operation, EXECUTED))
    act(world, WITH, "add")
    act(world, OTHER, "update")
    assert artifact(world) == "s3://bucket/legal-2.tar.gz"
    act(world, OTHER, "remove")
    assert "chat-legal" not in world.account.components


# ---------------------------------------------------------------- do/test and do/invoke
class Answering:
    """An account whose runtime answers from a table, by the name of the component."""

    def __init__(self, world: World, answers: Mapping[str, Any]) -> None:
        self.world, self.answers, self.region = world, answers, world.region
        self.asked: list[Mapping[str, Any]] = []

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if service != "sagemaker-runtime":
            return self.world.call(service, operation, parameters)
        walker.check(service, operation, parameters)
        self.asked.append(parameters)
        found = self.answers[parameters["InferenceComponentName"]]
        if isinstance(found, AwsError):
            raise found
        if operation == "InvokeEndpointWithResponseStream":
            return {"Body": [{"PayloadPart": {"Bytes": part}} for part in found]}
        body = found if isinstance(found, bytes) else json.dumps({"id": str(len(self.asked)), **found}).encode()
        return {"Body": io.BytesIO(body), "ContentType": "application/json"}


def asking(world: World, answers: Mapping[str, Any], **arguments: Any) -> tuple[Answering, Any]:
    account = Answering(world, answers)
    context = world.context(rendered(WITH), **arguments)
    object.__setattr__(context, "connect", lambda region: account)
    return account, context


def says(word: str) -> dict[str, Any]:
    return {"choices": [{"message": {"content": word}}]}


@pytest.mark.parametrize("action", ["add", "update"])
def test_an_adapter_is_asked_once_it_serves(world: World, action: str) -> None:
    if action == "update":
        act(world, OTHER, "add")
    account, context = asking(
        world, {"chat-base": says("hello"), "chat-legal": says("whereas")}, action=action, name="legal"
    )
    result = verbs.adapter(context)
    assert result.ok
    assert (result.document["status"], [c["ok"] for c in result.document["checks"]]) == ("InService", [True])
    assert result.lines[-1] == "the adapter legal serves"
    assert [one["InferenceComponentName"] for one in account.asked] == ["chat-legal", "chat-base"]


def test_an_adapter_that_answers_as_its_base_is_no_success(world: World) -> None:
    """It stays where it is: do/test asks it again."""
    _, context = asking(world, {"chat-base": says("hello"), "chat-legal": says("hello")}, action="add", name="legal")
    result = verbs.adapter(context)
    assert not result.ok
    assert "is it loaded?" in result.lines[0]
    assert result.lines[-1] == "the adapter legal is InService, and does not serve: do/test asks it again"
    assert "chat-legal" in world.account.components


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationError"])
def test_who_cannot_ask_an_adapter_has_added_it_all_the_same(world: World, code: str) -> None:
    refused = AwsError("sagemaker-runtime", "InvokeEndpoint", code, "no", 400)
    _, context = asking(world, {"chat-base": refused, "chat-legal": refused}, action="add", name="legal")
    result = verbs.adapter(context)
    assert result.ok
    assert result.lines == [f"the adapter legal is InService, and was not asked ({code}): do/test asks it"]


def test_a_deployment_with_adapters_names_what_asks_them(world: World) -> None:
    assert "do/test" in verbs.deploy(world.context(rendered(WITH))).lines[-1]
    assert "do/test" not in verbs.deploy(world.context(rendered(ONE))).lines[-1]


class Loading(Answering):
    """The adapter answers like its base, or not at all, for some questions."""

    left = 3

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().call(service, operation, parameters)
        if service == "sagemaker-runtime" and parameters["InferenceComponentName"] == "chat-legal" and self.left:
            self.left -= 1
            if self.left == 1:
                raise AwsError(service, operation, "ModelError", "x", 424, {"OriginalStatusCode": 424})
            return super().call(service, operation, {**parameters, "InferenceComponentName": "chat-base"})
        return answer


def test_an_adapter_may_need_some_seconds_until_it_is_loaded(world: World) -> None:
    act(world, WITH, "add")
    words = {name: says(name) for name in ("chat-base", "chat-legal")}
    account = Loading(world, words)
    context = world.context(rendered(WITH))
    object.__setattr__(context, "connect", lambda region: account)
    before = world.account.timeline.now
    result = verbs.test(context)
    assert result.ok, result.lines
    assert 10 <= world.account.timeline.now - before <= 30


def test_what_does_not_serve_is_not_asked_and_said_first(world: World) -> None:
    account, context = asking(world, {"chat-base": says("hello")})
    result = verbs.test(context)
    assert not result.ok
    checks = [(c["name"], c["ok"]) for c in result.document["checks"]]
    assert checks[:3] == [("endpoint health", True), ("base health", True), ("legal health", False)]
    assert {one["InferenceComponentName"] for one in account.asked} == {"chat-base"}
    assert "NotDeployed" in result.document["checks"][2]["detail"]
    account, context = asking(World(), {})
    assert [c["ok"] for c in verbs.test(context).document["checks"]] == [False] * 3
    assert account.asked == []


def test_the_canary_finds_an_adapter_that_is_not_loaded(world: World) -> None:
    act(world, WITH, "add")
    _, context = asking(world, {"chat-base": says("hello"), "chat-legal": says("hello")})
    result = verbs.test(context)
    assert not result.ok
    assert [c["name"] for c in result.document["checks"] if not c["ok"]] == ["legal canary"]
    account, context = asking(world, {"chat-base": says("hello"), "chat-legal": says("whereas")})
    assert verbs.test(context).ok
    greedy = [json.loads(r["Body"]).get("temperature") for r in account.asked]
    assert greedy.count(0) == 2, "the canary's questions are asked without chance"


def test_one_request(world: World) -> None:
    account, context = asking(
        world, {"chat-legal": {"text": "x"}}, component="legal", payload=io.BytesIO(b'{"a": 1}'), content_type="text/x"
    )
    document = verbs.invoke(context).document
    assert json.loads(document["body"])["text"] == "x"
    assert account.asked == [
        {"EndpointName": "chat", "ContentType": "text/x", "InferenceComponentName": "chat-legal", "Body": b'{"a": 1}'}
    ]


def test_a_stream_is_shown_line_by_line(world: World) -> None:
    shown: list[str] = []
    parts = [b"data: on", b"e\n\nda", "ta: zw\u00f6lf\n".encode()[:8], "ta: zw\u00f6lf\n".encode()[8:], b"end"]
    _, context = asking(world, {"chat-base": parts}, stream=True)
    object.__setattr__(context, "emit", shown.append)
    verbs.invoke(context)
    assert shown == ["data: one", "", "data: zw\u00f6lf", "end"]


@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [
        (
            AwsError("r", "I", "ModelError", "x", 424, {"OriginalStatusCode": 400, "OriginalMessage": "bad"}),
            False,
            "bad",
        ),
        (b"\x89PNG\x00\xff", True, "6 bytes of application/json"),
    ],
)
def test_other_answers(world: World, answer: Any, ok: bool, words: str) -> None:
    result = verbs.invoke(asking(world, {"chat-base": answer})[1])
    assert result.ok is ok
    assert words in "\n".join(result.lines)
    assert result.raw == (answer if isinstance(answer, bytes) else b"")


def test_no_copy_is_no_fault_of_the_model(world: World) -> None:
    words = "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress"
    _, context = asking(world, {"chat-base": AwsError("r", "I", "ValidationError", words, 400)})
    with pytest.raises(UserError) as refused:
        verbs.invoke(context)
    assert refused.value.findings[0].code == "MLCC319"


def test_too_much_is_not_sent(world: World) -> None:
    account, context = asking(world, {}, payload=io.BytesIO(b"x" * 6_291_457))
    with pytest.raises(UserError) as refused:
        verbs.invoke(context)
    assert refused.value.findings[0].code == "MLCC318"
    assert account.asked == []


def test_client_lines_can_be_copied(world: World) -> None:
    hostile = b'\'; rm -rf / #\n"""$(x)'
    _, context = asking(world, {}, clients=True, payload=io.BytesIO(hostile), component="legal")
    clients = verbs.invoke(context).document["clients"]
    assert set(clients) == {"curl", "boto3"}
    compile(clients["boto3"], "client", "exec")
    sent: dict[str, Any] = {}
    client = type(
        "Client", (), {"invoke_endpoint": lambda self, **parameters: sent.update(parameters) or {"Body": io.BytesIO()}}
    )()
    library = type("Library", (), {"client": staticmethod(lambda *a, **k: client)})
    exec(clients["boto3"].replace("import boto3", ""), {"boto3": library})
    assert sent["Body"].encode() == hostile
    assert sent["InferenceComponentName"] == "chat-legal"


@pytest.mark.parametrize(
    ("model", "engine", "named"),
    [
        ("Qwen/Qwen3-0.6B", "", "Qwen/Qwen3-0.6B"),
        ("Qwen/Qwen3-0.6B", "engine: {served_model_name: chat}\n", "chat"),
        ("s3://bucket/model/", "", "/opt/ml/model"),
    ],
)
def test_openai_s_client_names_the_model_as_the_engine_does(world: World, model: str, engine: str, named: str) -> None:
    text = HEAD.replace("engine: {lora: {enabled: true}}\n", engine).replace("Qwen/Qwen3-0.6B", model)
    context = world.context(rendered(text), clients=True, payload=io.BytesIO(b'{"messages": []}'))
    shown = verbs.invoke(context).document["clients"]["openai"]
    compile(shown, "client", "exec")
    assert f'create(model="{named}", ' in shown
