from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.traffic.diff.comparing import DIFFERENT, EXTRA, MISSING, ORDER, TYPE, Difference, differences
from lgsp.traffic.diff.rules import Rule, Ways

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def found(ours: Any, theirs: Any, *rules: Rule) -> list[tuple[str, str]]:
    return [(each.path, each.kind) for each in differences(ours, theirs, Ways(rules))]


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
        ({"a": [1, {"x": 1, "y": 2}]}, {"a": [{"y": 2, "x": 1}, 1]}, [("a", ORDER)]),
        ({"a": [1, 1, 2]}, {"a": [1, 2, 2]}, [("a[]", DIFFERENT)]),
    ],
)
def test_what_differs_is_named_by_its_place_and_kind(ours: Any, theirs: Any, expected: list[tuple[str, str]]) -> None:
    assert found(ours, theirs) == expected


@pytest.mark.parametrize(
    ("rule", "ours", "theirs", "same"),
    [
        (Rule("a", "ignore"), {"a": 1}, {"a": "x"}, True),
        (Rule("a", "ignore"), {"a": {"b": [1]}}, {}, True),
        (Rule("a", "ignore"), {"ab": 1}, {"ab": 2}, False),
        (Rule("*.time", "ignore"), {"x": [{"time": 1}]}, {"x": [{"time": 2}]}, True),
        (Rule("x[].time", "ignore"), {"x": [{"time": 1, "n": 1}]}, {"x": [{"time": 2, "n": 2}]}, False),
        (Rule("a", "subset"), {"a": {"b": 1}}, {"a": {"b": 1, "c": 1}}, True),
        (Rule("a", "subset"), {"a": {"b": 1, "c": 1}}, {"a": {"b": 1}}, False),
        (Rule("a", "subset"), {"a": {"b": 1}}, {"a": {"b": 2, "c": 1}}, False),
        (Rule("a", "subset"), {"a": [1]}, {"a": [1, 2]}, True),
        (Rule("a", "tolerance", 0.5), {"a": 1}, {"a": 1.5}, True),
        (Rule("a", "tolerance", 0.5), {"a": 1}, {"a": 1.51}, False),
        (Rule("a", "tolerance", 0.5), {"a": "1"}, {"a": "1.2"}, False),
        (Rule("a", "unordered"), {"a": [1, {"x": 1, "y": 2}]}, {"a": [{"y": 2, "x": 1}, 1]}, True),
        (Rule("a", "unordered"), {"a": [1, 1, 2]}, {"a": [1, 2, 2]}, False),
        (Rule("a", "unordered"), {"a": [1]}, {"a": [True]}, False),
        (Rule("a", "shape"), {"a": {"name": "Lan", "n": 1}}, {"a": {"name": "Minh", "n": 7}}, True),
        (Rule("a", "shape"), {"a": {"n": 1}}, {"a": {"n": "1"}}, False),
        (Rule("a", "shape"), {"a": {"n": 1}}, {"a": {"m": 1}}, False),
        (Rule("a", "shape"), {"a": "PAID"}, {"a": "NOT_PAID"}, False),
        (Rule("*", "shape"), {"errorCode": "p1"}, {"errorCode": "p2"}, False),
        (Rule("*", "shape"), {"status": 200}, {"status": 404}, False),
        (Rule("a", "shape"), {"a": [1]}, {"a": [2, 3, 4]}, True),
        (Rule("a", "shape"), {"a": [1]}, {"a": [2, "3"]}, False),
        (Rule("a", "shape"), {"a": []}, {"a": [2]}, True),
        (Rule("a", "unordered", "n"), {"a": [{"n": 1, "v": 1}, {"n": 2}]}, {"a": [{"n": 2}, {"v": 1, "n": 1}]}, True),
        (Rule("a", "unordered", "n"), {"a": [{"n": 1, "v": 1}, {"n": 2}]}, {"a": [{"n": 2}, {"v": 9, "n": 1}]}, False),
        (Rule("a", "within", 5.0), {"a": "2026-03-01T10:00:00Z"}, {"a": "2026-03-01T10:00:05Z"}, True),
        (Rule("a", "within", 5.0), {"a": "2026-03-01T10:00:00Z"}, {"a": "2026-03-01T10:00:06Z"}, False),
        (Rule("a", "within", 5.0), {"a": 1772330400123}, {"a": 1772330405123}, True),
        (Rule("a", "within", 5.0), {"a": "x"}, {"a": "y"}, False),
        (Rule("a", "matches", "H47-[0-9]+"), {"a": "H47-1"}, {"a": "H47-22"}, True),
        (Rule("a", "matches", "H47-[0-9]+"), {"a": "H47-1"}, {"a": "H48-1"}, False),
        (Rule("a", "matches", "[0-9]+"), {"a": 1}, {"a": "1"}, False),
        (Rule("a", "uuid"), {"a": f"{1:08x}-0000-0000-0000-{1:012x}"}, {"a": f"{9:08X}-0000-0000-0000-{9:012X}"}, True),
        (
            Rule("a", "uuid"),
            {"a": f"{1:08x}-0000-0000-0000-{1:012x}"},
            {"a": f"{9:08x}-0000-0000-0000-{9:011x}"},
            False,
        ),
        (
            Rule("a", "problem"),
            {"a": {"type": "t", "detail": "x", "instance": "1"}},
            {"a": {"type": "t", "detail": "y"}},
            True,
        ),
        (Rule("a", "problem"), {"a": {"type": "t", "detail": "x"}}, {"a": {"type": "u", "detail": "x"}}, False),
        (Rule("b", "equal"), {"a": 1}, {"a": 2}, False),
    ],
)
def test_each_rule_has_both_verdicts(rule: Rule, ours: Any, theirs: Any, same: bool) -> None:  # noqa: FBT001 - a column
    assert (found(ours, theirs, rule) == []) is same
    assert found(ours, theirs) != []


