"""A trouble that somebody injected: what it is, whom it hits, and when it ends.

It is no behaviour: a behaviour belongs to a stand-in and is lifelike, a fault has a start, an end and somebody who wanted
it. So a fault also hits calm calls.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from lgsp.errors import MalformedRequest, SettingsError

DEFAULT_SECONDS = 3600.0
AT_MOST = 1_000


class Kind(StrEnum):
    """What is wrong. The closed list that is also the label `fault` of `lgsp_fault_active`."""

    OUTAGE = "outage"
    LATENCY = "latency"
    ERROR = "error"
    NO_REPLY = "no-reply"
    LATE_REPLY = "late-reply"
    DUPLICATE_REPLY = "duplicate-reply"
    BAD_REPLY = "bad-reply"
    SLOW_CONSUMER = "slow-consumer"
    STOP_CONSUMING = "stop-consuming"
    QUEUE_FULL = "queue-full"
    CONNECTOR_CRASH = "connector-crash"


WHOLE = frozenset({Kind.SLOW_CONSUMER, Kind.STOP_CONSUMING, Kind.QUEUE_FULL, Kind.CONNECTOR_CRASH})
"""Kinds that hit a service as a whole rather than one call of it."""
DEFAULTS: Mapping[Kind, float] = {Kind.LATENCY: 2.0, Kind.ERROR: 500.0, Kind.LATE_REPLY: 1.0, Kind.SLOW_CONSUMER: 1.0}
"""The value of a kind that takes one: seconds, or an HTTP status."""
BAD = ("unreadable", "truncated", "empty", "wrong-transaction")
"""How a reply can be bad; the first where nobody says."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One trouble of one service. `start` and `end`: seconds since the epoch, UTC; `p`: the part of the calls it hits.

    `value` is seconds or a status, `how` a word of `BAD`; `when` names operations (`POST *`); `drill` whose idea it was.
    """

    id: str
    service: str
    kind: Kind
    start: float
    end: float
    value: float = 0.0
    how: str = ""
    p: float = 1.0
    when: str = "*"
    drill: str = ""

    def is_active(self, now: float) -> bool:
        """Whether it has begun and has not ended."""
        return self.start <= now < self.end

    def concerns(self, operation: str) -> bool:
        """Whether it is meant for calls of this operation."""
        return fnmatchcase(operation, self.when)


def check(fault: Fault) -> Fault:
    """The fault with the default of its kind filled in. Raises `SettingsError` where it makes no sense."""
    if not 0 < fault.p <= 1:
        raise SettingsError(f"a fault hits between 0% (not included) and 100% of the calls, not {fault.p:.0%}")
    if fault.end <= fault.start:
        raise SettingsError("a fault ends after it has begun")
    if fault.kind in WHOLE and (fault.p != 1 or fault.when != "*"):
        raise SettingsError(
            f"{fault.kind} hits the service as a whole: it takes neither a part of the calls nor an operation"
        )
    if fault.kind is Kind.BAD_REPLY:
        how = fault.how or BAD[0]
        if how not in BAD:
            raise SettingsError(f"{how!r} is no way for a reply to be bad: one of {', '.join(BAD)}")
        return replace(fault, how=how)
    if fault.how:
        raise SettingsError(f"{fault.kind} has no kinds of its own: {fault.how!r} says nothing")
    value = fault.value or DEFAULTS.get(fault.kind, 0.0)
    if fault.kind is Kind.ERROR and not 400 <= value <= 599:
        raise SettingsError(f"{value:g} is no HTTP status of an error: 400 to 599")
    if fault.kind not in DEFAULTS and value:
        raise SettingsError(f"{fault.kind} takes no value")
    return replace(fault, value=value)


def as_data(fault: Fault) -> dict[str, Any]:
    """A fault for JSON; an end that never comes is `null`."""
    return {
        "id": fault.id,
        "service": fault.service,
        "kind": str(fault.kind),
        "start": fault.start,
        "end": None if math.isinf(fault.end) else fault.end,
        "value": fault.value,
        "how": fault.how,
        "p": fault.p,
        "when": fault.when,
        "drill": fault.drill,
    }


def of_data(data: object) -> Fault:
    """The fault of JSON. Raises `MalformedRequest` in words."""
    match data:
        case {
            "id": str(name), "service": str(service), "kind": str(kind), "start": int() | float() as start,
            "end": int() | float() | None as end, "value": int() | float() as value, "how": str(how),
            "p": int() | float() as p, "when": str(when), "drill": str(drill),
        } if kind in list(Kind):  # fmt: skip
            over = math.inf if end is None else float(end)
            return Fault(name, service, Kind(kind), float(start), over, float(value), how, float(p), when, drill)
    raise MalformedRequest("what was told is no fault")


def write_order(teller: str, faults: Iterable[Fault]) -> bytes:
    """All the faults that one process tells of, as it tells them to every other one."""
    return json.dumps({"order": "faults", "from": teller, "faults": [as_data(fault) for fault in faults]}).encode()


def read_order(body: bytes) -> tuple[str, list[Fault]]:
    """Who tells of which faults. Raises `MalformedRequest`."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("an order is JSON") from error
    match data:
        case {"order": "faults", "from": str(teller), "faults": list(faults)}:
            return teller, [of_data(fault) for fault in faults[:AT_MOST]]
    raise MalformedRequest("an order names what it orders, and who orders it")
