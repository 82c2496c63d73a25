"""The law that latencies follow: which part of them is over after so many seconds, and after how many a part of them is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import NormalDist

from lgsp.catalogue.service import (
    Distribution,
    Exponential,
    Fixed,
    Latency,
    Lognormal,
    Mixture,
    Percentiles,
    Uniform,
)

_NORMAL = NormalDist()
_Z99 = _NORMAL.inv_cdf(0.99)
_LONGEST = 86_400.0
_STEPS = 60
_USUAL = (50.0, 90.0, 99.0)


def below(latency: Latency, seconds: float) -> float:
    """The part (0 to 1) of draws that are `seconds` at most; what would exceed the maximum is drawn again."""
    part = _below(latency.distribution, seconds)
    if latency.maximum is None:
        return part
    if seconds >= latency.maximum:
        return 1.0
    whole = _below(latency.distribution, latency.maximum)
    return part / whole if whole else 0.0


def named(latency: Latency) -> Iterator[tuple[float, float]]:
    """The percentiles that a block promises, each (percent, seconds): those it names, else its p50, p90 and p99."""
    match latency.distribution:
        case Lognormal(p50=p50, p99=p99):
            yield from ((50.0, p50), (99.0, p99))
        case Percentiles(points=points):
            yield from (point for point in points if 0 < point[0] < 100)
        case _:
            yield from ((percent, at(latency, percent / 100)) for percent in _USUAL)


def at(latency: Latency, part: float) -> float:
    """The least seconds after which `part` (0 to 1) of the draws is over."""
    low, high = 0.0, latency.maximum or _LONGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if below(latency, middle) >= part:
            high = middle
        else:
            low = middle
    return high


def _below(distribution: Distribution, seconds: float) -> float:
    match distribution:
        case Fixed(seconds=fixed):
            return float(seconds >= fixed)
        case Uniform(low=low, high=high):
            return float(seconds >= low) if high == low else min(max((seconds - low) / (high - low), 0.0), 1.0)
        case Lognormal(p50=p50, p99=p99):
            if seconds <= 0:
                return 0.0
            if p99 == p50:
                return float(seconds >= p50)
            return _NORMAL.cdf(math.log(seconds / p50) / (math.log(p99 / p50) / _Z99))
        case Exponential(mean=mean):
            return -math.expm1(-seconds / mean) if mean else float(seconds >= 0)
        case Percentiles(points=points):
            return _between(points, seconds)
        case Mixture(parts=parts):
            whole = sum(part.weight for part in parts)
            return sum(part.weight * _below(part.distribution, seconds) for part in parts) / whole


def _between(points: tuple[tuple[float, float], ...], seconds: float) -> float:
    """The percentile of a value on the line through the points; below the first and above the last nothing falls."""
    first_percent, first = points[0]
    if seconds < first:
        return 0.0
    part = first_percent / 100
    for (low_percent, low), (high_percent, high) in pairwise(points):
        if seconds >= high:
            part = high_percent / 100
        elif seconds >= low:
            return (low_percent + (high_percent - low_percent) * (seconds - low) / (high - low)) / 100
    return 1.0 if seconds >= points[-1][1] else part
