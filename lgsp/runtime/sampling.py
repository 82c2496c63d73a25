"""Dry draws: what many calls of a service would meet, without a call, beside what its YAML promises.

The draws are those that requests with the keys 0, 1, 2 ... get on any machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lgsp.catalogue.law import named
from lgsp.catalogue.profile import USUAL
from lgsp.catalogue.service import ErrorMix, Latency, Operation, Service, Window
from lgsp.chance import draw
from lgsp.model import Outcome
from lgsp.runtime.behaviours.errors import decide
from lgsp.runtime.behaviours.latency import sample

B = TypeVar("B", Latency, ErrorMix)
ALL = "*"
_CLOSE, _CLOSE_HIGH = 0.02, 0.05
"""A percentile may be off by this part of itself; one from p99 on by more, since fewer draws lie there."""
_DEVIATIONS = 4.0
"""How far chance alone moves a count: beyond it once in 16,000."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One promise and what was drawn: seconds of a percentile (`p50`), or the part of calls that end in an outcome.

    `operation` is `*` for those that follow the service's own block. `within`: how far it may be off; a percentile by
    that part of itself, a rate by that much.
    """

    operation: str
    what: str
    promised: float
    drawn: float
    within: float
    is_off: bool


def sample_service(service: Service, calls: int, seed: int, window: Window = USUAL) -> Iterator[Drawn]:
    """Each promise of the blocks `latency` and `errors` while a window of the profile is open; nothing where there are none."""
    for name, operations, latency in _blocks(service, lambda operation: operation.latency or service.latency):
        yield from _latencies(service, name, operations, latency, calls, seed, window.latency)
    for name, operations, mix in _blocks(service, lambda operation: operation.errors or service.errors):
        yield from _outcomes(service, name, operations, mix, calls, seed, window.errors)


def _blocks(service: Service, block_of: Callable[[Operation], B | None]) -> Iterator[tuple[str, Sequence[str], B]]:
    """Each block that is in force somewhere, with the operations that follow it."""
    found: list[tuple[B, list[str]]] = []
    for operation in service.operations.values():
        block = block_of(operation)
        if block is None:
            continue
        names = next((names for other, names in found if other == block), None)
        if names is None:
            found.append((block, [operation.name]))
        else:
            names.append(operation.name)
    for block, names in found:
        is_own = block not in (service.latency, service.errors)
        yield ", ".join(names) if is_own else ALL, names, block


def _latencies(
    service: Service, name: str, operations: Sequence[str], latency: Latency, calls: int, seed: int, scale: float
) -> Iterator[Drawn]:
    seconds = []
    for number in range(calls):
        operation, key = operations[number % len(operations)], str(number)
        seconds.append(
            sample(latency, lambda purpose, at=operation, key=key: draw(seed, service.id, at, purpose, key), scale)  # type: ignore[misc]  # bound at once
        )
    # Nobody takes an answer after the timeout: the behaviour waits no longer.
    seconds = sorted(min(each, service.timeout) for each in seconds)
    for percent, promised in ((percent, promised * scale) for percent, promised in named(latency)):
        close = _CLOSE_HIGH if percent >= 99 else _CLOSE
        low, drawn, high = _ranked(seconds, percent / 100)
        is_off = abs(drawn - promised) > close * promised and not low <= promised <= high
        yield Drawn(name, f"p{percent:g}", promised, drawn, close, is_off)


def _ranked(ordered: Sequence[float], part: float) -> tuple[float, float, float]:
    """The percentile, and between what it lies whatever chance does: with few draws that is far apart."""
    count = len(ordered)
    spread = _DEVIATIONS * (count * part * (1 - part)) ** 0.5
    low, middle, high = (int(count * part + shift) for shift in (-spread, 0.0, spread))
    return ordered[max(low, 0)], ordered[min(middle, count - 1)], ordered[min(high, count - 1)]


def _outcomes(
    service: Service, name: str, operations: Sequence[str], mix: ErrorMix, calls: int, seed: int, factor: float
) -> Iterator[Drawn]:
    seen = Counter(
        decide(mix, draw(seed, service.id, operations[number % len(operations)], "errors", str(number)), factor)
        for number in range(calls)
    )
    for outcome in Outcome:
        if outcome in mix.rates:
            yield rate_of(name, outcome, factor * mix.rates[outcome], seen[outcome], calls)


def rate_of(name: str, outcome: Outcome, promised: float, seen: int, calls: int) -> Drawn:
    """A rate and how often it was drawn; 0 and 1 are exact, between them chance may move it a little."""
    within = _DEVIATIONS * (promised * (1 - promised) / calls) ** 0.5
    drawn = seen / calls
    return Drawn(name, str(outcome), promised, drawn, within, abs(drawn - promised) > within)
