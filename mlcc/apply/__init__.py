"""The only writer of a project."""

from __future__ import annotations
