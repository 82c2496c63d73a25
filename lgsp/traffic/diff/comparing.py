"""What differs between two trees of values, and by which rules a difference counts as one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIFFERENT, TYPE, MISSING, EXTRA = "different", "type", "missing", "extra"
_CODE = re.compile(r"[A-Z][A-Z_]{0,31}")
_CODED = ("code", "status", "type", "outcome")
"""What the names of codes end with: `errorCode`, `status`, `content-type`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """At `path` (`reply.body.items[].name`: the places of a list are all one) `ours` became `theirs`."""

    path: str
    kind: str
    ours: Any = None
    theirs: Any = None


@dataclass(frozen=True, slots=True)
class Way:
    """How the values at one path are compared."""

    ignore: bool
    subset: bool
    unordered: bool
    shape: bool
    tolerance: float


class Rules:
    """What is no difference, by paths in which `*` stands for anything; each counts there and below.

    `subset`: the second may have more. `unordered`: the order of a list says nothing. `shape`: types, names and codes are
    compared, other values and the length of lists are not. `tolerance`: how far numbers may be apart.
    """

    def __init__(
        self,
        *,
        ignore: Sequence[str] = (),
        subset: Sequence[str] = (),
        unordered: Sequence[str] = (),
        shape: Sequence[str] = (),
        tolerance: Mapping[str, float] | None = None,
    ) -> None:
        self._ignore, self._subset, self._unordered, self._shape = map(_any_of, (ignore, subset, unordered, shape))
        self._near = [(_any_of([path]), size) for path, size in (tolerance or {}).items()]
        self._known: dict[str, Way] = {}

    def way(self, path: str) -> Way:
        """How the values at a path are compared."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = Way(
                ignore=self._ignore.fullmatch(path) is not None,
                subset=self._subset.fullmatch(path) is not None,
                unordered=self._unordered.fullmatch(path) is not None,
                shape=self._shape.fullmatch(path) is not None,
                tolerance=max((size for at, size in self._near if at.fullmatch(path)), default=0.0),
            )
        return known


def differences(ours: object, theirs: object, rules: Rules) -> Iterator[Difference]:
    """Where two trees differ, in the order of their names."""
    todo = [("", ours, theirs)]
    while todo:
        path, one, other = todo.pop()
        way = rules.way(path)
        if way.ignore:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _alone(path, one, other, rules)
            both = sorted(one.keys() & other.keys(), reverse=True)
            todo += [(_below(path, name), one[name], other[name]) for name in both]
        elif isinstance(one, list) and isinstance(other, list):
            one, other = _aligned(one, other, way)
            yield from _left_over(f"{path}[]", one, other, rules)
            todo += [(f"{path}[]", *both) for both in reversed(list(zip(one, other, strict=False)))]
        elif _kind(one) != _kind(other):
            yield Difference(path, TYPE, one, other)
        elif not _alike(path, one, other, way):
            yield Difference(path, DIFFERENT, one, other)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _alone(path: str, one: dict[str, Any], other: dict[str, Any], rules: Rules) -> Iterator[Difference]:
    """The names that only one of two objects has."""
    for name in sorted(one.keys() ^ other.keys()):
        below = _below(path, name)
        way = rules.way(below)
        if name in one and not way.ignore:
            yield Difference(below, MISSING, ours=one[name])
        elif name in other and not way.ignore and not way.subset:
            yield Difference(below, EXTRA, theirs=other[name])


def _left_over(path: str, one: list[Any], other: list[Any], rules: Rules) -> Iterator[Difference]:
    """The items that the longer of two lists has at its end."""
    way = rules.way(path)
    if way.ignore:
        return
    yield from (Difference(path, MISSING, ours=item) for item in one[len(other) :])
    if not way.subset:
        yield from (Difference(path, EXTRA, theirs=item) for item in other[len(one) :])


def _aligned(one: list[Any], other: list[Any], way: Way) -> tuple[list[Any], list[Any]]:
    """Two lists whose items at one place are to be compared."""
    if way.shape:
        if not one or not other:
            return [], []
        most = max(len(one), len(other))
        return one + one[-1:] * (most - len(one)), other + other[-1:] * (most - len(other))
    if way.unordered:
        ours, theirs = (Counter(json.dumps(item, sort_keys=True) for item in side) for side in (one, other))
        return _items(ours - theirs), _items(theirs - ours)
    return one, other


def _items(written: Counter[str]) -> list[Any]:
    return [json.loads(item) for item in sorted(written.elements())]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _alike(path: str, one: Any, other: Any, way: Way) -> bool:  # noqa: ANN401 - leaves of one kind
    if way.shape:
        name = path.removesuffix(".#text").rpartition(".")[2].rstrip("[]").lower()
        coded = name.endswith(_CODED) or (isinstance(one, str) and _CODE.fullmatch(one) is not None)
        return not coded or bool(one == other)
    if one == other:
        return True
    return _kind(one) == "number" and abs(one - other) <= way.tolerance


def _any_of(paths: Sequence[str]) -> re.Pattern[str]:
    each = (".*".join(re.escape(part) for part in path.split("*")) for path in paths)
    return re.compile(rf"(?:{'|'.join(each)})(?:[.\[].*)?" if paths else r"(?!)", re.DOTALL)
