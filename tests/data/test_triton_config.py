"""triton_config.yaml is NVIDIA's protobuf, and the keys of triton.models are fields of it, of the same types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mlcc.io.schema import keys
from mlcc.registries import triton_config
from mlcc.registries.triton_config import FLOATS, INTEGERS, ROOT, Field
from tests.nvidia import messages

TABLE = triton_config.table()
# Keys of an element that are mlcc's own, or stand in config.pbtxt under another name or in another shape.
OWN = {"file", "config_file"}
NAMES = {"inputs": "input", "outputs": "output"}
# reshape is the list itself, and a parameter its text.
SHAPES = {("ModelInput", "reshape"): "repeated int64", ("ModelOutput", "reshape"): "repeated int64"}
MODELS = keys.index()["triton", "models", "[]"]


def nvidias() -> Iterator[Any]:
    """Every message, also those inside others."""

    def below(found: Any) -> Iterator[Any]:
        if not found.GetOptions().map_entry:
            yield found
            for inner in found.nested_types:
                yield from below(inner)

    for message in messages().DESCRIPTOR.message_types_by_name.values():
        yield from below(message)


def kind(field: Any) -> str:
    """The type of a field as model_config.proto spells it."""
    other = field.message_type or field.enum_type
    if other is not None:
        return str(other.full_name).removeprefix("inference.")
    names = {
        value: name.removeprefix("TYPE_").lower()
        for name, value in vars(type(field)).items()
        if name.startswith("TYPE_")
    }
    return names[field.type]


def spelled(field: Any) -> Field:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        return Field(field.name, kind(entry["value"]), key=kind(entry["key"]))
    return Field(field.name, kind(field), repeated=field.is_repeated)


def test_the_messages_are_nvidia_s():
    found = {m.full_name.removeprefix("inference."): {f.name: spelled(f) for f in m.fields} for m in nvidias()}
    assert dict(TABLE.messages) == found


def test_the_enumerations_are_nvidia_s_in_the_order_of_their_numbers():
    found = dict(messages().DESCRIPTOR.enum_types_by_name)
    found |= {e.full_name.removeprefix("inference."): e for m in nvidias() for e in m.enum_types}
    assert dict(TABLE.enums) == {name: tuple(v.name for v in enum.values) for name, enum in found.items()}
    assert all([v.number for v in enum.values] == list(range(len(enum.values))) for enum in found.values())


def test_the_choices_are_nvidia_s():
    found = {
        m.full_name.removeprefix("inference."): tuple(tuple(f.name for f in o.fields) for o in m.oneofs)
        for m in nvidias()
    }
    assert dict(TABLE.choices) == {name: groups for name, groups in found.items() if any(len(g) > 1 for g in groups)}


def fields_of(schema: Any, message: str, path: str) -> Iterator[tuple[str, Any, Field]]:
    """Every key below a schema with the field that it is.  Fails for a key that is none."""
    for name, child in schema["properties"].items():
        if message == ROOT and name in OWN:
            continue
        field = TABLE.messages[message].get(NAMES.get(name, name) if message == ROOT else name)
        assert field is not None, f"{path}.{name} is no field of {message}"
        if (message, name) in SHAPES:
            field = Field(name, "int64", repeated=True)
        yield f"{path}.{name}", child, field
        value = child["items"] if field.repeated else next(iter(child.get("patternProperties", {}).values()), child)
        if field.type in TABLE.messages and "properties" in value:
            yield from fields_of(value, field.type, f"{path}.{name}")


KEYS = list(fields_of(MODELS.schema, ROOT, "models"))


@pytest.mark.parametrize(("path", "schema", "field"), KEYS, ids=[path for path, _, _ in KEYS])
def test_a_key_of_a_model_is_a_field_of_its_type(path: str, schema: Any, field: Field) -> None:
    if field.repeated:
        assert schema["type"] == "array"
        schema = schema["items"]
    elif field.key:
        assert schema["type"] == "object"
        [schema] = schema["patternProperties"].values()
    if field.type in TABLE.enums:
        assert set(schema["enum"]) <= set(TABLE.enums[field.type])
    elif field.type in INTEGERS:
        low, high = INTEGERS[field.type]
        assert schema["type"] == "integer"
        assert low <= schema["minimum"] <= schema["maximum"] < high
    elif field.type in TABLE.messages:
        assert schema["type"] in ("object", "string"), "a parameter is its text"
    else:
        assert schema["type"] == (
            "number" if field.type in FLOATS else {"bool": "boolean", "string": "string"}[field.type]
        )


def test_every_message_of_a_key_has_its_fields():
    """What the messages that are there lack is a decision: a model's own config.pbtxt has it."""
    messages_of_keys = {field.type for _, _, field in KEYS if field.type in TABLE.messages}
    there = {path.rpartition(".")[2] for path, _, _ in KEYS}
    left = {f"{m}.{f}" for m in messages_of_keys for f in TABLE.messages[m] if f not in there}
    assert left == {
        "ModelEnsembling.max_inflight_requests",
        "ModelEnsembling.Step.model_namespace",
        "ModelInput.format",
        "ModelInput.is_shape_tensor",
        "ModelInput.is_non_linear_format_io",
        "ModelOutput.label_filename",
        "ModelOutput.is_shape_tensor",
        "ModelOutput.is_non_linear_format_io",
        "ModelParameter.string_value",
    }
