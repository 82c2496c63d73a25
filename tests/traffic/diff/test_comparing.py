from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.traffic.diff.comparing import DIFFERENT, EXTRA, MISSING, TYPE, Difference, Rules, differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def found(ours: Any, theirs: Any, **rules: Any) -> list[tuple[str, str]]:
    return [(each.path, each.kind) for each in differences(ours, theirs, Rules(**rules))]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": 2}, [("a", DIFFERENT)]),
        ({"a": 1}, {"a": "1"}, [("a", TYPE)]),
        ({"a": 1}, {"a": True}, [("a", TYPE)]),
        ({"a": [1, {"b": 1}]}, {"a": [1, {"b": True}]}, [("a[].b", TYPE)]),
        ({"a": None}, {"a": ""}, [("a", TYPE)]),
        ({"a": None}, {}, [("a", MISSING)]),
        ({}, {"a": None}, [("a", EXTRA)]),
        ({"a": [1, 2, 3]}, {"a": [1, 9]}, [("a[]", MISSING), ("a[]", DIFFERENT)]),
        ({"a": [1]}, {"a": [1, 2]}, [("a[]", EXTRA)]),
        ({"a": {"b": 1}}, {"a": [1]}, [("a", TYPE)]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, [("a", DIFFERENT), ("b", DIFFERENT)]),
    ],
)
def test_what_differs_is_named_by_its_place_and_kind(ours: Any, theirs: Any, expected: list[tuple[str, str]]) -> None:
    assert found(ours, theirs) == expected


@pytest.mark.parametrize(
    ("rules", "ours", "theirs", "same"),
    [
        ({"ignore": ["a"]}, {"a": 1}, {"a": "x"}, True),
        ({"ignore": ["a"]}, {"a": {"b": [1]}}, {}, True),
        ({"ignore": ["a"]}, {"ab": 1}, {"ab": 2}, False),
        ({"ignore": ["*.time"]}, {"x": [{"time": 1}]}, {"x": [{"time": 2}]}, True),
        ({"ignore": ["x[].time"]}, {"x": [{"time": 1, "n": 1}]}, {"x": [{"time": 2, "n": 2}]}, False),
        ({"subset": ["a"]}, {"a": {"b": 1}}, {"a": {"b": 1, "c": 1}}, True),
        ({"subset": ["a"]}, {"a": {"b": 1, "c": 1}}, {"a": {"b": 1}}, False),
        ({"subset": ["a"]}, {"a": {"b": 1}}, {"a": {"b": 2, "c": 1}}, False),
        ({"subset": ["a"]}, {"a": [1]}, {"a": [1, 2]}, True),
        ({"tolerance": {"a": 0.5}}, {"a": 1}, {"a": 1.5}, True),
        ({"tolerance": {"a": 0.5}}, {"a": 1}, {"a": 1.51}, False),
        ({"tolerance": {"a": 0.5}}, {"a": "1"}, {"a": "1.2"}, False),
        ({"unordered": ["a"]}, {"a": [1, {"x": 1, "y": 2}]}, {"a": [{"y": 2, "x": 1}, 1]}, True),
        ({"unordered": ["a"]}, {"a": [1, 1, 2]}, {"a": [1, 2, 2]}, False),
        ({"unordered": ["a"]}, {"a": [1]}, {"a": [True]}, False),
        ({"shape": ["a"]}, {"a": {"name": "Lan", "n": 1}}, {"a": {"name": "Minh", "n": 7}}, True),
        ({"shape": ["a"]}, {"a": {"n": 1}}, {"a": {"n": "1"}}, False),
        ({"shape": ["a"]}, {"a": {"n": 1}}, {"a": {"m": 1}}, False),
        ({"shape": ["a"]}, {"a": "PAID"}, {"a": "NOT_PAID"}, False),
        ({"shape": ["*"]}, {"errorCode": "p1"}, {"errorCode": "p2"}, False),
        ({"shape": ["*"]}, {"status": 200}, {"status": 404}, False),
        ({"shape": ["a"]}, {"a": [1]}, {"a": [2, 3, 4]}, True),
        ({"shape": ["a"]}, {"a": [1]}, {"a": [2, "3"]}, False),
        ({"shape": ["a"]}, {"a": []}, {"a": [2]}, True),
    ],
)
def test_each_rule_has_both_verdicts(rules: dict[str, Any], ours: Any, theirs: Any, same: bool) -> None:  # noqa: FBT001 - a column
    assert (found(ours, theirs, **rules) == []) is same
    assert found(ours, theirs) != [] or not rules


def test_a_difference_holds_both_values() -> None:
    assert list(differences({"a": 1}, {"a": 2}, Rules())) == [Difference("a", DIFFERENT, 1, 2)]


def test_a_depth_that_python_would_not_recurse_is_walked() -> None:
    ours: Any = 1
    theirs: Any = 2
    for _ in range(5_000):
        ours, theirs = [ours], [theirs]
    assert found(ours, theirs) == [("[]" * 5_000, DIFFERENT)]


@given(JSON)
def test_nothing_differs_from_itself(value: Any) -> None:
    for rules in ({}, {"unordered": ["*"]}, {"shape": ["*"]}, {"subset": ["*"]}):
        assert found(value, value, **rules) == []


@given(JSON, JSON)
def test_the_other_way_round_missing_is_extra(ours: Any, theirs: Any) -> None:
    turned = {MISSING: EXTRA, EXTRA: MISSING}
    back = sorted((path, turned.get(kind, kind)) for path, kind in found(theirs, ours))
    assert sorted(found(ours, theirs)) == back
    assert found(ours, theirs, ignore=["*"]) == []
