"""JSON Schema: documents validated, and what the schema of mlcc.yaml says of each key."""

from __future__ import annotations
