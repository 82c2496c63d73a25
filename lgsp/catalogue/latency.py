"""The block `latency:` of the YAML."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from lgsp.catalogue.reader import Reader
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
from lgsp.catalogue.source import Node

KINDS = ("p50", "p99", "fixed", "uniform", "lognormal", "exponential", "percentiles", "mixture", "max")
_Simple = Fixed | Uniform | Lognormal | Exponential | Percentiles


def read_latency(reader: Reader, node: Node, where: str) -> Latency:
    """`{p50, p99}`, `{fixed}`, `{uniform: [low, high]}`, `{lognormal}`, `{exponential}`, `{percentiles}` or `{mixture}`, and a `max`."""
    found = {key: value for key, _, value in reader.entries(node, where, KINDS)}
    maximum = reader.duration(found.pop("max"), f"{where} / max") if "max" in found else None
    if "mixture" in found and len(found) == 1:
        return Latency(distribution=_mixture(reader, found["mixture"], where), maximum=maximum)
    distribution: Distribution = _simple(reader, node, found, where)
    if maximum is not None and least(distribution) > maximum:
        reader.note(node, where, "no latency of this kind is below its max")
    return Latency(distribution=distribution, maximum=maximum)


def least(distribution: Distribution) -> float:
    """The smallest latency that can be drawn, in seconds."""
    match distribution:
        case Fixed(seconds=seconds):
            return seconds
        case Uniform(low=low):
            return low
        case Percentiles(points=points):
            return points[0][1]
        case Mixture(parts=parts):
            return min(least(part.distribution) for part in parts)
        case _:
            return 0.0


def _simple(reader: Reader, node: Node, found: dict[str, Node], where: str) -> _Simple:
    readers: dict[frozenset[str], Callable[[], _Simple]] = {
        frozenset({"p50", "p99"}): lambda: _lognormal(reader, node, found, where),
        frozenset({"fixed"}): lambda: Fixed(seconds=reader.duration(found["fixed"], where)),
        frozenset({"uniform"}): lambda: _uniform(reader, found["uniform"], where),
        frozenset({"lognormal"}): lambda: _named_lognormal(reader, found["lognormal"], where),
        frozenset({"exponential"}): lambda: Exponential(mean=reader.duration(found["exponential"], where)),
        frozenset({"percentiles"}): lambda: _percentiles(reader, found["percentiles"], where),
    }
    read = readers.get(frozenset(found))
    if read is None:
        if node.kind == "mapping":
            reader.note(
                node,
                where,
                "a latency is {p50, p99}, {fixed}, {uniform}, {lognormal}, {exponential}, {percentiles} or {mixture}",
            )
        return Fixed(seconds=0.0)
    return read()


def _lognormal(reader: Reader, node: Node, found: dict[str, Node], where: str) -> Lognormal:
    p50 = reader.duration(found["p50"], f"{where} / p50")
    p99 = reader.duration(found["p99"], f"{where} / p99")
    if not 0 < p50 <= p99:
        reader.note(node, where, "p50 lies above 0 and p99 not below it")
        return Lognormal(p50=1.0, p99=1.0)
    return Lognormal(p50=p50, p99=p99)


def _named_lognormal(reader: Reader, node: Node, where: str) -> Lognormal:
    found = {key: value for key, _, value in reader.entries(node, where, ("p50", "p99"))}
    if len(found) < 2:
        reader.note(node, where, "a lognormal has p50 and p99")
        return Lognormal(p50=1.0, p99=1.0)
    return _lognormal(reader, node, found, where)


def _uniform(reader: Reader, node: Node, where: str) -> Uniform:
    ends = [reader.duration(item, where) for item in reader.items(node, where)]
    if len(ends) != 2 or ends[0] > ends[1]:
        reader.note(node, where, "uniform is [lowest, highest]")
        return Uniform(low=0.0, high=0.0)
    return Uniform(low=ends[0], high=ends[1])


def _percentiles(reader: Reader, node: Node, where: str) -> Percentiles:
    points: list[tuple[float, float]] = []
    for name, key, value in reader.entries(node, where):
        try:
            points.append((float(name.removeprefix("p")), reader.duration(value, f"{where} / {name}")))
        except ValueError:
            reader.note(key, where, f"{name!r} is no percentile: write it as p50 or p99.9")
    points.sort()
    rising = all(a[1] <= b[1] for a, b in pairwise(points))
    if not points or not rising or points[0][0] < 0 or points[-1][0] > 100:
        reader.note(node, where, "percentiles lie between p0 and p100 and never fall")
        return Percentiles(points=((50.0, 0.0),))
    return Percentiles(points=tuple(points))


def _mixture(reader: Reader, node: Node, where: str) -> Mixture:
    parts = []
    kinds = ("weight", *KINDS[:-2])
    for item in reader.items(node, where):
        found = {key: value for key, _, value in reader.entries(item, where, kinds)}
        weight = reader.number(found.pop("weight"), f"{where} / weight") if "weight" in found else 1.0
        parts.append(Part(weight=weight, distribution=_simple(reader, item, found, where)))
    if not parts or sum(part.weight for part in parts) <= 0:
        reader.note(node, where, "a mixture has parts, and one weight above 0 at least")
        parts = [Part(weight=1.0, distribution=Fixed(seconds=0.0))]
    return Mixture(parts=tuple(parts))
