"""Each stored request has one effect, however often it comes.

request --> answered for good before? the same again --> else the connector --> kept, if it is for good
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from lgsp.bus.base import Answer, Odd
from lgsp.catalogue.service import Service
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.state import States

RETRY = "retry"
"""The reason of a reply that asks for another try."""
_PASSING = frozenset({Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.PROVIDER_ERROR})


def can_try_again(request: Request, reply: Reply | None, *, repeatable: bool) -> bool:
    """Whether another try of a stored request may end better and can do no harm. `None`: nobody answered.

    What a provider says in its own words is its answer; a tester's choice is one. Where nobody knows whether it was
    carried out, only what is `repeatable` is tried again.
    """
    if request.forced:
        return False
    if reply is None:
        return repeatable
    if reply.outcome not in _PASSING or (reply.body and reply.outcome is Outcome.PROVIDER_ERROR):
        return False
    return repeatable or reply.outcome is Outcome.UNREACHABLE


class Inbox:
    """The stored requests that were answered here, or by another process that shares the state's file."""

    def __init__(self, states: States) -> None:
        self._states = states
        self._running: dict[str, asyncio.Future[Reply | Odd]] = {}

    def __repr__(self) -> str:
        return f"<Inbox {len(self._running)} under way>"

    async def answer(self, service: Service, request: Request, answer: Answer) -> Reply | Odd:
        """The reply to a stored request, which may ask for another try; from `answer` unless it is known."""
        running = self._running.get(request.id)
        if running is not None:
            return await asyncio.shield(running)
        running = self._running[request.id] = asyncio.get_running_loop().create_future()
        try:
            found = await self._once(service, request, answer)
            running.set_result(found)
        except BaseException as error:
            running.set_exception(error)
            running.exception()  # whoever else waits has it too; nobody may
            raise
        finally:
            del self._running[request.id]
        return found

    async def _once(self, service: Service, request: Request, answer: Answer) -> Reply | Odd:
        known = await self._states.answered(request.id)
        if known is not None:
            return known
        operation = service.operations.get(request.operation)
        is_ours = service.mode == "simulate"  # then the effect and this note of it are one transaction
        repeatable = is_ours or operation is None or operation.idempotent
        asked = replace(
            request,
            budget=min(request.budget, service.timeout),
            redelivered=request.redelivered and not repeatable,
        )
        reply = await answer(asked)
        if isinstance(reply, Odd):
            last = reply.replies[0]
            if last.to == request.id:
                await self._states.note(last)
            return reply
        if can_try_again(request, reply, repeatable=repeatable):
            outcome = Outcome.TIMEOUT if reply is None else reply.outcome
            return Reply(request.id, outcome, 503, RETRY)
        if reply is None:
            reply = Reply(request.id, Outcome.TIMEOUT, 504, "budget_spent")
        await self._states.note(reply)
        return reply
