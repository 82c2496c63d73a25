"""What was said lately, for a test in any language: which calls came, with what, and how they were answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.edge.admin import is_at_least
from lgsp.edge.guard import Role
from lgsp.edge.wrong import fields_of, wrong_fields
from lgsp.model import Outcome, Transaction
from lgsp.taps.recorder import Recorder

PATH = "/lgsp/v1/exchanges"
_GOES_UPSTREAM = frozenset({"proxy", "spy"})


class Exchanges:
    """The admin port's paths of the newest exchanges. They hold bodies as they were: for a bus without real traffic.

    What a service said that asks a real provider may be about real people: that wants the admin token.
    """

    def __init__(self, recorder: Recorder, catalogue: Catalogue) -> None:
        self._recorder = recorder
        self._catalogue = catalogue

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`."""

        def commit() -> None:
            self._catalogue = new

        return commit

    def routes(self) -> list[web.RouteDef]:
        """`GET` lists, oldest first, `?service=` and `?operation=` choose; `DELETE` forgets, and wants the admin token."""
        return [web.get(PATH, self._list), web.delete(PATH, self._forget)]

    def seen(self, service: str = "", operation: str = "") -> list[Transaction]:
        """Those of a service and an operation, or of all, oldest first."""
        return [
            transaction
            for transaction in self._recorder.exchanges()
            if service in {"", transaction.request.service} and operation in {"", transaction.request.operation}
        ]

    def services(self) -> Iterable[str]:
        """All that there are."""
        return [service.id for service in self._catalogue]

    def is_open(self, transaction: Transaction, *, admin: bool) -> bool:
        """Whether its bodies may be shown to who has the admin token, or has not."""
        service = transaction.request.service
        known = service in self._catalogue
        return admin or (known and self._catalogue.find(service).mode not in _GOES_UPSTREAM)

    def wrong(self, transaction: Transaction) -> list[str]:
        """Which fields a refusal was about, as far as its words say so; none of what was not refused."""
        request, reply = transaction.request, transaction.reply
        if transaction.outcome is not Outcome.REJECTED or reply is None:
            return []
        return wrong_fields(fields_of(request.query, request.body), self._names(transaction), reply.body)

    def _names(self, transaction: Transaction) -> Iterable[str]:
        """The fields that the examples of its operation have."""
        service = transaction.request.service
        operations = self._catalogue.find(service).operations if service in self._catalogue else {}
        operation = operations.get(transaction.request.operation)
        asked = [example.request for example in operation.examples] if operation else []
        return [name for each in asked for name, _ in fields_of(each.query, each.body)]

    async def _list(self, http: web.Request) -> web.Response:
        admin = is_at_least(http, Role.ADMIN)
        chosen = self.seen(http.query.get("service", ""), http.query.get("operation", ""))
        listed = [
            told(each, self.wrong(each)) if self.is_open(each, admin=admin) else told_closed(each) for each in chosen
        ]
        return web.json_response({"exchanges": listed, "forgotten": self._recorder.forgotten})

    async def _forget(self, _: web.Request) -> web.Response:
        self._recorder.forget()
        return web.Response(status=204)


def told(transaction: Transaction, wrong: list[str]) -> dict[str, Any]:
    """One exchange as JSON; a body that is no text shows what of it is not as U+FFFD."""
    request, reply = transaction.request, transaction.reply
    return _named(transaction) | {
        "wrong": wrong,
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


def told_closed(transaction: Transaction) -> dict[str, Any]:
    """The same without anything that was said in it."""
    return _named(transaction) | {"closed": "the service asks a real provider: show the admin token"}


def _named(transaction: Transaction) -> dict[str, Any]:
    request = transaction.request
    return {
        "transaction": request.id,
        "at": transaction.started_at,
        "seconds": transaction.seconds,
        "service": request.service,
        "operation": request.operation,
        "consumer": request.consumer,
        "outcome": str(transaction.outcome),
        "reason": transaction.reason,
    }
