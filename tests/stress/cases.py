"""A project and a run of every command on it, for the tests of several guarantees (docs/guarantees.md)."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import build_tree

CONFIG = """version: 1
project: {name: iris}
deployment: {config: http-flask, target: local}
env: {GREETING: hello}
secrets: {API_TOKEN: {env: TOKEN_OF_THIS_MACHINE}}
environments: {prod: {ttl: 2d}}
"""
READING = {
    "validate": ["validate"],
    "validate sarif": ["validate", "-o", "sarif"],
    "validate github": ["validate", "-o", "github"],
    "plan": ["plan"],
    "plan json": ["plan", "-o", "json"],
    "diff": ["diff"],
    "diff env": ["diff", "--env", "prod"],
    "explain": ["explain"],
    "explain key": ["explain", "env.GREETING"],
    "explain code": ["explain", "MLCC108"],
    "show": ["show", "-v"],
    "show json": ["show", "-o", "json"],
    "apply check": ["apply", "--check"],
    "catalog": ["catalog", "configs"],
    "schema": ["schema"],
    "plugins": ["plugins"],
    "completion": ["completion", "bash"],
    "doctor": ["doctor"],
    "do config": ["do", "config"],
    "do export": ["do", "export"],
    "do manifest": ["do", "manifest"],
    "do validate": ["do", "validate"],
    "do status": ["do", "status"],
    "do logs": ["do", "logs"],
    "do build": ["do", "build", "--dry-run"],
    "do deploy": ["do", "deploy", "--dry-run"],
    "do run": ["do", "run", "--dry-run"],
}
WRITING = {
    "apply": ["apply", "-v"],
    "apply quiet": ["apply", "-q", "--set", "ttl=3d"],
    "apply force": ["apply", "--force", "--set", "ttl=3d"],
    "set": ["set", "ttl", "4d"],
    "init": ["init", "other", "--deployment-config", "http-nginx", "-C", "other"],
    "do clean": ["do", "clean"],
}
COMMANDS = {**READING, **WRITING}
# These promise more (G22, docs/guarantees.md): no network, and no other program.
QUIET = ("validate", "plan", "diff", "apply", "explain", "show")


def project(place: Path, more: str = "") -> Path:
    """A folder with an mlcc.yaml, not applied yet."""
    return build_tree(place, {"mlcc.yaml": CONFIG + more})
