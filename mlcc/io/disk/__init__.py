"""Files of a checkout: read, written and locked by descriptor, never through a link."""

from __future__ import annotations
