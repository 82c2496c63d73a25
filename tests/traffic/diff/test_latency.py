from __future__ import annotations

import random
from array import array
from collections.abc import Callable

import pytest

from lgsp.capture.record import Record
from lgsp.traffic.diff.latency import Pace, Times, enough, paces
from lgsp.traffic.diff.view import Operation

GET: Operation = ("svc", "GET /x", "gateway")
MS = 1_000_000


def of(ours: list[int], theirs: list[int]) -> Times:
    return Times(array("q", ours), array("q", theirs))


def lognormal(chance: random.Random, count: int, *, slower: float = 1.0) -> list[int]:
    """A p50 of 80 ms, a p95 of 240."""
    return [round(80 * MS * slower * chance.lognormvariate(0, 0.668)) for _ in range(count)]


def test_percentiles_are_those_of_the_times_and_say_how_many_there_are() -> None:
    ours = [number * MS for number in range(1, 1_001)]
    found = paces({GET: of(ours[::-1], [2 * value for value in ours])}, 0.2)
    assert [(pace.percent, pace.ours, pace.theirs, pace.pairs, pace.slower) for pace in found] == [
        (50, 0.5, 1.0, 1_000, True),
        (95, 0.95, 1.9, 1_000, True),
    ]
    assert [pace.needs for pace in found] == [5, 74]


@pytest.mark.parametrize(
    ("limit", "found"),
    [(0.0, [True, True]), (0.09, [True, True]), (0.11, [False, False])],
    ids=["any", "below", "above"],
)
def test_slower_is_who_is_slower_by_more_than_the_limit(limit: float, found: list[bool]) -> None:
    ours = [round((1_000 + number / 100) * MS) for number in range(1_000)]
    theirs = [round(value * 1.1) for value in ours]
    assert [pace.slower for pace in paces({GET: of(ours, theirs)}, limit)] == found
    assert not any(pace.slower for pace in paces({GET: of(theirs, ours)}, limit))


def test_too_few_pairs_tell_nothing() -> None:
    for count, told in (
        (0, [False, False]),
        (1, [False, False]),
        (4, [False, False]),
        (5, [True, False]),
        (74, [True, True]),
    ):
        found = paces({GET: of([MS] * count, [9 * MS] * count)}, 0.2)
        assert [(pace.told, pace.slower, pace.pairs) for pace in found] == [(each, each, count) for each in told]


def test_the_more_operations_the_more_pairs_it_takes() -> None:
    one = paces({GET: of([MS], [MS])}, 0.2)
    many = paces({(f"s{number}", "GET /", "gateway"): of([MS], [MS]) for number in range(28)}, 0.2)
    assert (one[1].needs, many[1].needs, len(many)) == (74, 187, 56)
    assert enough(5, 2.0) == enough(95, 2.0) == 77


def findings(make: Callable[[random.Random, int], Times], limit: float, runs: int) -> list[list[Pace]]:
    """What is called slower in each of so many comparisons of 28 operations."""
    told = []
    for run in range(runs):
        chance = random.Random(run)
        times = {(f"s{number:02}", "GET /", "gateway"): make(chance, number) for number in range(28)}
        told.append([pace for pace in paces(times, limit) if pace.slower])
    return told


def test_the_same_build_twice_is_no_finding_and_one_slower_operation_is_the_only_one() -> None:
    def same(chance: random.Random, _: int) -> Times:
        return of(lognormal(chance, 300), lognormal(chance, 300))

    assert sum(bool(found) for found in findings(same, 0.0, 20)) <= 1

    def one_slower(chance: random.Random, number: int) -> Times:
        return of(
            lognormal(chance, 300), lognormal(chance, 2_000 if number == 7 else 300, slower=1.5 if number == 7 else 1)
        )

    for found in findings(one_slower, 0.2, 3):
        assert {pace.operation[0] for pace in found} == {"s07"}


def test_only_pairs_that_say_how_long_they_took_count() -> None:
    times = Times()
    for ours, theirs in (
        ({"total": 1}, {"total": 2}),
        ({}, {"total": 2}),
        ({"total": 1}, {}),
        ({"total": 0}, {"total": 5}),
    ):
        times.note(Record(t=0, times=ours), Record(t=0, times=theirs))
    assert (list(times.ours), list(times.theirs)) == ([1], [2])
