"""Rules about manifests: what a cluster refuses, and what it takes although it cannot work."""

from __future__ import annotations
