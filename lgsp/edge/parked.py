"""What was given up, on the admin port: looked at without its body, sent once more, or dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from lgsp.edge.admin import role_of
from lgsp.errors import LedgerUnavailable
from lgsp.forwarding.callbacks import Callbacks
from lgsp.forwarding.forwarder import Forwarder
from lgsp.ledger.calls import Call
from lgsp.ledger.events import Events
from lgsp.ledger.outbox import Kept, State
from lgsp.ledger.words import moment

PATH = "/lgsp/v1/parked"


class Parked:
    """The parked transactions and the given up callbacks of this gateway.

    `new_id` names the transaction that a requeued one becomes; a callback that is requeued begins anew.
    """

    def __init__(self, forwarder: Forwarder, callbacks: Callbacks, events: Events, new_id: Callable[[], str]) -> None:
        self._events = events
        self._forwarder = forwarder
        self._callbacks = callbacks
        self._new_id = new_id

    def routes(self) -> list[web.RouteDef]:
        """For the admin port."""
        one = f"{PATH}/{{id}}"
        return [
            web.get(PATH, self._ls),
            web.get(one, self._show),
            web.post(one, self._requeue),
            web.delete(one, self._drop),
        ]

    async def _ls(self, request: web.Request) -> web.Response:
        wanted = request.query.get("service", "")
        try:
            if request.query.get("callbacks"):
                calls = await self._callbacks.given_up()
                return web.json_response({"callbacks": [_owed(call) for call in calls if wanted in {"", call.service}]})
            found = await self._forwarder.list_parked()
        except LedgerUnavailable as error:
            return _problem(503, str(error))
        return web.json_response({"parked": [told(kept) for kept in found if wanted in {"", kept.standing.service}]})

    async def _show(self, request: web.Request) -> web.Response:
        try:
            kept = await self._forwarder.find(request.match_info["id"])
        except LedgerUnavailable as error:
            return _problem(503, str(error))
        if kept is None or kept.standing.state is not State.PARKED:
            return _absent(request)
        return web.json_response(told(kept))

    async def _requeue(self, request: web.Request) -> web.Response:
        try:
            id_ = request.match_info["id"]
            made = await self._forwarder.requeue(id_, self._new_id())
            if made is None and await self._callbacks.again(id_):
                await self._events.note(role_of(request), "callback.requeue", id_, {})
                return web.json_response({"transaction": id_}, status=202)
            if made is not None:
                await self._events.note(role_of(request), "parked.requeue", id_, {"as": made})
        except LedgerUnavailable as error:
            return _problem(503, str(error))
        return _absent(request) if made is None else web.json_response({"transaction": made}, status=202)

    async def _drop(self, request: web.Request) -> web.Response:
        try:
            id_ = request.match_info["id"]
            is_gone = await self._forwarder.drop(id_)
            if is_gone:
                await self._events.note(role_of(request), "parked.drop", id_, {})
        except LedgerUnavailable as error:
            return _problem(503, str(error))
        return web.json_response({"dropped": id_}) if is_gone else _absent(request)


def told(kept: Kept) -> dict[str, Any]:
    """What may be said of a parked transaction: never what it says itself."""
    standing = kept.standing
    return {
        "id": standing.id,
        "service": standing.service,
        "operation": standing.operation,
        "consumer": kept.consumer,
        "outcome": str(kept.outcome),
        "reason": kept.reason,
        "attempts": standing.attempts,
        "accepted_at": moment(int(standing.accepted * 1e6)),
        "kept_until": moment(int(standing.due * 1e6)),
    }


def _owed(call: Call) -> dict[str, Any]:
    named = ("id", "service", "consumer", "state", "outcome", "reason", "tries")
    return {name: getattr(call, name) for name in named}


def _absent(request: web.Request) -> web.Response:
    return _problem(404, f"no parked transaction has the id {request.match_info['id']!r} here")


def _problem(status: int, says: str) -> web.Response:
    return web.json_response({"problem": says}, status=status)
