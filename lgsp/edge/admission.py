"""Who may come in: so many calls under way at once, so many of one service, of one consumer, so many bytes of bodies.

What is refused is refused at once, before anything of it is kept; nobody waits in line here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.service import Service
from lgsp.model import Outcome


@dataclass(frozen=True, slots=True)
class Full:
    """Why a call does not come in: how its transaction ends, and under which reason it counts as shed."""

    outcome: Outcome
    reason: str
    shed: str


WHOLE = Full(Outcome.BUS_ERROR, "overloaded", "inflight")
MEMORY = Full(Outcome.BUS_ERROR, "overloaded", "memory")
SERVICE = Full(Outcome.BUS_ERROR, "service_busy", "inflight")
CONSUMER = Full(Outcome.REJECTED, "throttled_in_flight", "quota")
PARTS = 4
"""No consumer alone fills more than one of so many parts of the memory."""


@dataclass(slots=True)
class Room:
    """What is under way in a gateway. One consumer that waits for slow services leaves the others their part."""

    calls_at_most: int
    bytes_at_most: int
    calls: int = 0
    held: int = 0
    """Bytes of bodies, asked and answered, that are in our hands."""
    held_for: dict[str, int] = field(default_factory=dict)
    of_service: dict[str, int] = field(default_factory=dict)
    of_consumer: dict[str, int] = field(default_factory=dict)

    def full(self, service: Service, consumer: Consumer) -> Full | None:
        """Why a call of a consumer to a service does not come in now; `None` when it does."""
        full = self.out_of_memory(consumer.id)
        if full is not None:
            return full
        if self.calls >= self.calls_at_most:
            return WHOLE
        if self.of_consumer.get(consumer.id, 0) >= consumer.in_flight:
            return CONSUMER
        return SERVICE if self.of_service.get(service.id, 0) >= service.in_flight else None

    def out_of_memory(self, consumer: str) -> Full | None:
        """Why nothing more is taken in for a consumer: it holds a quarter of what there is, or nothing is left."""
        if self.held_for.get(consumer, 0) * PARTS > self.bytes_at_most:
            return CONSUMER
        return MEMORY if self.held > self.bytes_at_most else None

    def hold(self, consumer: str, size: int) -> None:
        """So many bytes came in for a consumer; or, fewer than none, were let go."""
        self.held += size
        _move(self.held_for, consumer, size)

    def enter(self, service: str, consumer: str) -> None:
        """A call came in."""
        self.calls += 1
        _move(self.of_service, service, 1)
        _move(self.of_consumer, consumer, 1)

    def leave(self, service: str, consumer: str) -> None:
        """It has ended."""
        self.calls -= 1
        _move(self.of_service, service, -1)
        _move(self.of_consumer, consumer, -1)


def _move(counts: dict[str, int], name: str, change: int) -> None:
    """Count by name; a name of which there is nothing is none."""
    count = counts.get(name, 0) + change
    if count:
        counts[name] = count
    else:
        counts.pop(name, None)
