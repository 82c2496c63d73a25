"""What differs between two trees of values, and by which rules a difference counts as one."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lgsp.traffic.diff.rules import Way, Ways
from lgsp.traffic.diff.values import alike, kind_of

Aligned = tuple[list[tuple[Any, Any]], list[Any], list[Any]]
"""The items of two lists that are to be compared, and those that only the first, only the second has."""
DIFFERENT, TYPE, MISSING, EXTRA, ORDER = "different", "type", "missing", "extra", "order"


@dataclass(frozen=True, slots=True)
class Difference:
    """At `path` (`reply.body.items[].name`: the places of a list are all one) `ours` became `theirs`."""

    path: str
    kind: str
    ours: Any = None
    theirs: Any = None


def differences(ours: object, theirs: object, ways: Ways) -> Iterator[Difference]:
    """Where two trees differ, in the order of their names. A list in another order is one difference, of the kind `order`."""
    todo = [("", ours, theirs)]
    while todo:
        path, one, other = todo.pop()
        way = ways.way(path)
        if way.ignore:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _alone(path, one, other, ways)
            both = sorted(one.keys() & other.keys(), reverse=True)
            todo += [(_below(path, name), one[name], other[name]) for name in both]
        elif isinstance(one, list) and isinstance(other, list):
            if _turned(one, other, way):
                yield Difference(path, ORDER, one, other)
                continue
            pairs, one, other = _aligned(one, other, way)
            yield from _left_over(f"{path}[]", one, other, ways)
            todo += [(f"{path}[]", *pair) for pair in reversed(pairs)]
        elif kind_of(one) != kind_of(other):
            yield Difference(path, TYPE, one, other)
        elif not alike(path, one, other, way):
            yield Difference(path, DIFFERENT, one, other)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _alone(path: str, one: dict[str, Any], other: dict[str, Any], ways: Ways) -> Iterator[Difference]:
    """The names that only one of two objects has."""
    for name in sorted(one.keys() ^ other.keys()):
        below = _below(path, name)
        way = ways.way(below)
        if name in one and not way.ignore:
            yield Difference(below, MISSING, ours=one[name])
        elif name in other and not way.ignore and not way.subset:
            yield Difference(below, EXTRA, theirs=other[name])


def _left_over(path: str, one: list[Any], other: list[Any], ways: Ways) -> Iterator[Difference]:
    """The items that only one of two lists has."""
    way = ways.way(path)
    if way.ignore:
        return
    yield from (Difference(path, MISSING, ours=item) for item in one)
    if not way.subset:
        yield from (Difference(path, EXTRA, theirs=item) for item in other)


def _turned(one: list[Any], other: list[Any], way: Way) -> bool:
    """Whether two lists hold the same in another order, and that counts."""
    if len(one) != len(other) or len(one) < 2 or way.shape or way.unordered or one == other:
        return False
    return Counter(map(_name, one)) == Counter(map(_name, other))


def _aligned(one: list[Any], other: list[Any], way: Way) -> Aligned:
    if way.shape:
        if not one or not other:
            return [], [], []
        most = max(len(one), len(other))
        longer = (side + side[-1:] * (most - len(side)) for side in (one, other))
        return list(zip(*longer, strict=True)), [], []
    if not way.unordered:
        return _by_place(one, other)
    pairs, ours, theirs = _by_name(one, other, way.by)
    if way.by:
        return pairs, ours, theirs
    return _by_place(sorted(ours, key=_name), sorted(theirs, key=_name))


def _by_place(one: list[Any], other: list[Any]) -> Aligned:
    return list(zip(one, other, strict=False)), one[len(other) :], other[len(one) :]


def _by_name(one: list[Any], other: list[Any], member: str) -> Aligned:
    """Items that have the same member, or are the same; of several the first belongs to the first."""
    waiting: defaultdict[str, deque[Any]] = defaultdict(deque)
    for item in other:
        waiting[_name(item, member)].append(item)
    pairs, ours = [], []
    for item in one:
        same = waiting[_name(item, member)]
        if same:
            pairs.append((item, same.popleft()))
        else:
            ours.append(item)
    return pairs, ours, [item for rest in waiting.values() for item in rest]


def _name(item: object, member: str = "") -> str:
    return json.dumps(item.get(member) if member and isinstance(item, dict) else item, sort_keys=True)
