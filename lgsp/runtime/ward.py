"""Hears what faults are ordered, and does to a whole service what no reply can say: rest, or go down with the process."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from lgsp.bus.base import Troubled
from lgsp.clock import Clock
from lgsp.errors import MalformedRequest
from lgsp.fault import Kind, read_order
from lgsp.runtime.faults import Faults

log = structlog.get_logger()
EVERY = 0.25
_RESTS = (Kind.STOP_CONSUMING, Kind.QUEUE_FULL)


class Watch(Protocol):
    """Told what is wrong. Nothing here may block or raise."""

    def faults(self, active: Collection[tuple[str, str]]) -> None:
        """The faults that are active now, as (service, kind)."""
        ...


@dataclass(slots=True)
class Ward:
    """Looks after the faults of one process. `serves` names its services; `crash` ends the process at once."""

    faults: Faults
    bus: Troubled
    clock: Clock
    watch: Watch
    serves: Callable[[], Collection[str]]
    crash: Callable[[], None] | None
    began: float
    _resting: set[str] = field(default_factory=set)

    def heard(self, order: bytes) -> None:
        """Take an order; what is none is logged and forgotten."""
        try:
            teller, faults = read_order(order)
        except MalformedRequest as error:
            log.warning("order ignored", why=str(error))
            return
        self.faults.tell(teller, faults, self.clock.now())

    async def run(self) -> None:
        """Do what the faults want, four times a second, until cancelled."""
        while True:
            await self.clock.sleep(EVERY)
            await self.tend()

    async def tend(self) -> None:
        """Do what the faults want at this moment."""
        now = self.clock.now()
        self.faults.tend(now)
        self.watch.faults({(fault.service, str(fault.kind)) for fault in self.faults.active(now)})
        wanted = set()
        for service in self.serves():
            whole = self.faults.whole(service, now)
            if any(kind in whole for kind in _RESTS):
                wanted.add(service)
            fatal = whole.get(Kind.CONNECTOR_CRASH)
            if fatal is not None and fatal.start >= self.began and self.crash is not None:
                log.warning("connector crash", service=service, name=fatal.id, why="an injected fault")
                self.crash()
        for service in wanted - self._resting:
            await self.bus.rest(service, resting=True)
        for service in self._resting - wanted:
            await self.bus.rest(service, resting=False)
        self._resting = wanted
