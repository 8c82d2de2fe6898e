"""Names of what a project has outside.  Law: pure; the same parts have the same name for ever.

A name is `{project}-{env}[-{part}]`.  Where the service's limit is shorter, the end gives way to a hash of the whole,
so that two long names stay two.
"""

from __future__ import annotations

import hashlib

# SageMaker's names and Kubernetes' labels have at most 63 characters.
MAX_NAME = 63
# Hexadecimal digits of a hash that stands for a cut end.
CUT = 8


def joined(*parts: str, limit: int = MAX_NAME) -> str:
    """Parts joined by hyphens, without empty ones; cut with a hash where they are longer than the limit.

    >>> joined("iris", "", "chat")
    'iris-chat'
    >>> len(joined("a" * 40, "b" * 40))
    63
    """
    whole = "-".join(part for part in parts if part)
    return whole if len(whole) <= limit else f"{whole[: limit - CUT - 1].rstrip('-')}-{hash_of(whole)[:CUT]}"


def hash_of(text: str) -> str:
    """Hexadecimal digits that tell two texts apart."""
    return hashlib.sha256(text.encode()).hexdigest()
