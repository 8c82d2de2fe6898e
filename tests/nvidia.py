"""NVIDIA's own model_config protobuf, out of tritonclient: what config.pbtxt is proved against."""

from __future__ import annotations

import functools
import importlib.util
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

FILE = Path(sysconfig.get_paths()["purelib"]) / "tritonclient/grpc/model_config_pb2.py"


@functools.cache
def messages() -> ModuleType:
    """The messages of model_config.proto, from the file alone: its package would import grpc."""
    assert FILE.exists(), "make venv installs it"
    spec = importlib.util.spec_from_file_location("model_config_pb2", FILE)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def model_config(text: str) -> Any:
    """A config.pbtxt as Triton reads it.  Raises ParseError with line and column for what it would refuse."""
    from google.protobuf import text_format

    return text_format.Parse(text, messages().ModelConfig())
