from __future__ import annotations

from typing import Any

import pytest
from builders import a_rule
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.service import Comparison, Condition
from lgsp.catalogue.table import Table, parse_rows
from lgsp.runtime.rules import MISSING, choose, explain, nearest, value_of

TABLES = {"people": Table(file="p.csv", key="id", rows=parse_rows(b"id,name\n7,An\n", "id"))}
VALUES: dict[str, Any] = {
    "path": {"id": "7"},
    "query": {"page": "12", "empty": ""},
    "headers": {"x-systemid": "H47"},
    "body": {"n": 7, "t": "a", "yes": True, "none": None, "list": [{"k": "v"}], "deep": {"er": 1.5}},
}


def a_condition(written: str, word: str = "exists", value: object = True, **fields: Any) -> Condition:  # noqa: FBT002 - what `exists` holds
    of, *name = written.split(".")
    tests = fields.pop("tests", (Comparison(word=word, value=value),))
    return Condition(written=written, of=of, name=tuple(name), tests=tests, **fields)  # type: ignore[arg-type]  # one of the four


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("path.id", "7"),
        ("query.empty", ""),
        ("query.absent", MISSING),
        ("headers.x-systemid", "H47"),
        ("body", VALUES["body"]),
        ("body.n", 7),
        ("body.none", None),
        ("body.list.0.k", "v"),
        ("body.list.1.k", MISSING),
        ("body.list.k", MISSING),
        ("body.t.0", MISSING),
        ("body.deep.er", 1.5),
    ],
)
def test_a_value_is_found_by_its_way(written: str, value: object) -> None:
    assert value_of(a_condition(written), VALUES, {}) == value


@pytest.mark.parametrize(
    ("written", "column", "value"),
    [
        ("path.id", "name", "An"),
        ("body.n", None, {"id": "7", "name": "An"}),
        ("path.id", "nothing", MISSING),
        ("query.page", "name", MISSING),
        ("query.absent", "name", MISSING),
    ],
)
def test_a_value_is_looked_up(written: str, column: str | None, value: object) -> None:
    assert value_of(a_condition(written, table="people", column=column), VALUES, TABLES) == value


@pytest.mark.parametrize(
    ("written", "word", "value", "holds"),
    [
        ("path.id", "equals", "7", True),
        ("path.id", "equals", "8", False),
        ("body.n", "equals", 7, True),
        ("body.n", "equals", 7.0, True),
        ("body.n", "equals", "7", False),
        ("body.yes", "equals", True, True),
        ("body.yes", "equals", 1, False),
        ("body.n", "equals", True, False),
        ("body.none", "equals", None, True),
        ("body.list", "equals", [{"k": "v"}], True),
        ("body.list", "equals", [{"k": "w"}], False),
        ("body.deep", "equals", {"er": 1.5}, True),
        ("body.deep", "equals", {}, False),
        ("body.absent", "equals", None, False),
        ("body.t", "one_of", ("b", "a"), True),
        ("body.t", "one_of", ("b",), False),
        ("body.yes", "one_of", (1,), False),
        ("headers.x-systemid", "matches", "^H4", True),
        ("headers.x-systemid", "matches", "^4", False),
        ("body.n", "matches", "^7$", True),
        ("body.yes", "matches", "true", True),
        ("body.absent", "matches", "", False),
        ("body.none", "exists", True, True),
        ("body.absent", "exists", True, False),
        ("body.absent", "exists", False, True),
        ("query.page", "from", 12, True),
        ("query.page", "above", 12, False),
        ("query.page", "to", 12, True),
        ("query.page", "below", 12, False),
        ("body.deep.er", "above", 1.4, True),
        ("body.deep.er", "below", 1.6, True),
        ("body.t", "from", 0, False),
        ("body.yes", "from", 0, False),
        ("body.absent", "to", 0, False),
    ],
)
def test_a_condition_holds_or_does_not(written: str, word: str, value: object, holds: bool) -> None:  # noqa: FBT001 - a row of the table
    rule = a_rule(when=(a_condition(written, word, value),))
    assert (choose([rule], VALUES, {}) is rule) is holds


def test_all_tests_of_a_condition_hold_or_it_does_not() -> None:
    between = (Comparison(word="from", value=1), Comparison(word="below", value=7))
    assert choose([a_rule(when=(a_condition("body.n", tests=between),))], VALUES, {}) is None
    between = (Comparison(word="from", value=1), Comparison(word="to", value=7))
    assert choose([a_rule(when=(a_condition("body.n", tests=between),))], VALUES, {}) is not None


def test_the_first_rule_that_fits_is_chosen_and_none_where_none_does() -> None:
    no, first, second = (
        a_rule(name="no", when=(a_condition("body.absent"),)),
        a_rule(name="first", when=(a_condition("body.n"),)),
        a_rule(name="second"),
    )
    assert choose([no, first, second], VALUES, {}) is first
    assert choose([no, second], VALUES, {}) is second
    assert choose([no], VALUES, {}) is None
    assert choose([], VALUES, {}) is None


def test_how_each_rule_fared_is_told_and_who_missed_by_least() -> None:
    rules = [
        a_rule(name="far", when=(a_condition("body.a"), a_condition("body.b"), a_condition("body.n"))),
        a_rule(name="near", when=(a_condition("path.id"), a_condition("body.t", "equals", "b"))),
        a_rule(name="fits", when=(a_condition("path.id"),)),
    ]
    tried = explain(rules, VALUES, {})
    assert [(one.rule.name, one.held, one.missed_by) for one in tried] == [
        ("far", 1, 2),
        ("near", 1, 1),
        ("fits", 1, 0),
    ]
    assert [(one.failed.written if one.failed else None, one.found) for one in tried] == [
        ("body.a", MISSING),
        ("body.t", "a"),
        (None, None),
    ]
    assert [one.rule.name for one in nearest(tried)] == ["near"]
    assert nearest([]) == []


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4)


@given(JSON, JSON)
def test_choosing_and_explaining_agree(value: object, wanted: object) -> None:
    rule = a_rule(when=(a_condition("body.x", "equals", wanted),))
    values = {"body": {"x": value}}
    assert (choose([rule], values, {}) is rule) is (explain([rule], values, {})[0].missed_by == 0)
