"""Calls that came in another order: the fewest that would have to move. Calls that overlapped in time have no order.

A  1  2  3  4  5        4 is out of order
B  1  4  2  3  5
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from lgsp.capture.record import Record

OUT_OF_ORDER = "out of order"
Span = tuple[int, int]
"""When a call began and when it had ended, ns."""


def span_of(record: Record) -> Span:
    """Of one that does not say how long it took, the moment."""
    return record.t, record.t + max(1, record.times.get("total", 0))


def moved(ours: Sequence[Span], theirs: Sequence[Span]) -> list[tuple[int, int]]:
    """Which of these pairs moved, and by how many places later (or earlier, below 0) it came in the second order.

    Only such as changed places with one that it overlapped on neither side.
    """
    begun, came = _by_begin(ours), {pair: place for place, pair in enumerate(_by_begin(theirs))}
    strays = strayed([came[pair] for pair in begun])
    if not strays:
        return []
    crossed = _overtaking(ours, theirs) | _overtaking(theirs, ours)
    return [(begun[place], came[begun[place]] - place) for place in strays if begun[place] in crossed]


def strayed(places: Sequence[int]) -> list[int]:
    """Which of these places, by their numbers, would have to move for the rest to rise: the fewest."""
    ends: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for number, place in enumerate(places):
        length = bisect_left(ends, place)
        before.append(at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(place)
            at.append(number)
        else:
            ends[length], at[length] = place, number
    stay, number = set[int](), at[-1] if at else -1
    while number >= 0:
        stay.add(number)
        number = before[number]
    return [number for number in range(len(places)) if number not in stay]


def _by_begin(spans: Sequence[Span]) -> list[int]:
    return sorted(range(len(spans)), key=lambda pair: spans[pair][0])


def _overtaking(ours: Sequence[Span], theirs: Sequence[Span]) -> set[int]:
    """The pairs that begin after the end of some other on the one side, and end before it begins on the other."""
    ended = sorted(range(len(ours)), key=lambda pair: ours[pair][1])
    ends = [ours[pair][1] for pair in ended]
    latest = list(accumulate((theirs[pair][0] for pair in ended), max))
    before = [bisect_right(ends, begin) for begin, _ in ours]
    return {pair for pair, count in enumerate(before) if count and latest[count - 1] >= theirs[pair][1]}
