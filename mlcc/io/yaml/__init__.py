"""YAML: read under limits with places, and written."""

from __future__ import annotations
