"""SageMaker's public hub, from which JumpStart's models are read.  Law: it has what was put into it, and nothing else.

What AWS's own hub has is nobody's to make: a document comes by `/_local/hub`.  Of a name that is not there botocore's
service model states the code; the words are this server's.
"""

from __future__ import annotations

import json
from typing import Any

from mlcc.servers.devserver.refusal import NOT_FOUND, Refusal
from mlcc.servers.devserver.things import Account

HUB, MODEL, VERSION, SCHEMA = "SageMakerPublicHub", "Model", "1.0.0", "2.0.0"
NAME, DOCUMENT, NUMBER = "HubContentName", "HubContentDocument", "HubContentVersion"


def put(account: Account, document: dict[str, Any]) -> dict[str, Any]:
    """Puts a model into the hub, in the place of an earlier one; without a document, says which there are.

    document: HubContentName, HubContentDocument (JSON, or its text) and, where it matters, HubContentVersion.  Raises
    KeyError and ValueError for another one.
    """
    if document:
        unknown = document.keys() - {NAME, DOCUMENT, NUMBER}
        if unknown:
            raise ValueError(f"{min(unknown)} is no member of it")
        content = document[DOCUMENT]
        text = content if isinstance(content, str) else json.dumps(content)
        account.hub[str(document[NAME])] = {DOCUMENT: text, NUMBER: str(document.get(NUMBER, VERSION))}
    return {"models": {name: one[NUMBER] for name, one in account.hub.items()}}


def describe(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeHubContent."""
    hub, kind, name = request["HubName"], request["HubContentType"], request[NAME]
    place = f"arn:{account.partition}:sagemaker:{account.region}:aws"
    found = account.hub.get(name, {}) if hub in (HUB, f"{place}:hub/{HUB}") and kind == MODEL else {}
    version = request.get(NUMBER, found.get(NUMBER, ""))
    arn = f"{place}:hub-content/{hub.rpartition('/')[2]}/{kind}/{name}"
    if not found or version != found[NUMBER]:
        raise Refusal(f'Could not find hub content "{arn}{f"/{version}" if version else ""}".', NOT_FOUND)
    return {
        NAME: name,
        "HubContentArn": f"{arn}/{version}",
        NUMBER: version,
        "HubContentType": kind,
        "DocumentSchemaVersion": SCHEMA,
        "HubName": HUB,
        "HubArn": f"{place}:hub/{HUB}",
        DOCUMENT: found[DOCUMENT],
        "HubContentStatus": "Available",
        "CreationTime": account.timeline.start,
    }
