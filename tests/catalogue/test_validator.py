from __future__ import annotations

import re
from typing import Any

import pytest

from lgsp.catalogue.validator import Violation, compile_schema

SCHEMA = {
    "type": "object",
    "required": ["soHieu"],
    "properties": {"soHieu": {"type": "string", "pattern": "^[0-9]{3}$"}, "nguoi": {"$ref": "#/$defs/people"}},
    "$defs": {"people": {"type": "array", "items": {"type": "object", "required": ["ten"]}}},
}


@pytest.mark.parametrize(
    ("value", "violation"),
    [
        ({"soHieu": "049"}, None),
        ({}, Violation("", "'soHieu' is a required property")),
        ([], Violation("", "[] is not of type 'object'")),
        ({"soHieu": "49"}, Violation("soHieu", "'49' does not match '^[0-9]{3}$'")),
        ({"soHieu": "049", "nguoi": [{"ten": "An"}]}, None),
        ({"soHieu": "049", "nguoi": [{"ten": "An"}, {}]}, Violation("nguoi.1", "'ten' is a required property")),
    ],
)
def test_the_place_of_a_violation_is_told(value: object, violation: Violation | None) -> None:
    assert compile_schema(SCHEMA)(value) == violation


def doubling(levels: int) -> dict[str, Any]:
    """Each definition asks for the next one twice."""
    definitions: dict[str, Any] = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": definitions | {f"d{levels}": {"type": "object"}}}


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("x", "a schema is a mapping"),
        ({"type": "objekt"}, "this is no JSON Schema: type: "),
        ({"properties": {"a": {"minLength": "x"}}}, "this is no JSON Schema: properties.a.minLength: "),
        ({"$ref": "https://example.org/a.json"}, "names something under #/$defs/ of this schema"),
        ({"$ref": "#/$defs/nobody"}, "names something under"),
        ({"$ref": "#"}, "names something under"),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "'a' refers to itself"),
        ({"$dynamicRef": "#x"}, "$dynamicRef is refused"),
        ({"uniqueItems": True}, "uniqueItems is refused"),
        ({"properties": {"a": {"pattern": "(a+)+$"}}}, "could take very long"),
        ({"patternProperties": {"(a+)+$": {}}}, "could take very long"),
        (doubling(40), "unfolds to more than 10000 rules"),
    ],
)
def test_what_is_no_schema_or_has_no_bound_is_refused(schema: object, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        compile_schema(schema)


def test_a_word_in_data_is_no_rule() -> None:
    assert compile_schema({"const": {"uniqueItems": True, "$ref": "x"}})({"uniqueItems": True, "$ref": "x"}) is None
