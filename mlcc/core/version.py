"""The version of mlcc, on its own so that packaging reads it without importing anything."""

from __future__ import annotations

VERSION = "0.1.0"
