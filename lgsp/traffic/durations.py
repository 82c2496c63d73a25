"""How long calls took, as a distribution: the part of all calls that is over after so many seconds."""

from __future__ import annotations

import math
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
    Service,
    Uniform,
)
from lgsp.model import Outcome

_NORMAL = NormalDist()
_Z99 = _NORMAL.inv_cdf(0.99)


def over_by(service: Service, outcome: Outcome, seconds: float) -> float:
    """The part (0 to 1) of a service's calls with this outcome that took at most `seconds`.

    A call that nobody answers ends with the service's timeout, and nothing takes longer than that.
    """
    if seconds >= service.timeout:
        return 1.0
    if outcome is Outcome.TIMEOUT:
        return 0.0
    return below(service.latency, seconds) if service.latency else 1.0


def below(latency: Latency, seconds: float) -> float:
    """The part (0 to 1) of draws that are `seconds` at most; what would exceed the maximum is drawn again."""
    part = _below(latency.distribution, seconds)
    if latency.maximum is None:
        return part
    if seconds >= latency.maximum:
        return 1.0
    whole = _below(latency.distribution, latency.maximum)
    return part / whole if whole else 0.0


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
