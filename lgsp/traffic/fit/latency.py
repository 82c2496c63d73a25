"""The law that recorded times follow, and how far it is from them."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean, pstdev

from lgsp.catalogue.law import below
from lgsp.catalogue.service import (
    Distribution,
    Exponential,
    Fixed,
    Latency,
    Lognormal,
    Mixture,
    Part,
    Percentiles,
    Uniform,
)

_Z99 = NormalDist().inv_cdf(0.99)
_SHORTEST = 1e-6
_POINTS = (0.0, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0)
_ROUNDS, _GRID = 200, 500
_CHANCE = 1.63
"""Of a sample of n a distance of this / sqrt(n) is chance, once in a hundred."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A law and its distance: the largest difference of the parts that are over by a moment (Kolmogorov-Smirnov)."""

    family: str
    latency: Latency
    distance: float


def fits(seconds: Sequence[float]) -> list[Fit]:
    """Every law that we know, fitted to some times; the simple ones first, the nearest of them in front."""
    ordered = sorted(max(each, _SHORTEST) for each in seconds)
    simple = sorted(
        (_fit(family, law, ordered) for family, law in _simple(ordered).items()), key=lambda fit: fit.distance
    )
    return [*simple, _fit("mixture", _two(ordered), ordered), _fit("percentiles", _percentiles(ordered), ordered)]


def told(calls: int, at_most: float) -> float:
    """The distance up to which a law is called right: few calls cannot tell as much."""
    return max(at_most, _CHANCE / math.sqrt(calls))


def chosen(found: Sequence[Fit], bound: float) -> Fit:
    """The first law that is near enough; where none is, the percentiles as they were measured."""
    return next((fit for fit in found if fit.distance <= bound), found[-1])


def differ(one: Sequence[float], other: Sequence[float], at_most: float) -> bool:
    """Whether two sets of times follow different laws: they lie further apart than `at_most`, and than chance would put them."""
    if not one or not other:
        return False
    return _apart(one, other) > max(at_most, _CHANCE * math.sqrt(1 / len(one) + 1 / len(other)))


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    """The largest difference of the parts that are over by a moment (Kolmogorov-Smirnov, of two samples)."""
    first, second = sorted(one), sorted(other)
    return max(
        abs(bisect(first, moment) / len(first) - bisect(second, moment) / len(second)) for moment in (*first, *second)
    )


def distance(latency: Latency, ordered: Sequence[float]) -> float:
    """The largest difference between the law and what was measured, 0 to 1."""
    count = len(ordered)
    far = 0.0
    for number, seconds in enumerate(ordered):
        if number + 1 < count and ordered[number + 1] == seconds:
            continue  # equal values are one step
        part = below(latency, seconds)
        far = max(far, abs((number + 1) / count - part))
    first = 0
    for number, (one, other) in enumerate(pairwise((*ordered, math.inf))):
        if one != other:
            # Just before a step; a law that has a step there itself (all at one value) has none before it either.
            far = max(far, below(latency, math.nextafter(one, 0.0)) - first / count)
            first = number + 1
    return far


def _fit(family: str, law: Distribution, ordered: Sequence[float]) -> Fit:
    latency = Latency(distribution=law)
    return Fit(family, latency, distance(latency, ordered))


def _simple(ordered: Sequence[float]) -> dict[str, Distribution]:
    if ordered[0] == ordered[-1]:
        return {"fixed": Fixed(seconds=ordered[0])}
    logs = [math.log(seconds) for seconds in ordered]
    return {
        "lognormal": _lognormal(fmean(logs), pstdev(logs)),
        "exponential": Exponential(mean=fmean(ordered)),
        "uniform": Uniform(low=ordered[0], high=ordered[-1]),
    }


def _lognormal(mean: float, deviation: float) -> Lognormal:
    return Lognormal(p50=math.exp(mean), p99=math.exp(mean + _Z99 * deviation))


def _percentiles(ordered: Sequence[float]) -> Percentiles:
    last = len(ordered) - 1
    return Percentiles(points=tuple((point, ordered[round(last * point / 100)]) for point in _POINTS))


def _two(ordered: Sequence[float]) -> Mixture:
    """Two lognormals by expectation and maximisation, on a grid of the sample's own quantiles: its size costs nothing."""
    grid = min(_GRID, len(ordered))
    logs = [math.log(ordered[int((n + 0.5) * len(ordered) / grid)]) for n in range(grid)]
    half = max(1, grid // 2)
    low, high = (_moments(part) for part in (logs[:half], logs[half:] or logs))
    weight = 0.5
    for _ in range(_ROUNDS):
        shares = [_share(x, weight, low, high) for x in logs]
        whole = sum(shares)
        if not 0.5 < whole < grid - 0.5:
            break
        before = weight, low, high
        weight = whole / grid
        low = _weighed(logs, shares, whole)
        high = _weighed(logs, [1 - share for share in shares], grid - whole)
        if all(
            abs(a - b) < 1e-9 for a, b in zip((weight, *low, *high), (before[0], *before[1], *before[2]), strict=True)
        ):
            break
    return Mixture(
        parts=(
            Part(weight=round(100 * weight, 3), distribution=_lognormal(*low)),
            Part(weight=round(100 * (1 - weight), 3), distribution=_lognormal(*high)),
        )
    )


_Moments = tuple[float, float]
"""Mean and deviation."""


def _moments(logs: Sequence[float]) -> _Moments:
    return fmean(logs), max(pstdev(logs), 1e-3)


def _share(x: float, weight: float, low: _Moments, high: _Moments) -> float:
    """How much a value belongs to the first of two normals."""
    first, second = (
        math.log(w) - math.log(s) - ((x - m) / s) ** 2 / 2 for w, (m, s) in ((weight, low), (1 - weight, high))
    )
    return 1 / (1 + math.exp(min(second - first, 700.0)))


def _weighed(logs: Sequence[float], shares: Sequence[float], whole: float) -> _Moments:
    mean = sum(share * x for share, x in zip(shares, logs, strict=True)) / whole
    variance = sum(share * (x - mean) ** 2 for share, x in zip(shares, logs, strict=True)) / whole
    return mean, max(math.sqrt(variance), 1e-3)
