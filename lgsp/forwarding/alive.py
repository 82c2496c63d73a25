"""What is stored and has no outcome yet: at hand by id, counted by service, and by when something is due."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lgsp.ledger.outbox import DAY, Stored
from lgsp.model import Request, Transaction


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things are kept, in seconds, and how much may be open at a time, of all services and of one."""

    age: float = DAY
    result: float = DAY
    parked: float = 30 * DAY
    open_at_most: int = 100_000
    of_service_at_most: int = 20_000
    bytes_at_most: int = 1_073_741_824


@dataclass(slots=True)
class Live:
    """One stored request under way. `request` is at hand only while somebody waits for it."""

    standing: Stored
    request: Request | None = None
    waiter: asyncio.Future[Transaction] | None = None
    ending: bool = False


class Alive:
    """Everything that is under way. A look-up costs the same for one and for a hundred thousand."""

    def __init__(self) -> None:
        self._live: dict[str, Live] = {}
        self._of_service: Counter[str] = Counter()
        self._bytes = 0
        self._dues: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Live]:
        return iter(self._live.values())

    def get(self, id_: str) -> Live | None:
        """What is under way by that id."""
        return self._live.get(id_)

    def is_full(self, service: str, terms: Terms) -> bool:
        """Whether there is room for nothing more of a service."""
        whole = len(self._live) >= terms.open_at_most or self._bytes >= terms.bytes_at_most
        return whole or self._of_service[service] >= terms.of_service_at_most

    def add(self, live: Live) -> None:
        """It is under way."""
        standing = live.standing
        self._live[standing.id] = live
        self._of_service[standing.service] += 1
        self._bytes += standing.size
        if standing.due > 0:
            self.stand(live, standing)

    def remove(self, live: Live) -> None:
        """It has its outcome."""
        standing = live.standing
        del self._live[standing.id]
        self._of_service[standing.service] -= 1
        self._bytes -= standing.size

    def stand(self, live: Live, standing: Stored) -> None:
        """It stands there now, and is due when that says."""
        live.standing = standing
        self.remind(live)

    def remind(self, live: Live) -> None:
        """It is due when it says, if it has not been told yet."""
        heapq.heappush(self._dues, (live.standing.due, live.standing.id))

    def due(self, now: float) -> Iterator[Live]:
        """What is due by now, each once."""
        while self._dues and self._dues[0][0] <= now:
            due, id_ = heapq.heappop(self._dues)
            live = self._live.get(id_)
            if live is not None and not live.ending and live.standing.due == due:
                yield live
