"""Transform jobs: machines, a container, and every object of a prefix through it.  Law: `.out` only for what succeeded.

Texts and rules: botocore's service model (CreateTransformJob, StopTransformJob), aws-controllers-k8s for what a missing
job is called, rse-grand-challenge 2631 for machines that are not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.io.web import TROUBLE, exchange, local_connection
from mlcc.servers.devserver import batch
from mlcc.servers.devserver.batch_inputs import inputs
from mlcc.servers.devserver.container_output import JOBS
from mlcc.servers.devserver.copies import Group, Unavailable
from mlcc.servers.devserver.endpoints import STARTUP_S
from mlcc.servers.devserver.faults import Trouble
from mlcc.servers.devserver.models import image_of, model
from mlcc.servers.devserver.objects import Objects
from mlcc.servers.devserver.refusal import IN_USE, NOT_FOUND, NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.rules import Rules
from mlcc.servers.devserver.things import COMPLETED, FAILED, Account, Thing

RUNNING, STOPPING, STOPPED = "InProgress", "Stopping", "Stopped"
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
STRATEGIES = {batch.MULTI: "MULTI_RECORD", batch.SINGLE: "SINGLE_RECORD"}
TIMEOUT_S, RETRIES, MAX_ANSWER = 600, 3, 256 << 20
Outcome = tuple[dict[str, bytes], str]


def create(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateTransformJob."""
    name = request["TransformJobName"]
    if name in account.jobs and account.rules.job_names_are_used_up:
        text = "Job name must be unique within an AWS account and region, and a job with this name already exists"
        raise Refusal(f"{text} ({account.jobs[name].arn})", IN_USE)
    served = model(account, request["ModelName"])
    batch.checked(request, account.rules)
    if account.objects is None:
        raise Refusal("this server has no S3 beside it, which a transform job reads", *NOT_IMPLEMENTED)
    job = account.made("transform-job", name, request, RUNNING)
    account.jobs[name] = job
    trouble = account.faults.trouble("CreateTransformJob", request)
    account.timeline.later(account.durations.instances + trouble.stuck_s, lambda: _start(account, job, served, trouble))
    return {"TransformJobArn": job.arn}


