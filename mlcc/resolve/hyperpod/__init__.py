"""The Kubernetes manifests of a project.  Law: pure."""

from __future__ import annotations
