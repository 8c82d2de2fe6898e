"""How clients ask an endpoint.  Law: lines to copy; each value is quoted for where it stands."""

from __future__ import annotations

import json
import shlex

from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.aws.s3 import split_uri
from mlcc.lifecycle.targets.sagemaker.facts import Facts
from mlcc.lifecycle.targets.server_contract import Request

COMPONENT_HEADER = "X-Amzn-SageMaker-Inference-Component"
# The file of a body that cannot stand in a line.
FILE = "payload"


class Asked(NamedTuple):
    """Who is asked: an endpoint, and its component or adapter (empty: a model of its own).

    model: under which name the engine serves it; location: where the bodies of requests lie, for an endpoint that reads
    them from S3 (empty: they are in the requests).
    """

    endpoint: str
    component: str = ""
    model: str = ""
    location: str = ""


def lines(place: Facts, asked: Asked, request: Request, body: bytes, chat: bool) -> dict[str, list[str]]:
    """Lines by client.

    body: of the request; what is no plain text stands as a file called payload; chat: whether the server speaks
    OpenAI's protocol.
    """
    text = _plain(body)
    if asked.location:
        return {"aws": _aws(place, asked, request, text), "boto3": _boto3_by_s3(place, asked, request, text)}
    found = {"curl": _curl(place, asked, request, text), "boto3": _boto3(place, asked, request, text)}
    if chat:
        found["openai"] = _openai(place, asked)
    return found


def host(place: Facts) -> str:
    """The address of the runtime service."""
    return f"https://runtime.sagemaker.{place.region}.{place.suffix}"


def _plain(body: bytes) -> str | None:
    """A body as a text that can stand in a line; None for any other."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    line = text.replace("\n", "")
    return text if printable(line, 0) == line else None


def _curl(place: Facts, asked: Asked, request: Request, text: str | None) -> list[str]:
    headers = [("Content-Type", request.content_type)]
    headers += [(COMPONENT_HEADER, asked.component)] if asked.component else []
    url = f"{host(place)}/endpoints/{asked.endpoint}/invocations"
    return [
        f"curl {shlex.quote(url)} --aws-sigv4 {shlex.quote(f'aws:amz:{place.region}:sagemaker')} \\",
        '  --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "x-amz-security-token: $AWS_SESSION_TOKEN" \\',
        *(f"  -H {shlex.quote(f'{name}: {value}')} \\" for name, value in headers),
        f"  --data-binary {shlex.quote(text) if text is not None else f'@{FILE}'}",
    ]


def _boto3(place: Facts, asked: Asked, request: Request, text: str | None) -> list[str]:
    named = {"EndpointName": asked.endpoint}
    named |= {"InferenceComponentName": asked.component} if asked.component else {}
    named |= {"ContentType": request.content_type}
    body = _literal(text)
    return [
        "import boto3",
        f'client = boto3.client("sagemaker-runtime", region_name={json.dumps(place.region)})',
        "answer = client.invoke_endpoint(",
        *(f"    {name}={json.dumps(value)}," for name, value in named.items()),
        f"    Body={body},",
        ")",
        'print(answer["Body"].read())',
    ]


def _literal(text: str | None) -> str:
    """A body as an expression of Python."""
    return json.dumps(text) if text is not None else f'open("{FILE}", "rb").read()'


# ---------------------------------------------------------------- asynchronous endpoints: the body goes to S3 first
def _aws(place: Facts, asked: Asked, request: Request, text: str | None) -> list[str]:
    region, location = shlex.quote(place.region), shlex.quote(asked.location)
    source = FILE if text is None else "-"
    copy = f"aws s3 cp {source} {location} --region {region}"
    return [
        copy if text is None else f"printf %s {shlex.quote(text)} | {copy}",
        f"aws sagemaker-runtime invoke-endpoint-async --region {region} \\",
        f"  --endpoint-name {shlex.quote(asked.endpoint)} --content-type {shlex.quote(request.content_type)} \\",
        f"  --input-location {location}",
    ]


def _boto3_by_s3(place: Facts, asked: Asked, request: Request, text: str | None) -> list[str]:
    bucket, key = split_uri(asked.location)
    members = {
        "EndpointName": asked.endpoint,
        "ContentType": request.content_type,
        "InputLocation": asked.location,
    }
    region = json.dumps(place.region)
    return [
        "import boto3",
        f'boto3.client("s3", region_name={region}).put_object(',
        f"    Bucket={json.dumps(bucket)},",
        f"    Key={json.dumps(key)},",
        f"    Body={_literal(text)},",
        ")",
        f'client = boto3.client("sagemaker-runtime", region_name={region})',
        "answer = client.invoke_endpoint_async(",
        *(f"    {name}={json.dumps(value)}," for name, value in members.items()),
        ")",
        'print("the answer:", answer["OutputLocation"], "a refusal:", answer.get("FailureLocation", "is not written"))',
    ]


def _openai(place: Facts, asked: Asked) -> list[str]:
    """SageMaker's own route for OpenAI's protocol; the component stands in the path, and not in a header.

    https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-openai-compatible.html
    """
    part = f"/inference-components/{asked.component}" if asked.component else ""
    url = f"{host(place)}/endpoints/{asked.endpoint}{part}/openai/v1"
    return [
        "from openai import OpenAI",
        f'client = OpenAI(base_url={json.dumps(url)}, api_key="sagemaker-api-key-...")',
        f"answer = client.chat.completions.create(model={json.dumps(asked.model)}, "
        'messages=[{"role": "user", "content": "Say hello."}])',
        "print(answer.choices[0].message.content)",
    ]
