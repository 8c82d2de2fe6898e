"""Looked up when asked by name; proposes, never writes."""

from __future__ import annotations