def test_equal_goes_before_what_is_said_of_all() -> None:
    ours, theirs = {"reply": {"status": 1, "x": 1}}, {"reply": {"status": 2, "x": 2}}
    rules = (Rule("reply.*", "ignore"), Rule("reply.status", "equal"))
    assert found(ours, theirs, *rules) == [("reply.status", DIFFERENT)]


def test_items_that_belong_together_by_a_member_are_missing_and_extra_by_it() -> None:
    ours, theirs = {"a": [{"n": 1}, {"n": 2, "v": 1}]}, {"a": [{"n": 2, "v": 2}, {"n": 3}]}
    assert found(ours, theirs, Rule("a", "unordered", "n")) == [("a[]", MISSING), ("a[]", EXTRA), ("a[].v", DIFFERENT)]


def test_a_difference_holds_both_values() -> None:
    assert list(differences({"a": 1}, {"a": 2}, Ways([]))) == [Difference("a", DIFFERENT, 1, 2)]


def test_a_depth_that_python_would_not_recurse_is_walked() -> None:
    ours: Any = 1
    theirs: Any = 2
    for _ in range(5_000):
        ours, theirs = [ours], [theirs]
    assert found(ours, theirs) == [("[]" * 5_000, DIFFERENT)]


@given(JSON)
def test_nothing_differs_from_itself(value: Any) -> None:
    for rule in ("unordered", "shape", "subset", "equal"):
        assert found(value, value, Rule("*", rule)) == []


@given(JSON, JSON)
def test_the_other_way_round_missing_is_extra(ours: Any, theirs: Any) -> None:
    turned = {MISSING: EXTRA, EXTRA: MISSING}
    back = sorted((path, turned.get(kind, kind)) for path, kind in found(theirs, ours))
    assert sorted(found(ours, theirs)) == back
    assert found(ours, theirs, Rule("*", "ignore")) == []
