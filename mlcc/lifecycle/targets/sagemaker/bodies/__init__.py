"""Parameters of the calls that make things, as the services name them.  Law: pure; an absent value has no member.

Which key of mlcc.yaml reaches which member is read off these modules; tests/aws/test_requests.py holds every request
against the services' own models.
"""

from __future__ import annotations

from typing import Any


def members(**values: Any) -> dict[str, Any]:
    """The members that hold something: None, empty texts, lists and structures are left out."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", [], {}, ())}
