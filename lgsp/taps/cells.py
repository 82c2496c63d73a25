"""Counters, gauges and histograms that cost a transaction an addition: plain cells, rendered at scrape.

prometheus_client's own children take a lock for every change and walk their buckets one by one. Here the event loop's
thread alone changes a cell, and a scrape reads what it finds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

Samples = Iterator[tuple[str, dict[str, str], float]]
"""What a child holds: suffix of the name, further labels, value."""


class Cell:
    """One number. A counter's only rises."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, change: float = 1) -> None:
        """Add."""
        self.value += change

    def set(self, value: float) -> None:
        """Replace."""
        self.value = float(value)

    def samples(self) -> Samples:
        """The number."""
        yield "", {}, self.value


class Spread:
    """How many values fell into each bucket, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value in the first bucket whose bound it does not pass."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self) -> Samples:
        """The buckets, each with all below it; count and sum."""
        sums = list(accumulate(self._counts))
        for bound, count in zip((*self._bounds, float("inf")), sums, strict=True):
            yield "_bucket", {"le": floatToGoString(bound)}, count  # type: ignore[no-untyped-call]  # the package forgot its annotation
        yield "_count", {}, sums[-1]
        yield "_sum", {}, self._sum


T = TypeVar("T", Cell, Spread)


class _Family(Collector, Generic[T]):
    """A metric and its children by their label values; one without labels has its one child from the start."""

    def __init__(
        self,
        kind: str,
        name: str,
        says: str,
        labels: Sequence[str],
        make: Callable[[], T],
        registry: CollectorRegistry,
    ) -> None:
        self._kind = kind
        self._name = name
        self._says = says
        self._labels = tuple(labels)
        self._make: Callable[[], T] = make
        self._children: dict[tuple[str, ...], T] = {}
        if not labels:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> T:
        """The child of these label values, in the order of the labels; who moves it often keeps it."""
        child = self._children.get(values)
        if child is None:
            if len(values) != len(self._labels):
                raise ValueError(f"{self._name} has the labels {self._labels}, not {values}")
            child = self._children[values] = self._make()
        return child

    def describe(self) -> Iterator[Metric]:
        """The name, for the registry's own check."""
        yield Metric(self._name.removesuffix("_total"), self._says, self._kind)

    def collect(self) -> Iterator[Metric]:
        """What every child holds now."""
        family = Metric(self._name.removesuffix("_total"), self._says, self._kind)
        for values, child in list(self._children.items()):
            labels = {name: str(value) for name, value in zip(self._labels, values, strict=True)}
            for suffix, more, value in child.samples():
                family.add_sample(self._name + suffix, labels | more, value)
        yield family


class Counter(_Family[Cell]):
    """Rises; its name ends in `_total`."""

    def __init__(self, name: str, says: str, labels: Sequence[str] = (), *, registry: CollectorRegistry) -> None:
        super().__init__("counter", name, says, labels, Cell, registry)

    def inc(self, change: float = 1) -> None:
        """Raise a counter without labels."""
        self.labels().inc(change)


class Gauge(_Family[Cell]):
    """Goes up and down."""

    def __init__(self, name: str, says: str, labels: Sequence[str] = (), *, registry: CollectorRegistry) -> None:
        super().__init__("gauge", name, says, labels, Cell, registry)


class Histogram(_Family[Spread]):
    """Spreads values over buckets, whose upper bounds rise."""

    def __init__(
        self,
        name: str,
        says: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        super().__init__("histogram", name, says, labels, lambda: Spread(buckets), registry)

    def observe(self, value: float) -> None:
        """Count a value in a histogram without labels."""
        self.labels().observe(value)
