"""The models of a Triton repository.  Law: pure."""

from __future__ import annotations
