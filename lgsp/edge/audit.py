"""One audit event a decision: of who is somebody in the ledger, of who is nobody in the log; what repeats itself is a number.

Strangers write neither: a minute has so many lines of them, whatever they do, and what is beyond is counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any

import structlog

from lgsp.clock import Clock
from lgsp.edge.access import Stranger
from lgsp.errors import LedgerUnavailable

log = structlog.get_logger()
EVERY = 60.0
"""Seconds after which it is told how often something came again."""
APART = 100
"""Different things that are told by themselves within that time; the rest is one number."""
ISSUED = 10
"""Tokens that one consumer gets from one address within it, each of which is an event; who keeps them asks once an hour."""
Note = Callable[[str, str, str, Mapping[str, Any]], Awaitable[object]]
"""Notes who did what to which, and its particulars, or raises `LedgerUnavailable`: see `lgsp.ledger.events.Events`."""
_REST = "and others"


class Repeats:
    """What came within a while, and how often: each of `at_most` things by itself, what is beyond as one."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._times: dict[Hashable, int] = {}
        self._free: dict[Hashable, int] = {}

    def is_news(self, thing: Hashable, free: int = 1) -> bool:
        """Count it; whether it is one of the first `free` of its kind, which are told at once."""
        if thing not in self._times and len(self._times) >= self._at_most:
            thing, free = _REST, 0
        self._times[thing] = times = self._times.get(thing, 0) + 1
        self._free[thing] = free
        return times <= free

    def over(self) -> list[tuple[Hashable, int]]:
        """What came more often than it was told, with how often; and begin anew."""
        found = [(thing, times - self._free[thing]) for thing, times in self._times.items()]
        self._times, self._free = {}, {}
        return [(thing, more) for thing, more in found if more > 0]


class Audit:
    """Writes down who was let in and who was not, never with what it showed to be.

    `note` appends an event to the ledger; without it, in a process that has none, everything is a line of the log.
    """

    def __init__(self, clock: Clock, note: Note | None = None) -> None:
        self._clock = clock
        self._note = note
        self._strangers = Repeats(APART)
        self._known = Repeats(APART)

    def stranger(self, why: str, address: str, **fields: str) -> None:
        """Somebody was refused who has not shown who it is."""
        if self._strangers.is_news((why, address)):
            log.warning("caller refused", why=why, address=address, **fields)

    async def refused(self, stranger: Stranger, address: str, asked: str) -> None:
        """A caller of a gateway was refused: a known one from elsewhere, or nobody."""
        if stranger.consumer:
            await self.known(stranger.consumer, "consumer.refused", asked, address, why=str(stranger))
        else:
            self.stranger(str(stranger), address, asked=asked)

    async def known(
        self, who: str, what: str, subject: str, address: str, *, why: str = "", free: int = 1, **detail: str
    ) -> None:
        """Somebody was refused, or got what it may have; the first `free` of a kind within a minute are events.

        When this returns an event is on disk, or the log says that it could not be.
        """
        if self._known.is_news((who, what, subject, address, why), free):
            said = {"why": why} if why else {}
            await self._write(who, what, subject, {"address": address, **said, **detail})

    async def run(self) -> None:
        """Tell of repetitions once a minute, until cancelled."""
        while True:
            await self._clock.sleep(EVERY)
            await self.settle()

    async def settle(self) -> None:
        """Tell of what came again and was not told yet."""
        for thing, more in self._strangers.over():
            why, address = thing if isinstance(thing, tuple) else (thing, "")
            log.warning("caller refused", why=why, address=address, more=more)
        for thing, more in self._known.over():
            who, what, subject, address, why = thing if isinstance(thing, tuple) else (thing, "repeated", "", "", "")
            said = {"why": why} if why else {}
            await self._write(who, what, subject, {"address": address, **said, "more": more})

    async def _write(self, who: str, what: str, subject: str, detail: Mapping[str, Any]) -> None:
        if self._note is None:
            log.warning("decided", who=who, what=what, subject=subject, **detail)
            return
        try:
            await self._note(who, what, subject, detail)
        except LedgerUnavailable as error:
            log.warning("not in the ledger", who=who, what=what, subject=subject, **detail, error=str(error))
