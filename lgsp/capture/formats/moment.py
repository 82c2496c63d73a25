"""Moments as other tools write them, to nanoseconds and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from lgsp.capture.record import LARGEST

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000


def nanoseconds(text: str) -> int:
    """Since the epoch; a time without a zone is UTC. Raises `ValueError`."""
    found = _ISO.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text[:40]!r} is no time")
    *whole, fraction, zone = found.groups()
    year, month, day, hour, minute, second = map(int, whole)
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC) - _offset(zone)
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is in no calendar") from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1) + (second == 60)
    return seconds * _SECOND + int((fraction or "0").ljust(9, "0"))


def within(nanoseconds: int) -> int:
    """The moment, if a record can hold it: the years 1677 to 2262. Raises `ValueError`."""
    if abs(nanoseconds) > LARGEST:
        raise ValueError("a time before 1678 or after 2262 is on no clock")
    return nanoseconds


def iso(nanoseconds: int) -> str:
    """With as many digits as it takes: 3, 6 or 9. A moment that no calendar has is the nearest one that it has."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    seconds = min(max(seconds, -62_135_596_800), 253_402_300_799)
    digits = f"{rest:09d}"
    while len(digits) > 3 and digits.endswith("000"):
        digits = digits[:-3]
    return f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat(timespec='seconds')}.{digits}Z"


def _offset(zone: str | None) -> timedelta:
    if not zone or zone in "Zz":
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
