"""Answers that end as a tester chose, one request at a time."""

from __future__ import annotations

import json
from dataclasses import replace

from lgsp.catalogue.force import parse_force
from lgsp.catalogue.service import Example, Operation
from lgsp.clock import Clock
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Forward, Refuser

REASON = "forced"
_STATUS = {
    Outcome.OK: 200,
    Outcome.BUSINESS_FAULT: 404,
    Outcome.REJECTED: 400,
    Outcome.PROVIDER_ERROR: 500,
    Outcome.TIMEOUT: 504,
    Outcome.UNREACHABLE: 503,
    Outcome.BUS_ERROR: 503,
}


class ForcedBehaviour:
    """Ends a request with the outcome that came with it, in the contract's own words.

    These are the operation's example of that outcome, else what the connector says of such a failure, else none: the
    gateway speaks then. It waits as long as was asked for, never past the request's budget. Every other request goes on as it is.
    """

    def __init__(self, operation: Operation, connector: object, clock: Clock) -> None:
        self._examples = {example.reply.outcome: example for example in reversed(operation.examples)}
        self._refuser = connector if isinstance(connector, Refuser) else None
        self._clock = clock

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        """The reply that was chosen. Raises `MalformedRequest` for what no gateway lets pass."""
        if not request.force:
            return await forward(request)
        force = parse_force(request.force)
        if force.delay:
            await self._clock.sleep(min(force.delay, request.budget))
        if force.outcome is Outcome.OK:
            reply = await forward(replace(request, force="", calm=True))
            if reply.outcome is Outcome.OK:
                return replace(reply, reason=REASON)
        return replace(self._chosen(request, force.outcome), reason=REASON)

    def _chosen(self, request: Request, outcome: Outcome) -> Reply:
        example = self._examples.get(outcome)
        if example:
            return _as_written(request, example)
        if self._refuser and outcome in {Outcome.REJECTED, Outcome.PROVIDER_ERROR}:
            return self._refuser.refuse(request, outcome)
        return Reply(request.id, outcome, _STATUS[outcome])


def _as_written(request: Request, example: Example) -> Reply:
    says = example.reply
    if isinstance(says.body, str):
        kind = "text/xml" if says.body.lstrip().startswith("<") else "text/plain"
        return Reply(
            request.id, says.outcome, says.status, "", says.body.encode(), {"content-type": f"{kind}; charset=utf-8"}
        )
    body = json.dumps(says.body, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(request.id, says.outcome, says.status, "", body, {"content-type": "application/json; charset=utf-8"})
