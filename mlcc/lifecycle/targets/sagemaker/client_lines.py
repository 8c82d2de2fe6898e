"""How clients ask an endpoint.  Law: lines to copy; each value is quoted for where it stands."""

from __future__ import annotations

import json
import shlex

from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.lifecycle.targets.sagemaker.facts import Facts
from mlcc.lifecycle.targets.server_contract import Request

COMPONENT_HEADER = "X-Amzn-SageMaker-Inference-Component"
# What curl reads a body from that cannot stand in a line.
FILE_OF_CURL = "@payload"


class Asked(NamedTuple):
    """Who is asked: an endpoint, and its component or adapter (empty: a model of its own).

    model: under which name the engine serves it.
    """

    endpoint: str
    component: str = ""
    model: str = ""


def lines(place: Facts, asked: Asked, request: Request, body: bytes, chat: bool) -> dict[str, list[str]]:
    """Lines by client.

    body: of the request; what is no plain text stands as a file called payload; chat: whether the server speaks
    OpenAI's protocol.
    """
    text = _plain(body)
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
        f"  --data-binary {shlex.quote(text) if text is not None else FILE_OF_CURL}",
    ]


def _boto3(place: Facts, asked: Asked, request: Request, text: str | None) -> list[str]:
    named = {"EndpointName": asked.endpoint}
    named |= {"InferenceComponentName": asked.component} if asked.component else {}
    named |= {"ContentType": request.content_type}
    body = json.dumps(text) if text is not None else 'open("payload", "rb").read()'
    return [
        "import boto3",
        f'client = boto3.client("sagemaker-runtime", region_name={json.dumps(place.region)})',
        "answer = client.invoke_endpoint(",
        *(f"    {name}={json.dumps(value)}," for name, value in named.items()),
        f"    Body={body},",
        ")",
        'print(answer["Body"].read())',
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
