"""CBOR of Smithy's RPC v2 protocol, which CloudWatch speaks.  Law: the SDK's own code, from the other side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.io.aws.shapes import service_model

# The header by which a request names the protocol, and what it says.
HEADER, PROTOCOL, KIND = "smithy-protocol", "rpc-v2-cbor", "application/cbor"


def decode(body: bytes) -> dict[str, Any]:
    """The members of a request.  Raises ValueError for what is no CBOR map."""
    from botocore import parsers

    if not body:
        return {}
    parser = parsers.RpcV2CBORParser()
    try:
        found = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))
    except (parsers.ResponseParserError, ValueError, OverflowError, RecursionError) as problem:
        raise ValueError(str(problem)) from None
    if not isinstance(found, dict):
        raise ValueError("the body is no map")
    return found


def encode(service: str, operation: str, answer: Mapping[str, Any]) -> bytes:
    """An answer; nothing where the operation has none."""
    shape = service_model(service).operation_model(operation).output_shape
    return _encoded(answer, shape) if shape is not None else b""


def encode_error(code: str, message: str) -> bytes:
    """An answer with an error."""
    from botocore.model import DenormalizedStructureBuilder

    members = {name: {"type": "string"} for name in ("__type", "message")}
    shape = DenormalizedStructureBuilder().with_members(members).build_model()
    return _encoded({"__type": code, "message": message}, shape)


def _encoded(value: Mapping[str, Any], shape: Any) -> bytes:
    from botocore.serialize import CBORSerializer

    data = bytearray()
    CBORSerializer()._serialize_data_item(data, dict(value), shape)
    return bytes(data)
