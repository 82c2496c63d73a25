"""What injected faults do to calls and services, besides what a reply can say.

order of the day: outage, no-reply, error --> latency --> the connector's own chain --> bad-reply, duplicate, late
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lgsp.bus.base import Odd
from lgsp.chance import draw
from lgsp.clock import Clock
from lgsp.errors import TimedOut, Unreachable
from lgsp.fault import AT_MOST, DEFAULTS, WHOLE, Fault, Kind
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.errors import fail
from lgsp.runtime.connector import Forward

_SILENT = 15.0
Refuse = Callable[[Request, int], Reply]
"""A provider's error in the connector's own words, with this status where it has a choice."""


def hits(fault: Fault, request: Request, seed: int) -> bool:
    """Whether it is this call's turn: the same for the same key and attempt, on every machine."""
    if not fault.concerns(request.operation):
        return False
    return draw(seed, fault.service, request.operation, f"fault.{fault.id}", request.key, request.attempt) < fault.p


class Faults:
    """The faults that a process knows of, by who told of them.

    A teller tells all of its faults again and again; one that falls silent takes its faults with it, so that nothing
    outlives the process that can end it.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._told: dict[str, tuple[float, tuple[Fault, ...]]] = {}
        self._by_service: dict[str, tuple[Fault, ...]] = {}

    def __repr__(self) -> str:
        return f"<Faults {sum(map(len, self._by_service.values()))} from {len(self._told)}>"

    def __contains__(self, service: object) -> bool:
        """Whether any of them is known of a service; nearly never."""
        return service in self._by_service

    def tell(self, teller: str, faults: Iterable[Fault], now: float) -> None:
        """Take what one teller says for all that it knows of."""
        self._told[teller] = (now, tuple(faults)[:AT_MOST])
        self._sort(now)

    def tend(self, now: float) -> None:
        """Forget who fell silent, and what has ended."""
        for teller in [teller for teller, (at, _) in self._told.items() if now - at > _SILENT]:
            del self._told[teller]
        self._sort(now)

    def _sort(self, now: float) -> None:
        found: dict[str, list[Fault]] = {}
        for _, faults in self._told.values():
            for fault in faults:
                if now < fault.end:
                    found.setdefault(fault.service, []).append(fault)
        self._by_service = {service: tuple(faults) for service, faults in found.items()}

    def on(self, request: Request, now: float) -> Sequence[Fault]:
        """The faults that hit this call; nearly always none."""
        known = self._by_service.get(request.service)
        if known is None:
            return ()
        return [f for f in known if f.kind not in WHOLE and f.is_active(now) and hits(f, request, self._seed)]

    def whole(self, service: str, now: float) -> dict[Kind, Fault]:
        """The faults that hit the service as a whole now."""
        known = self._by_service.get(service, ())
        return {fault.kind: fault for fault in known if fault.kind in WHOLE and fault.is_active(now)}

    def active(self, now: float) -> Iterator[Fault]:
        """Everything that is wrong now."""
        return (fault for faults in self._by_service.values() for fault in faults if fault.is_active(now))


def refusing(connector: object) -> Refuse:
    """How a connector says a provider's error: in its contract's own words where it has any."""

    def refuse(request: Request, status: int) -> Reply:
        reply = fail(Outcome.PROVIDER_ERROR, request.service, request, connector)
        if status != DEFAULTS[Kind.ERROR]:
            reply.status = status
        return reply

    return refuse


async def suffer(
    faults: Sequence[Fault], request: Request, *, forward: Forward, refuse: Refuse, clock: Clock
) -> Reply | Odd:
    """What becomes of a call that these faults hit. Raises `DeliveryError` where nobody answers."""
    by_kind = {fault.kind: fault for fault in faults}
    if Kind.OUTAGE in by_kind:
        raise Unreachable("provider_down", f"{request.service} is out of reach: an injected fault")
    if Kind.NO_REPLY in by_kind:
        raise TimedOut("budget_spent", f"{request.service} stays silent: an injected fault")
    latency = by_kind.get(Kind.LATENCY)
    if latency:
        await clock.sleep(min(latency.value, request.budget))
    error = by_kind.get(Kind.ERROR)
    if error:
        return refuse(request, int(error.value))
    start = clock.now()
    reply = await forward(request)
    bad = by_kind.get(Kind.BAD_REPLY)
    if bad:
        reply = spoilt(reply, bad.how)
    late = by_kind.get(Kind.LATE_REPLY)
    if late:
        await clock.sleep(max(0.0, request.budget - (clock.now() - start)) + late.value)
    if Kind.DUPLICATE_REPLY in by_kind:
        return Odd((reply, reply), late=late is not None)
    return Odd((reply,), late=late is not None) if late or reply.to != request.id else reply


def spoilt(reply: Reply, how: str) -> Reply:
    """A reply that went wrong on its way: the rest of it stays as it was."""
    match how:
        case "truncated":
            return _with_body(reply, reply.body[: len(reply.body) // 2])
        case "empty":
            return _with_body(reply, b"")
        case "wrong-transaction":
            return Reply(f"{reply.to}-other", reply.outcome, reply.status, reply.reason, reply.body, reply.headers)
    return Reply(reply.to, Outcome.PROVIDER_ERROR, 502, "bad_reply")


def _with_body(reply: Reply, body: bytes) -> Reply:
    return Reply(reply.to, reply.outcome, reply.status, reply.reason, body, reply.headers, reply.stamps)
