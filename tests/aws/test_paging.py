"""Lists come whole, whatever the number of their pages, and each list that mlcc asks for can be turned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import mlcc.io.aws
from mlcc.io.aws import paging, shapes
from mlcc.io.aws.cloudformation import CloudFormation
from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.iam import Iam
from mlcc.io.aws.s3 import S3
from mlcc.io.aws.sagemaker import SageMaker

ROOM = Path(mlcc.io.aws.__path__[0])
ASKED = re.compile(r'(?:pages|elements)\(self\._caller, SERVICE, "(\w+)"|self\._names\("(\w+)"')


class Pages:
    """A service that answers one page after another; the mark of page n is `n`."""

    region = "us-east-1"

    def __init__(self, answers: list[dict[str, Any]], mark: tuple[str, str] = ("NextToken", "NextToken")) -> None:
        self.answers, self.mark = answers, mark
        self.asked: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(dict(parameters))
        number = int(parameters.get(self.mark[0], 0))
        more = {self.mark[1]: str(number + 1)} if number + 1 < len(self.answers) else {}
        return {**self.answers[number], **more}


def asked_lists() -> list[tuple[str, str]]:
    """The lists that the classes of services ask for, with the SDK's name of the service."""
    found = set()
    for path in ROOM.glob("*.py"):
        text = path.read_text()
        service = re.search(r'^SERVICE(?:, NAMESPACE)? = "([\w-]+)"', text, re.M)
        for names in ASKED.findall(text) if service else ():
            found.add((service[1], next(filter(None, names))))
    return sorted(found)


@pytest.mark.parametrize(("service", "operation"), asked_lists())
def test_botocore_knows_how_the_pages_of_a_list_are_turned(service: str, operation: str) -> None:
    shape = shapes.service_model(service).operation_model(operation)
    how = paging.marks_of(service, operation)
    assert how["input_token"] in shape.input_shape.members
    assert how["output_token"] in shape.output_shape.members
    results = how["result_key"] if isinstance(how["result_key"], list) else [how["result_key"]]
    assert results[0] in shape.output_shape.members


def test_the_lists_are_all_there_are() -> None:
    assert len(asked_lists()) >= 15
    for path in ROOM.glob("*.py"):
        assert path.name in ("paging.py", "logs.py") or not re.search(
            "(?i)nextToken|IsTruncated|Marker", path.read_text()
        )


def test_a_list_longer_than_any_page_comes_whole() -> None:
    pages = [{"Endpoints": [{"EndpointName": f"e{n}-{i}"} for i in range(100)]} for n in range(150)]
    server = Pages(pages)
    assert len(list(SageMaker(server).endpoints())) == 15_000
    assert len(server.asked) == 150
    assert server.asked[3] == {"MaxResults": 100, "NextToken": "3"}


def test_no_page_is_asked_for_before_it_is_needed() -> None:
    server = Pages([{"Endpoints": [{"EndpointName": "a"}, {"EndpointName": "b"}]}] * 3)
    assert list(islice(SageMaker(server).endpoints(), 2)) == ["a", "b"]
    assert len(server.asked) == 1


def test_an_empty_page_is_no_end() -> None:
    server = Pages([{"Endpoints": []}, {}, {"Endpoints": [{"EndpointName": "a"}]}])
    assert list(SageMaker(server).endpoints()) == ["a"]


def test_a_service_that_repeats_its_mark_is_an_error_and_no_endless_loop() -> None:
    class Stuck(Pages):
        def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            return {"Endpoints": [{"EndpointName": "a"}], "NextToken": "again"}

    with pytest.raises(AwsError, match=r"sagemaker ListEndpoints: RepeatedPage: .*again"):
        list(SageMaker(Stuck([])).endpoints())


def test_marks_of_other_names_lead_on_too() -> None:
    evaluated = [
        {"EvaluationResults": [{"EvalActionName": f"s3:A{n}", "EvalDecision": "implicitDeny"}]} for n in (0, 1)
    ]
    marked = Pages([{**page, "IsTruncated": n == 0} for n, page in enumerate(evaluated)], ("Marker", "Marker"))
    assert list(Iam(marked).refused("arn", ["s3:A0"], ["*"], {})) == ["s3:A0", "s3:A1"]


def test_most_objects_are_read_and_no_more() -> None:
    class At:
        def timestamp(self) -> float:
            return 1.0

    contents = [
        {"Contents": [{"Key": f"{n}", "Size": 1, "LastModified": At()}], "IsTruncated": n < 2} for n in range(3)
    ]
    marks = ("ContinuationToken", "NextContinuationToken")
    assert [one.key for one in S3(Pages(contents, marks)).objects("b", "", 2)] == ["0", "1"]
    assert [one.key for one in S3(Pages(contents, marks)).objects("b", "", 9)] == ["0", "1", "2"]


def test_a_change_set_has_the_changes_of_all_its_pages() -> None:
    found = CloudFormation(Pages([{"Status": "OK", "Changes": [1]}, {"Changes": [2]}])).change_set("id")
    assert (found["Status"], found["Changes"]) == ("OK", [1, 2])
