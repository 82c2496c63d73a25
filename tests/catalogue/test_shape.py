from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lgsp.catalogue.shape import shape_of

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("given_values", "shape"),
    [
        ([], {}),
        ([None], {"type": "null"}),
        ([True], {"type": "boolean"}),
        ([1, 2], {"type": "integer"}),
        ([1, 2.5], {"type": "number"}),
        (["a", None], {"type": ["null", "string"]}),
        ([[]], {"type": "array", "items": {}}),
        ([["a"], [1]], {"type": "array", "items": {"type": ["integer", "string"]}}),
        ([{}], {"type": "object", "properties": {}}),
        (
            [{"a": 1, "b": "x"}, {"a": 2}],
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
                "required": ["a"],
            },
        ),
    ],
)
def test_the_shape_is_the_narrowest_that_fits_all(given_values: list[object], shape: dict[str, Any]) -> None:
    assert shape_of(given_values) == shape


@given(st.lists(values, min_size=1, max_size=4))
def test_each_value_fits_the_shape_of_all_by_an_independent_validator(given_values: list[object]) -> None:
    validator = Draft202012Validator(shape_of(given_values))
    for value in given_values:
        validator.validate(value)


def test_what_no_example_looks_like_does_not_fit() -> None:
    validator = Draft202012Validator(shape_of([{"id": "1", "items": [{"n": 1}]}]))
    for other in ({"id": 1, "items": []}, {"items": []}, {"id": "1", "items": [{"n": "1"}]}, [], None):
        assert not validator.is_valid(other), other
