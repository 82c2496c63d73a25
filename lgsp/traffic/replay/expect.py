"""What a system asked of the bus, held against what it is expected to ask: missing, extra, different, out of order.

expected  A  B  C  D  E        B is missing, F is extra, D is out of order: the fewest calls that had to move
asked     A  D  C  F  E'       E became E'
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from lgsp.capture.record import GATEWAY, Record
from lgsp.traffic.diff.beside import out_of_order
from lgsp.traffic.diff.comparing import differences
from lgsp.traffic.diff.groups import Compared, compare, operation_at
from lgsp.traffic.diff.order import moved, span_of
from lgsp.traffic.diff.pairing import Pair
from lgsp.traffic.diff.rules import Rules
from lgsp.traffic.diff.view import Operation, operation_of, view

_NEAR = 64
"""How many calls of one operation that have no partner yet are looked at for the likest."""
_UNLIKE = 0.5
"""With more than this part of its values different a call is another one."""


@dataclass(frozen=True, slots=True)
class Met:
    """An expected call and its partner, by their places in the two orders."""

    ours: int
    theirs: int


def expect(expected: Iterable[Record], asked: Iterable[Record], rules: Rules, *, ordered: bool = True) -> Compared:
    """The findings. What the calls were answered does not count, nor the order of calls that overlapped in time."""
    ours, theirs = _calls(expected), _calls(asked)
    met = partners(ours, theirs, rules)
    compared = compare(_pairs(ours, theirs, met), rules)
    if ordered:
        spans = [span_of(ours[each.ours]) for each in met], [span_of(theirs[each.theirs]) for each in met]
        compared.groups += out_of_order(
            _named(ours[met[pair].ours], met[pair].ours, way) for pair, way in moved(*spans)
        )
    return compared


def _calls(records: Iterable[Record]) -> list[Record]:
    """The requests at the entrance, in the order in which they began."""
    kept = [
        replace(record, reply=None, outcome="", reason="", fault="")
        for record in records
        if record.tap == GATEWAY and record.request is not None
    ]
    return sorted(kept, key=attrgetter("t"))


def partners(ours: Sequence[Record], theirs: Sequence[Record], rules: Rules) -> list[Met]:
    """Which calls belong together, in the order of the first: those that are the same, then those that are alike."""
    free: dict[tuple[str, str], dict[str, deque[int]]] = defaultdict(lambda: defaultdict(deque))
    for place, record in enumerate(theirs):
        free[operation_of(record)][_written(record)].append(place)
    found: dict[int, int] = {}
    for place, record in enumerate(ours):
        same = free[operation_of(record)][_written(record)]
        if same:
            found[place] = same.popleft()
    rest = {name: sorted(place for places in same.values() for place in places) for name, same in free.items()}
    alone = [place for place in range(len(ours)) if place not in found]
    likeness = sorted(
        (_unlike(ours[place], theirs[each], rules), place, each)
        for place in alone
        for each in _around(rest.get(operation_of(ours[place]), []), place)
    )
    taken = set[int]()
    for unlike, place, each in likeness:
        if unlike <= _UNLIKE and place not in found and each not in taken:
            found[place] = each
            taken.add(each)
    return [Met(place, found[place]) for place in sorted(found)]


def _around(places: Sequence[int], place: int) -> Sequence[int]:
    """Those of ascending places that are nearest to one."""
    at = bisect_left(places, place)
    return places[max(0, at - _NEAR // 2) : at + _NEAR // 2]


def _written(record: Record) -> str:
    return json.dumps(view(record), sort_keys=True)


def _unlike(ours: Record, theirs: Record, rules: Rules) -> float:
    """Which part of the values is another: 0 for none."""
    tree = view(ours)
    found = sum(1 for _ in differences(tree, view(theirs), rules.of(*operation_of(ours))))
    return found / max(_leaves(tree), 1)


def _leaves(tree: object) -> int:
    if isinstance(tree, dict):
        return sum(map(_leaves, tree.values()))
    return sum(map(_leaves, tree)) if isinstance(tree, list) else 1


def _pairs(ours: Sequence[Record], theirs: Sequence[Record], met: Sequence[Met]) -> Iterator[Pair]:
    by_place = {each.ours: each.theirs for each in met}
    for place, record in enumerate(ours):
        other = by_place.get(place)
        yield Pair((record.tap, f"expected call {place + 1}", 0), record, None if other is None else theirs[other])
    taken = set(by_place.values())
    for place, record in enumerate(theirs):
        if place not in taken:
            yield Pair((record.tap, f"call {place + 1}", 0), None, record)


def _named(record: Record, place: int, way: int) -> tuple[Operation, str, int]:
    return operation_at(record), f"expected call {place + 1}", way