def describe(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeTransformJob."""
    job = _job(account, request)
    times = {"TransformStartTime": job.running.get("started"), "TransformEndTime": job.running.get("ended")}
    answer = {
        **job.request,
        "TransformJobArn": job.arn,
        "TransformJobStatus": job.status,
        "CreationTime": job.created,
        **{name: value for name, value in times.items() if value is not None},
    }
    return {**answer, **({"FailureReason": job.reason} if job.reason else {})}


def stop(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """StopTransformJob: nothing of it is stored."""
    job = _job(account, request)
    if job.status == RUNNING:
        job.status = STOPPING
        account.timeline.later(account.durations.removal, lambda: _end(account, job, STOPPED))
    return {}


def _job(account: Account, request: Mapping[str, Any]) -> Thing:
    name = request["TransformJobName"]
    if name not in account.jobs:
        raise Refusal(f"Could not find requested job with name: {name}", NOT_FOUND)
    return account.jobs[name]


def _start(account: Account, job: Thing, served: Thing, trouble: Trouble) -> None:
    """The machines are there, or none is; one container is enough here for any number of them."""
    if job.status != RUNNING:
        return
    if trouble.capacity:
        _end(account, job, FAILED, NO_CAPACITY)
        return
    image = image_of(served)
    image = image._replace(
        environment={**image.environment, **job.request.get("Environment", {}), **_environment(job)},
        printed=account.output.printer(JOBS, f"{job.name}/{account.output.instance()}-{int(account.date)}"),
    )

    def done(group: Group, healthy: bool) -> None:
        if not healthy:
            _end(account, job, FAILED, group.reason.format(variant=job.name))
        elif job.status != RUNNING:
            group.stop()
        else:
            _work(account, job, group, trouble.crash_s)

    job.running["started"] = account.date
    Group([image], account.launch, account.timeline, account.durations, STARTUP_S, done, trouble.deaf)


def _environment(job: Thing) -> dict[str, str]:
    """What a container of a job has in its environment (AWS's guide to batch containers)."""
    plan = batch.plan_of(job.request, {})
    return {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(job.request.get("MaxPayloadInMB", 6)),
        "SAGEMAKER_BATCH_STRATEGY": STRATEGIES[plan.strategy],
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(job.request.get("MaxConcurrentTransforms", 1)),
    }


def _work(account: Account, job: Thing, group: Group, crash_s: float | None) -> None:
    objects, url = account.objects, group.next_url()
    assert objects is not None, "BUG: a job was begun without S3"
    job.copies = group
    if crash_s is not None:
        group.crash_in(crash_s)

    def done(outcome: Outcome) -> None:
        if job.status != RUNNING:
            return
        outputs, reason = outcome
        try:
            for uri, data in outputs.items():
                objects.write(uri, data)
        except Unavailable as problem:
            reason = f"InternalServerError: {problem}"
        _end(account, job, FAILED if reason else COMPLETED, reason)

    account.aside(lambda: _outcome(objects, job.request, url, account.rules), done)


def _end(account: Account, job: Thing, status: str, reason: str = "") -> None:
    if job.copies is not None:
        job.copies.stop()
    job.status, job.reason, job.changed = status, reason, account.date
    job.running["ended"] = account.date


# ---------------------------------------------------------------- the work, without the account
def _outcome(objects: Objects, request: Mapping[str, Any], url: str, rules: Rules) -> Outcome:
    """Outputs by their addresses, and why the job has failed (empty: it has not)."""
    host, _, port = url.removeprefix("http://").partition(":")
    client = _Client((host, int(port)), request)
    plan = batch.plan_of(request, client.execution_parameters())
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    place = str(request["TransformOutput"]["S3OutputPath"]).rstrip("/")
    outputs: dict[str, bytes] = {}
    failed = ""
    try:
        found = inputs(objects, source, rules.manifest_keys_name_outputs)
    except batch.Spoilt as problem:
        return {}, f"ClientError: {problem}"
    except Unavailable as problem:
        return {}, f"InternalServerError: {problem}"
    for uri, name in found:
        try:
            outputs[f"{place}/{name}.out"] = batch.transformed(plan, _read(objects, uri), client.ask)
        except (batch.Spoilt, Unavailable) as problem:
            failed = failed or f"ClientError: {uri}: {problem}"
    return outputs, failed


def _read(objects: Objects, uri: str) -> bytes:
    data = objects.read(uri)
    if data is None:
        raise batch.Spoilt("there is no such object")
    return data


class _Client:
    """Asks the container of a job."""

    def __init__(self, at: tuple[str, int], request: Mapping[str, Any]) -> None:
        own = request.get("ModelClientConfig", {})
        self._at, self._request = at, request
        self._timeout_s = float(own.get("InvocationsTimeoutInSeconds", TIMEOUT_S))
        self._tries = int(own.get("InvocationsMaxRetries", RETRIES)) + 1

    def execution_parameters(self) -> dict[str, Any]:
        """What the container wants where the job leaves it open; nothing of one that does not say."""
        if {"MaxPayloadInMB", "BatchStrategy", "MaxConcurrentTransforms"} <= self._request.keys():
            return {}
        try:
            connection = local_connection(*self._at, 10.0)
            answer = exchange(connection, "GET", "/execution-parameters", cap=1 << 16, total_s=10.0)
            found = read_json(answer.body) if answer.status == 200 else {}
        except TROUBLE:
            return {}
        return found if isinstance(found, dict) else {}

    def ask(self, body: bytes) -> bytes:
        """One payload, again where the container fails.  Raises Spoilt."""
        source, output = self._request["TransformInput"], self._request["TransformOutput"]
        headers = {"Content-Type": source.get("ContentType", "application/octet-stream")}
        headers |= {"Accept": output["Accept"]} if "Accept" in output else {}
        seen = ""
        for _ in range(self._tries):
            try:
                connection = local_connection(*self._at, self._timeout_s)
                answer = exchange(
                    connection, "POST", "/invocations", body, headers, cap=MAX_ANSWER, total_s=self._timeout_s
                )
            except TROUBLE as problem:
                seen = str(problem) or "the model did not answer in time"
                continue
            if answer.status == 200:
                return answer.body
            seen = f"the model answered {answer.status}: {json.dumps(answer.body[:200].decode('utf-8', 'replace'))}"
            if answer.status < 500:
                break
        raise batch.Spoilt(seen)
