"""A resolved project to a tree of files."""

from __future__ import annotations
