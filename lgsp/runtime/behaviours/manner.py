"""How a reply of the YAML comes: late, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from lgsp.clock import Clock
from lgsp.errors import TimedOut, Unreachable
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Forward


@dataclass(slots=True)
class LateReply(Reply):
    """A reply that is to be held back for `delay` seconds."""

    delay: float = 0.0


class MannerBehaviour:
    """Holds back what is late, within the request's budget, and lets nobody answer where that is the reply's outcome."""

    def __init__(self, service: str, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        """The reply, in its own time."""
        reply = await forward(request)
        delay = reply.delay if isinstance(reply, LateReply) else 0.0
        if reply.outcome is Outcome.TIMEOUT or delay >= request.budget > 0:
            raise TimedOut("budget_spent", f"{self._service} stays silent")
        if delay > 0:
            await self._clock.sleep(delay)
        if reply.outcome is Outcome.UNREACHABLE:
            raise Unreachable("provider_down", f"{self._service} cannot be reached")
        return reply
