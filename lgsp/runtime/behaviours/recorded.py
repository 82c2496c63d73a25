"""Answers that were recorded, in place of the stand-in's own."""

from __future__ import annotations

from lgsp.clock import Clock
from lgsp.errors import TimedOut, Unreachable
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Forward
from lgsp.runtime.recorded import Recorded, Said

REASON = "not_recorded"


class RecordedBehaviour:
    """Says what was said to the same question, after as long a time (calm requests: at once).

    What was not recorded is forwarded, answered as the nearest question was, or refused with the nearest one's name.
    """

    def __init__(self, recorded: Recorded, clock: Clock) -> None:
        self._recorded = recorded
        self._clock = clock

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        """The recorded reply. Raises what an absent provider is, where that was recorded."""
        said = self._recorded.find(request)
        if said is not None:
            return await self._again(request, said)
        if self._recorded.on_miss in {"simulate", "upstream"}:
            return await forward(request)
        nearest = self._recorded.nearest(request)
        if nearest is not None and self._recorded.on_miss == "nearest":
            return await self._again(request, self._recorded.next_of(nearest))
        told = {
            "code": REASON,
            "message": "Chưa được ghi trong tệp / Not in the capture: another --on-miss answers it all the same",
            "asked": f"{request.operation.partition(' ')[0]} {request.path}"
            + (f"?{request.query}" if request.query else ""),
            "nearest": None if nearest is None else str(nearest),
        }
        return Reply.of_json(request, told, outcome=Outcome.PROVIDER_ERROR, status=502, reason=REASON)

    async def _again(self, request: Request, said: Said) -> Reply:
        if said.outcome is Outcome.TIMEOUT:
            raise TimedOut("budget_spent", f"{request.service} stays silent, as it was recorded")
        if not request.calm:
            await self._clock.sleep(min(said.seconds, request.budget))
        if said.outcome is Outcome.UNREACHABLE:
            raise Unreachable("provider_down", f"{request.service} cannot be reached, as it was recorded")
        return said.to(request)
