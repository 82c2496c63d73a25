"""The last minute, service by service, for a table that people watch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.model import Outcome, Transaction

WINDOW = 60.0
_NEWEST = 5_000
_OFFICIAL = (Outcome.OK, Outcome.BUSINESS_FAULT)


@dataclass(frozen=True, slots=True)
class Row:
    """One service over the last minute. `official` is official success from 0 to 1; `None` where nothing ended."""

    service: str
    rate: float
    official: float | None
    p50: float | None
    p99: float | None


def percentile(ordered: list[float], percent: float) -> float | None:
    """The smallest value that `percent` of `ordered` do not exceed (nearest rank); `None` of nothing."""
    if not ordered:
        return None
    rank = -int(-len(ordered) * percent // 100)
    return ordered[min(max(rank, 1), len(ordered)) - 1]


class Recent:
    """A tap that remembers, per service, what ended within the last minute, the newest 5,000 at most."""

    def __init__(self, services: Iterable[str], clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now()
        self._ended: dict[str, deque[tuple[float, float, bool]]] = {s: deque(maxlen=_NEWEST) for s in services}

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: a row for each service that exists."""
        services = [service.id for service in new]

        def commit() -> None:
            self._ended = {name: self._ended.get(name) or deque(maxlen=_NEWEST) for name in services}

        return commit

    def saw(self, transaction: Transaction) -> None:
        """Remember when it ended, how long it took, and whether that counts as official success."""
        ended = self._ended.get(transaction.request.service)
        if ended is not None:
            at = transaction.started_at + transaction.seconds
            ended.append((at, transaction.seconds, transaction.outcome in _OFFICIAL))

    def rows(self) -> list[Row]:
        """One row a service, in the order of the catalogue."""
        now = self._clock.now()
        return [self._row(service, ended, now) for service, ended in self._ended.items()]

    def _row(self, service: str, ended: deque[tuple[float, float, bool]], now: float) -> Row:
        while ended and ended[0][0] < now - WINDOW:
            ended.popleft()
        seconds = sorted(took for _, took, _ in ended)
        # A full memory spans less than the window: the rate is over what it does span.
        since = ended[0][0] if len(ended) == ended.maxlen else max(self._start, now - WINDOW)
        return Row(
            service=service,
            rate=len(ended) / max(now - since, 1.0),
            official=sum(good for _, _, good in ended) / len(ended) if ended else None,
            p50=percentile(seconds, 50),
            p99=percentile(seconds, 99),
        )
