"""Hourly counts, kept for ever: how many, how long, how large, and a sketch that keeps percentiles."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from struct import Struct
from zlib import crc32

_BITS = 4
_PAIR = Struct(">HI")
HOUR_US = 3_600_000_000


def bucket(value: int, bits: int = _BITS) -> int:
    """The bucket of a value: 16 to each doubling, so that no value lies more than 6.3 % below its bucket's end.

    `bits` is 4 in a ledger; 7 makes it 128 and 0.8 %.
    """
    if value < 1 << bits:
        return max(value, 0)
    shift = value.bit_length() - bits - 1
    return (shift << bits) + (value >> shift)


def bucket_end(number: int, bits: int = _BITS) -> int:
    """The largest value of a bucket."""
    if number < 1 << bits:
        return number
    shift = (number >> bits) - 1
    return ((number - (shift << bits) + 1) << shift) - 1


def merged(sketches: list[Mapping[int, int]]) -> dict[int, int]:
    """One sketch of several: the same as if one had seen everything."""
    whole: dict[int, int] = {}
    for sketch in sketches:
        for number, count in sketch.items():
            whole[number] = whole.get(number, 0) + count
    return whole


def percentile(sketch: Mapping[int, int], percent: float, bits: int = _BITS) -> int | None:
    """The end of the bucket that holds the percentile (nearest rank); `None` of nothing."""
    rank = max(-int(-sum(sketch.values()) * percent // 100), 1)
    seen = 0
    for number in sorted(sketch):
        seen += sketch[number]
        if seen >= rank:
            return bucket_end(number, bits)
    return None


def pack_sketch(sketch: Mapping[int, int]) -> bytes:
    """A sketch as bytes, the same for the same sketch, with a check of themselves at the end."""
    pairs = _pairs(len(sketch)).pack(*(value for pair in sorted(sketch.items()) for value in pair))
    return pairs + crc32(pairs).to_bytes(4, "big")


@cache
def _pairs(count: int) -> Struct:
    return Struct(">" + "HI" * count)


def unpack_sketch(data: bytes) -> dict[int, int]:
    """The sketch of the bytes. Raises `ValueError` when they are not what was packed."""
    pairs, check = data[:-4], data[-4:]
    if len(pairs) % _PAIR.size or crc32(pairs).to_bytes(4, "big") != check:
        raise ValueError("a sketch does not match its own check")
    return dict(_PAIR.iter_unpack(pairs))


@dataclass(slots=True)
class Hour:
    """What ended within one hour, of one service, consumer and outcome."""

    n: int = 0
    sum_us: int = 0
    min_us: int = 0
    max_us: int = 0
    request_bytes: int = 0
    reply_bytes: int = 0
    sketch: dict[int, int] = field(default_factory=dict)

    def add(self, took_us: int, request_bytes: int, reply_bytes: int) -> None:
        """One more."""
        self.min_us = took_us if self.n == 0 or took_us < self.min_us else self.min_us
        self.max_us = max(self.max_us, took_us)
        self.n += 1
        self.sum_us += took_us
        self.request_bytes += request_bytes
        self.reply_bytes += reply_bytes
        number = bucket(took_us)
        self.sketch[number] = self.sketch.get(number, 0) + 1


def hours_digest(db: sqlite3.Connection, before: str, start: int, end: int) -> str:
    """One digest of all hours from `start` to before `end`, carried on from the digest of those `before`."""
    digest = sha256(bytes.fromhex(before))
    for row in db.execute(
        "SELECT * FROM hour WHERE h >= ? AND h < ? ORDER BY h, service, consumer, outcome", (start, end)
    ):
        digest.update(repr(row).encode())
    return digest.hexdigest()
