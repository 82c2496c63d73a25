"""Which records of a capture: `service=population and status>=500`."""

from __future__ import annotations

import re
from collections.abc import Callable

from lgsp.capture.record import Record
from lgsp.errors import SettingsError

Test = Callable[[Record], bool]
_TERM = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=|~|>|<)\s*(.*?)\s*")
_AND = re.compile(r"\s+and\s+")
_FIELDS: dict[str, Callable[[Record], str | int | float]] = {
    "service": lambda record: record.service,
    "operation": lambda record: record.operation,
    "consumer": lambda record: record.consumer,
    "outcome": lambda record: record.outcome,
    "reason": lambda record: record.reason,
    "fault": lambda record: record.fault,
    "tap": lambda record: record.tap,
    "tx": lambda record: record.tx,
    "key": lambda record: record.key,
    "method": lambda record: record.request.method if record.request else "",
    "url": lambda record: record.request.url if record.request else "",
    "status": lambda record: record.reply.status if record.reply else 0,
    "seq": lambda record: record.seq,
    "ms": lambda record: record.times.get("total", 0) / 1e6,
}


def where(text: str) -> Test:
    """What a record has to be. Terms joined by `and`: a field, `= != ~` (a regular expression) or `< <= > >=`, a value.

    Raises `SettingsError` for what is no such expression.
    """
    tests = [_term(term) for term in _AND.split(text.strip())] if text.strip() else []
    return lambda record: all(test(record) for test in tests)


def _term(text: str) -> Test:
    found = _TERM.fullmatch(text)
    if not found or found[1] not in _FIELDS:
        raise SettingsError(
            f"--where: {text!r} is no condition: write FIELD=VALUE, with = != ~ < <= > >=, joined by `and`; "
            f"fields are {', '.join(_FIELDS)}"
        )
    name, sign, wanted = found.groups()
    read = _FIELDS[name]
    if sign == "~":
        try:
            pattern = re.compile(wanted)
        except re.error as error:
            raise SettingsError(f"--where: {wanted!r} is no regular expression: {error}") from error
        return lambda record: pattern.search(str(read(record))) is not None
    if sign in {"=", "!="}:
        return lambda record: (_same(read(record), wanted)) is (sign == "=")
    try:
        limit = float(wanted)
    except ValueError:
        raise SettingsError(f"--where: {text!r}: {sign} compares numbers, and {wanted!r} is none") from None
    return lambda record: _compare(read(record), sign, limit)


def _same(value: str | float, wanted: str) -> bool:
    if isinstance(value, str):
        return value == wanted
    try:
        return value == float(wanted)
    except ValueError:
        return False


def _compare(value: str | float, sign: str, limit: float) -> bool:
    try:
        number = float(value)
    except ValueError:
        return False
    if sign == ">":
        return number > limit
    if sign == "<":
        return number < limit
    return number >= limit if sign == ">=" else number <= limit
