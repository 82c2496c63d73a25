"""Differences put together: one group for each operation, place and kind, however many pairs have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from lgsp.capture.record import Record
from lgsp.traffic.diff.comparing import EXTRA, MISSING, Difference, differences
from lgsp.traffic.diff.latency import Pace
from lgsp.traffic.diff.pairing import Pair
from lgsp.traffic.diff.rules import Rules
from lgsp.traffic.diff.view import Operation, operation_of, view

SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One pair that has it: what its records are called, and the two values."""

    name: str
    difference: Difference


@dataclass(slots=True)
class Group:
    """What so many `pairs` of one operation have in common. An empty `path` is a record that stands alone."""

    operation: Operation
    path: str
    kind: str
    pairs: int = 0
    samples: list[Sample] = field(default_factory=list)


@dataclass(slots=True)
class Compared:
    """Two captures held against each other: records = 2 x pairs + missing + extra; of the pairs, `different` differ."""

    pairs: int = 0
    different: int = 0
    missing: int = 0
    extra: int = 0
    operations: Counter[Operation] = field(default_factory=Counter)
    groups: list[Group] = field(default_factory=list)
    paces: list[Pace] = field(default_factory=list)
    """How fast each operation was, where that was asked for."""

    @property
    def untold(self) -> bool:
        """Whether latencies were asked for, and there were pairs enough for none."""
        return bool(self.paces) and not any(pace.told for pace in self.paces)

    @property
    def findings(self) -> int:
        """In how many pairs a group was found, over all groups."""
        return sum(group.pairs for group in self.groups)


def compare(paired: Iterable[Pair], rules: Rules) -> Compared:
    """All pairs compared; the largest group first."""
    compared = Compared()
    groups: dict[tuple[Operation, str, str], Group] = {}
    for pair in paired:
        found = _found(pair, rules, compared)
        operation = operation_at(pair.ours or pair.theirs)
        compared.operations[operation] += 1
        for (path, kind), first in {(each.path, each.kind): each for each in reversed(found)}.items():
            group = groups.setdefault((operation, path, kind), Group(operation, path, kind))
            group.pairs += 1
            if len(group.samples) < SAMPLES:
                group.samples.append(Sample(pair.called, first))
    compared.groups = sorted(groups.values(), key=lambda group: (-group.pairs, group.operation, group.path, group.kind))
    return compared


def _found(pair: Pair, rules: Rules, compared: Compared) -> list[Difference]:
    if pair.theirs is None:
        compared.missing += 1
        return [Difference("", MISSING)]
    if pair.ours is None:
        compared.extra += 1
        return [Difference("", EXTRA)]
    compared.pairs += 1
    ways = rules.of(*operation_of(pair.ours))
    found = list(differences(view(pair.ours), view(pair.theirs), ways))
    compared.different += bool(found)
    return found


def operation_at(record: Record | None) -> Operation:
    """What a record is about, and who saw it."""
    if record is None:
        raise ValueError("a pair has a record on one side at least")
    return (*operation_of(record), record.tap)
