"""Two values at one place: whether a rule takes them for the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lgsp.capture.formats.moment import nanoseconds
from lgsp.traffic.diff.rules import Way

_CODE = re.compile(r"[A-Z][A-Z_]{0,31}")
_CODED = ("code", "status", "type", "outcome")
"""What the names of codes end with: `errorCode`, `status`, `content-type`."""
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_WRITTEN = ("%Y%m%d%H%M%S", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%Y-%m-%d", "%d/%m/%Y", "%Y%m%d")
_EPOCH = re.compile(r"\d{10}|\d{13}|\d{16}|\d{19}", re.ASCII)
_SECONDS = 10**11
"""A larger count counts something smaller than seconds."""


def alike(path: str, one: Any, other: Any, way: Way) -> bool:  # noqa: ANN401 - leaves of one kind
    """Whether two values of one kind say the same."""
    if one == other:
        return True
    if way.shape and not _is_code(path, one) and not _is_code(path, other):
        return True
    if isinstance(one, str):
        if way.uuid and _UUID.fullmatch(one) and _UUID.fullmatch(other):
            return True
        if any(pattern.fullmatch(one) and pattern.fullmatch(other) for pattern in way.matches):
            return True
    elif kind_of(one) == "number" and abs(one - other) <= way.tolerance:
        return True
    return way.within > 0 and _apart(one, other) <= way.within


def kind_of(value: object) -> str:
    """What JSON would call it."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def moment_of(value: object) -> float | None:
    """The moment that a value means, in seconds since the epoch; `None` where it means none. Without a zone it is UTC.

    ISO 8601, what HTTP writes, `31/12/2026 23:59:59`, `20261231235959`, days alone, and counts since the epoch from seconds
    to nanoseconds.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _counted(value)
    if isinstance(value, str) and _EPOCH.fullmatch(value):
        return _counted(int(value))
    if not isinstance(value, str):
        return None
    try:
        return nanoseconds(value) / 1e9
    except ValueError:
        pass  # written in another way
    for form in _WRITTEN:
        try:
            return datetime.strptime(value.strip(), form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _counted(number: float) -> float | None:
    """A count since the epoch in seconds, whether it counts those, or thousandths of them, or of those, or of those."""
    return next((number / 1000**times for times in range(4) if 0 < number < _SECONDS * 1000**times), None)


def _apart(one: object, other: object) -> float:
    ours, theirs = moment_of(one), moment_of(other)
    return float("inf") if ours is None or theirs is None else abs(ours - theirs)


def _is_code(path: str, value: object) -> bool:
    name = path.removesuffix(".#text").rpartition(".")[2].rstrip("[]").lower()
    return name.endswith(_CODED) or (isinstance(value, str) and _CODE.fullmatch(value) is not None)
