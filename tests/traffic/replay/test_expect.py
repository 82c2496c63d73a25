from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.capture.record import CONNECTOR, Answered, Asked, Body, Record
from lgsp.traffic.diff.rules import IGNORE, Rule, Rules
from lgsp.traffic.replay.expect import expect

NONE = Rules()
Told = list[tuple[str, str, str, int]]


def call(at: int, service: str, took: int = 1, **body: object) -> Record:
    asked = Asked(
        "POST", f"/{service}/ask", (("content-type", "application/json"),), Body.of(json.dumps(body).encode())
    )
    return Record(
        t=at,
        service=service,
        operation="POST /ask",
        request=asked,
        reply=Answered(200),
        times={"total": took},
        outcome="ok",
    )


def told(expected: Sequence[Record], asked: Sequence[Record], rules: Rules = NONE, *, ordered: bool = True) -> Told:
    found = expect(expected, asked, rules, ordered=ordered)
    return [(group.operation[0], group.path, group.kind, group.pairs) for group in found.groups]


def a_day(citizens: int = 5) -> list[Record]:
    return [
        call(citizen * 100 + step * 10, service, citizen=citizen, of=service)
        for citizen in range(citizens)
        for step, service in enumerate(("people", "payment", "land"))
    ]


def test_the_same_calls_are_no_finding_whatever_they_were_answered_and_when() -> None:
    again = [
        Record(t=r.t * 7 + 3, service=r.service, operation=r.operation, request=r.request, outcome="timeout")
        for r in a_day()
    ]
    elsewhere = [Record(t=0, tap=CONNECTOR, request=Asked("GET", "/x")), Record(t=1)]
    assert told(a_day(), [*again, *elsewhere]) == []
    assert told([], []) == []


def test_four_changes_are_four_findings_each_with_its_name() -> None:
    asked = a_day()
    del asked[4]  # payment of citizen 1
    asked[0], asked[1] = (Record(t=o.t, service=r.service, operation=r.operation, request=r.request) for o, r in zip(asked[:2], asked[1::-1], strict=True))  # fmt: skip
    asked[8] = call(asked[8].t, "people", citizen=3, of="people", more=True)
    asked.append(call(450, "notify", citizen=4))
    assert sorted(told(a_day(), asked)) == [
        ("notify", "", "extra", 1),
        ("payment", "", "missing", 1),
        ("people", "", "out of order", 1),
        ("people", "request.body.more", "extra", 1),
    ]
    assert sorted(kind for *_, kind, _ in told(a_day(), asked, ordered=False)) == ["extra", "extra", "missing"]


def test_what_is_ignored_makes_no_call_another_one() -> None:
    ours = [call(n, "people", citizen=n, when=n) for n in range(5)]
    theirs = [call(n, "people", citizen=n, when=n + 100) for n in range(5)]
    assert told(ours, theirs) == [("people", "request.body.when", "different", 5)]
    assert told(ours, theirs, Rules([Rule("request.body.when", IGNORE)])) == []


def test_what_has_little_in_common_is_missing_and_extra_and_not_different() -> None:
    ours, theirs = [call(0, "s", a=1, b=2, c=3, d=4, e=5)], [call(0, "s", a=9, b=9, c=9, d=9, e=9)]
    assert [(kind, n) for *_, kind, n in told(ours, theirs)] == [("extra", 1), ("missing", 1)]


@pytest.mark.parametrize(
    ("took", "found"),
    [(1, [("out of order", 1)]), (50, [])],
)
def test_calls_that_overlapped_have_no_order(took: int, found: list[tuple[str, int]]) -> None:
    ours = [call(0, "a", took), call(10, "b", took)]
    theirs = [call(0, "b"), call(10, "a")]
    assert [(kind, n) for *_, kind, n in told(ours, theirs)] == found


def test_how_far_a_call_strayed_is_said() -> None:
    ours = [call(n * 10, "s", n=n) for n in range(5)]
    theirs = [call(n * 10, "s", n=value) for n, value in enumerate([1, 2, 3, 0, 4])]
    [group] = expect(ours, theirs, NONE).groups
    assert [sample.name for sample in group.samples] == ["expected call 1, 3 later"]


@given(st.integers(0, 2**32), st.integers(0, 6), st.integers(0, 6))
def test_as_many_are_missing_and_extra_as_were_taken_away_and_added(seed: int, gone: int, new: int) -> None:
    chance = random.Random(seed)
    asked = a_day(4)
    for _ in range(gone):
        asked.pop(chance.randrange(len(asked)))
    for number in range(new):
        asked.insert(chance.randrange(len(asked) + 1), call(0, "other", n=number))
    asked = [
        Record(t=at * 10, service=r.service, operation=r.operation, request=r.request) for at, r in enumerate(asked)
    ]
    found = expect(a_day(4), asked, NONE)
    assert (found.pairs, found.missing, found.extra, found.different) == (12 - gone, gone, new, 0)
    assert {group.kind for group in found.groups} <= {"missing", "extra"}
