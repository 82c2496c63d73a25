from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.capture.record import Record
from lgsp.traffic.diff.order import Span, moved, span_of, strayed


@settings(derandomize=True)
@given(st.permutations(range(8)))
def test_the_fewest_move(order: list[int]) -> None:
    gone = strayed(order)
    left = [place for number, place in enumerate(order) if number not in gone]
    assert left == sorted(left)
    longest = [1] * len(order)
    for late in range(len(order)):
        longest[late] += max((longest[early] for early in range(late) if order[early] < order[late]), default=0)
    assert len(left) == max(longest)


def at(*begins: int, took: int = 1) -> list[Span]:
    return [(begin, begin + took) for begin in begins]


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ([], [], []),
        (at(0), at(9), []),
        (at(0, 10, 20, 30), at(5, 6, 7, 8), []),
        (at(0, 10, 20, 30), at(30, 0, 10, 20), [(0, 3)]),
        (at(0, 10, 20, 30), at(10, 20, 30, 0), [(3, -3)]),
        (at(30, 20, 10, 0), at(20, 10, 0, 30), [(3, 3)]),
        (at(0, 10, took=20), at(10, 0), []),
        (at(0, 10), at(10, 0, took=20), []),
        (at(0, 0), at(10, 0), []),
        (at(0, 1), at(1, 0), [(0, 1)]),
    ],
    ids=["none", "one", "same", "later", "earlier", "unsorted", "overlap in A", "overlap in B", "at once", "touching"],
)
def test_who_moved_and_how_far(ours: list[Span], theirs: list[Span], found: list[tuple[int, int]]) -> None:
    assert moved(ours, theirs) == found


@settings(derandomize=True)
@given(st.integers(0, 2**32))
def test_of_the_fewest_only_those_moved_that_changed_places_with_a_call_apart_from_them(seed: int) -> None:
    chance = random.Random(seed)
    one, other = ([(begin, begin + chance.randint(1, 9)) for begin in chance.choices(range(30), k=8)] for _ in "ab")

    def before(side: list[Span], first: int, second: int) -> bool:
        return side[first][1] <= side[second][0]

    def crossed(pair: int, each: int) -> bool:
        return (before(one, pair, each) and before(other, each, pair)) or (
            before(one, each, pair) and before(other, pair, each)
        )

    begun, came = (sorted(range(8), key=lambda pair, side=side: side[pair][0]) for side in (one, other))  # type: ignore[misc]
    strays = {begun[place] for place in strayed([came.index(pair) for pair in begun])}
    found = moved(one, other)
    assert {pair for pair, _ in found} == {pair for pair in strays if any(crossed(pair, each) for each in range(8))}
    assert all(way == came.index(pair) - begun.index(pair) for pair, way in found)


def test_a_call_that_does_not_say_how_long_it_took_was_a_moment() -> None:
    assert span_of(Record(t=7)) == (7, 8)
    assert span_of(Record(t=7, times={"total": 5})) == (7, 12)
