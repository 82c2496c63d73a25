"""What was said lately, for a test in any language: which calls came, with what, and how they were answered."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from lgsp.model import Transaction
from lgsp.taps.recorder import Recorder

PATH = "/lgsp/v1/exchanges"


class Exchanges:
    """The admin port's paths of the newest exchanges. They hold bodies as they were: for a bus without real traffic."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def routes(self) -> list[web.RouteDef]:
        """`GET` lists, oldest first, `?service=` and `?operation=` choose; `DELETE` forgets, and wants the admin token."""
        return [web.get(PATH, self._list), web.delete(PATH, self._forget)]

    async def _list(self, http: web.Request) -> web.Response:
        service, operation = http.query.get("service"), http.query.get("operation")
        chosen = [
            told(transaction)
            for transaction in self._recorder.exchanges()
            if service in {None, transaction.request.service} and operation in {None, transaction.request.operation}
        ]
        return web.json_response({"exchanges": chosen})

    async def _forget(self, _: web.Request) -> web.Response:
        self._recorder.forget()
        return web.Response(status=204)


def told(transaction: Transaction) -> dict[str, Any]:
    """One exchange as JSON; a body that is no text shows what of it is not as U+FFFD."""
    request, reply = transaction.request, transaction.reply
    return {
        "transaction": request.id,
        "service": request.service,
        "operation": request.operation,
        "consumer": request.consumer,
        "outcome": str(transaction.outcome),
        "reason": transaction.reason,
        "request": {
            "path": request.path,
            "query": request.query,
            "headers": dict(request.headers),
            "body": request.body.decode(errors="replace"),
        },
        "reply": None
        if reply is None
        else {"status": reply.status, "headers": dict(reply.headers), "body": reply.body.decode(errors="replace")},
    }
