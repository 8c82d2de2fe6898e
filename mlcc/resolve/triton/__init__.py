"""The models of a Triton repository."""

from __future__ import annotations
