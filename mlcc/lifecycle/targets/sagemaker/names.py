"""Names of what a project has in AWS.  Law: pure; the same project and environment have the same names for ever.

A name is `{project}-{env}[-{part}]`.  Where the service's limit is shorter, the end gives way to a hash of the whole,
so that two long names stay two.  What cannot be changed once it is made (a model, an endpoint configuration) carries
a digest of its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# EndpointName, EndpointConfigName, InferenceComponentName, ModelName, TransformJobName: at most 63 characters of
# [a-zA-Z0-9-], a letter or digit first and last (botocore's service model of sagemaker).
MAX_NAME = 63
# Hexadecimal digits of a hash that stands for a cut end, and of a digest of content.
CUT, CONTENT = 8, 10


def joined(*parts: str, limit: int = MAX_NAME) -> str:
    """Parts joined by hyphens, without empty ones; cut with a hash where they are longer than the limit.

    >>> joined("iris", "", "chat")
    'iris-chat'
    >>> len(joined("a" * 40, "b" * 40))
    63
    """
    whole = "-".join(part for part in parts if part)
    return whole if len(whole) <= limit else f"{whole[: limit - CUT - 1].rstrip('-')}-{_hash(whole)[:CUT]}"


def with_content(name: str, content: Mapping[str, Any], limit: int = MAX_NAME) -> str:
    """A name that changes with what it names: the parameters of the call that makes it, without name and tags."""
    return f"{joined(name, limit=limit - CONTENT - 1)}-{digest(content)}"


def digest(content: Mapping[str, Any]) -> str:
    """Hexadecimal digits that tell two contents apart."""
    return _hash(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False))[:CONTENT]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
