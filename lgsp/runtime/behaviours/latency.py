"""Slow answers."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable
from itertools import accumulate
from statistics import NormalDist

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
from lgsp.chance import draw
from lgsp.clock import Clock
from lgsp.model import Reply, Request
from lgsp.runtime.connector import Forward
from lgsp.runtime.hours import Factor, steady

_Z99 = NormalDist().inv_cdf(0.99)
_inverse = NormalDist().inv_cdf
_REDRAWS = 100

_Simple = Fixed | Uniform | Lognormal | Exponential | Percentiles
Draw = Callable[[str], float]
"""A number in [0, 1) for a purpose."""


def sample(latency: Latency, draw_for: Draw, scale: float = 1.0) -> float:
    """Seconds, drawn by inverse distribution and multiplied by `scale`; what exceeds the maximum is drawn again, and in the end is the maximum."""
    seconds = scale * _drawn(latency.distribution, draw_for, "")
    if latency.maximum is None:
        return seconds
    for again in range(2, _REDRAWS):
        if seconds <= latency.maximum:
            return seconds
        seconds = scale * _drawn(latency.distribution, draw_for, f".{again}")
    return min(seconds, latency.maximum)


def _drawn(distribution: Distribution, draw_for: Draw, suffix: str) -> float:
    """One draw. A mixture draws its part each time: a part that lies above the maximum gives way to the others."""
    if isinstance(distribution, Mixture):
        distribution = _part(distribution.parts, draw_for(f"latency.part{suffix}"))
    return _at(distribution, draw_for(f"latency{suffix}"))


def _part(parts: tuple[Part, ...], u: float) -> _Simple:
    edges = list(accumulate(part.weight for part in parts))
    return parts[bisect(edges, u * edges[-1])].distribution


def _at(distribution: _Simple, u: float) -> float:
    """The latency below which a part `u` of all calls lies."""
    match distribution:
        case Fixed(seconds=seconds):
            return seconds
        case Uniform(low=low, high=high):
            return low + (high - low) * u
        case Lognormal(p50=p50, p99=p99):
            # u = 0 would be minus infinity: the middle of the smallest step instead.
            return p50 * math.exp(math.log(p99 / p50) / _Z99 * _inverse(u or 2**-54))
        case Exponential(mean=mean):
            return -mean * math.log1p(-u)
        case Percentiles(points=points):
            return _between(points, u * 100)


def _between(points: tuple[tuple[float, float], ...], percent: float) -> float:
    below, seconds = points[0]
    for above, longer in points:
        if percent <= above:
            if above == below:
                return longer
            return seconds + (longer - seconds) * (percent - below) / (above - below)
        below, seconds = above, longer
    return seconds


class LatencyBehaviour:
    """Holds an answer back until the sampled time has passed since the request came: the sample is the total.

    It never waits past the request's budget: nobody would take the answer. `scale` is what the hour does to it.
    """

    def __init__(self, service: str, latency: Latency, clock: Clock, seed: int, scale: Factor = steady) -> None:
        self._service = service
        self._latency = latency
        self._clock = clock
        self._seed = seed
        self._scale = scale

    def seconds(self, request: Request) -> float:
        """What this request takes in all: at the same hour the same for the same key and attempt."""
        return sample(
            self._latency,
            lambda purpose: draw(self._seed, self._service, request.operation, purpose, request.key, request.attempt),
            self._scale(),
        )

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        """Forward, then wait for the rest of the sampled time."""
        if request.calm:
            return await forward(request)
        start = self._clock.now()
        total = min(self.seconds(request), request.budget)
        reply = await forward(request)
        rest = total - (self._clock.now() - start)
        if rest > 0:
            await self._clock.sleep(rest)
        return reply
