"""How long the calls of the past took: for each hour, as many durations as it has calls, drawn from the service's own distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from zlib import crc32

import numpy as np

from lgsp.catalogue.service import Service
from lgsp.ledger.hours import bucket, bucket_end
from lgsp.model import Outcome
from lgsp.traffic.durations import over_by
from lgsp.traffic.history import Counts, Weights, generator

_PAIR = np.dtype([("bucket", ">u2"), ("count", ">u4")])
_US = 1_000_000
_LONGEST = 60  # no timeout is longer
_COARSE = (
    4  # every fourth bucket of a ledger's: 4 to each doubling, or five months would be larger than the ledger itself
)


@dataclass(frozen=True, slots=True)
class Timed:
    """One hour of one service and outcome, as a ledger's hour has it. Times in microseconds; `at` counts from the first hour."""

    at: int
    n: int
    sum_us: int
    min_us: int
    max_us: int
    sketch: bytes


def timed(service: Service, outcome: Outcome, hours: Counts, seed: int) -> Iterator[Timed]:
    """The hours that have calls, each with its durations; the same for the same seed."""
    busy = np.flatnonzero(hours)
    if not len(busy):
        return
    numbers, weights = _distribution(service, outcome)
    longest = round(service.timeout * _US)
    drawn = generator(seed, "durations", service.id, str(outcome)).multinomial(hours[busy], weights)
    ends = np.array([bucket_end(number) for number in numbers])
    starts = np.array([_begin(number) for number in numbers])
    sums = drawn @ ((starts + ends) // 2)
    filled = drawn > 0
    first, last = filled.argmax(axis=1), len(numbers) - 1 - filled[:, ::-1].argmax(axis=1)
    packed = _packed(drawn, filled, np.array(numbers))
    for row, sketch in enumerate(packed):
        at = int(busy[row])
        yield Timed(
            at, int(hours[at]), int(sums[row]), int(starts[first[row]]), min(int(ends[last[row]]), longest), sketch
        )


def mean_seconds(service: Service, outcome: Outcome) -> float:
    """What a call of this outcome takes on average."""
    numbers, weights = _distribution(service, outcome)
    middles = [(_begin(number) + bucket_end(number)) / 2 for number in numbers]
    return float(weights @ np.array(middles)) / _US


def _distribution(service: Service, outcome: Outcome) -> tuple[list[int], Weights]:
    """The buckets into which durations fall, and the part of all that falls into each."""
    numbers = _buckets()
    by = np.array([over_by(service, outcome, bucket_end(number) / _US) for number in numbers])
    weights = np.diff(by, prepend=0.0)
    kept = np.flatnonzero(weights > 1e-12)
    return [numbers[number] for number in kept], weights[kept] / weights[kept].sum()


@cache
def _buckets() -> list[int]:
    return list(range(_COARSE - 1, bucket(_LONGEST * _US) + _COARSE, _COARSE))


def _begin(number: int) -> int:
    """The smallest duration that is counted in a bucket: above the one before it."""
    return bucket_end(number - _COARSE) + 1 if number >= _COARSE else 0


def _packed(drawn: Counts, filled: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], numbers: Counts) -> Iterator[bytes]:
    """Each row as a ledger packs its sketches: pairs of bucket and count, and their check at the end."""
    _, columns = np.nonzero(filled)
    pairs = np.empty(len(columns), dtype=_PAIR)
    pairs["bucket"] = numbers[columns]
    pairs["count"] = drawn[filled]
    data = pairs.tobytes()
    ends = np.cumsum(filled.sum(axis=1)) * _PAIR.itemsize
    begin = 0
    for end in ends.tolist():
        row = data[begin:end]
        yield row + crc32(row).to_bytes(4, "big")
        begin = end
