"""The shape of values, as JSON Schema: what all examples have in common, and what some of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]


def shape_of(values: Sequence[object]) -> Schema:
    """The narrowest schema (JSON Schema 2020-12) that fits every one of the JSON `values`; `{}`, which fits all, for none.

    A member is required where every object has it. Lists are read as having items of one kind.
    """
    kinds = sorted({_kind(value) for value in values})
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    if not kinds:
        return {}
    schema: Schema = {"type": kinds[0] if len(kinds) == 1 else kinds}
    objects = [value for value in values if isinstance(value, Mapping)]
    lists = [value for value in values if isinstance(value, list | tuple)]
    if objects:
        schema |= _members(objects)
    if lists:
        schema["items"] = shape_of([item for value in lists for item in value])
    return schema


def _members(objects: Sequence[Mapping[str, object]]) -> Schema:
    names = dict.fromkeys(name for value in objects for name in value)
    properties = {name: shape_of([value[name] for value in objects if name in value]) for name in names}
    required = [name for name in names if all(name in value for value in objects)]
    return {"properties": properties} | ({"required": required} if required else {})


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
    return "array"
