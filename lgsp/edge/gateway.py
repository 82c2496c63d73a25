"""The HTTP edge: a request at a known path, of a known consumer, becomes a transaction; its answer goes back as it came."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

import structlog
from aiohttp import HttpVersion10, HttpVersion11, hdrs, web

from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.dispatch import SUSPENDED, Dispatcher
from lgsp.edge import bodies, faults
from lgsp.edge.access import Access, Met, Stranger
from lgsp.edge.admission import SERVICE, Full, Room
from lgsp.edge.answers import SERVER, Refused, accepted, answer_of, status_path
from lgsp.edge.audit import Audit
from lgsp.edge.depth import is_too_deep
from lgsp.edge.faults import body_of, wants_xml
from lgsp.edge.incoming import request_of
from lgsp.edge.listener import DRAIN, OF_ONE_ADDRESS, Listener
from lgsp.edge.names import is_our_name
from lgsp.edge.patience import Patience
from lgsp.edge.peers import look_at
from lgsp.edge.routes import NoRoute, Route, Routes
from lgsp.edge.straight import Straight, straight
from lgsp.errors import LedgerUnavailable
from lgsp.forwarding.forwarder import Receipt
from lgsp.ledger.outbox import Conflict
from lgsp.model import Outcome, Request, Transaction
from lgsp.trust import what_is_wrong

log = structlog.get_logger()
Own = Callable[[web.BaseRequest, bytes], Awaitable[web.Response]]
"""Answers at one of the gateway's own paths, which belong to no service."""

_SPOKEN = (HttpVersion11, HttpVersion10)
_OWN_BODY = 64 * 1024
_TO_ANSWER = 2.0
"""Of the seconds within which what is running has to end, so many are left to tell those whose calls have not."""


class Watch(Protocol):
    """Told of what the edge does. Nothing here may block or raise."""

    def http(self, route: str, method: str, code: int) -> None:
        """An HTTP request was answered."""
        ...

    def inflight(self, service: str, change: int) -> None:
        """A call to a service began (+1) or ended (-1)."""
        ...

    def shed(self, reason: str) -> None:
        """A call was refused for our own capacity."""
        ...

    def impatient(self, service: str) -> None:
        """A consumer called again before the `Retry-After` that it was given was over."""
        ...

    def turned_away(self, reason: str) -> None:
        """A connection was refused."""
        ...


class Stores(Protocol):
    """What brings stored requests to their end: see `lgsp.forwarding.forwarder.Forwarder`."""

    def refusal(self, service: str) -> str:
        """Why nothing is stored for a service now; nothing when it is."""
        ...

    async def send(self, request: Request, *, wait: float, age: float | None = None) -> Receipt:
        """Store it, which ends within `age`, and wait so long for its end. Raises `Conflict`, `LedgerUnavailable`."""
        ...

    def release(self) -> None:
        """Let nobody wait any longer."""
        ...


class Gateway:
    """One listener. `names`: the only ones it answers to beside loopback's; `None`: it answers to any.

    `own`: paths that are its own; one that ends with a slash stands for everything below it.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        forwarder: Stores,
        routes: Routes,
        access: Access,
        watch: Watch,
        new_id: Callable[[], str],
        audit: Audit,
        *,
        own: Mapping[str, Own],
        names: Collection[str] | None,
        max_body: int,
        max_in_flight: int,
        max_held: int = bodies.MAX_HELD,
        max_connections: int = OF_ONE_ADDRESS,
    ) -> None:
        self._dispatcher = dispatcher
        self._forwarder = forwarder
        self._routes = routes
        self._access = access
        self._watch = watch
        self._new_id = new_id
        self._own = own
        self._below = [(path, answer) for path, answer in own.items() if path.endswith("/")]
        self._names = None if names is None else frozenset(names)
        self._max_body = max_body
        self.room = Room(max_in_flight, max_held)
        self._audit = audit
        self._patience = Patience()
        self._listener = Listener(self._handle, self, access.clock, at_most=max_connections)
        self.draining = False

    def __repr__(self) -> str:
        return f"<Gateway {self.room.calls} in flight{', draining' if self.draining else ''}>"

    def decisions(self) -> set[tuple[str, str]]:
        """Everything that somebody can ask for here, as method and template; of the gateway's own paths any method, `*`."""
        return self._routes.decisions() | {("*", path) for path in self._own}

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: the routes of `new`."""
        routes = Routes(new)

        def commit() -> None:
            self._routes = routes
            self._access.serve(new)

        return commit

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, with `tls` by HTTPS; returns the port (of a free choice where `port` is 0). Raises `SettingsError`."""
        return await self._listener.start(host, port, tls)

    async def stop(self) -> None:
        """Take nothing new, let what is running finish, and tell whoever waits too long that it does not."""
        self.draining = True
        self._forwarder.release()
        giving_up = asyncio.get_running_loop().call_later(DRAIN - _TO_ANSWER, self._give_up)
        await self._listener.stop()
        giving_up.cancel()

    def _give_up(self) -> None:
        self._dispatcher.give_up()

    def turned_away(self, reason: str, address: str, error: Exception | None = None) -> None:
        """See `Doorman`."""
        self._watch.turned_away(reason)
        if reason == "address":
            self._audit.stranger(f"it has {self._listener.places.at_most} connections already", address)
        elif reason == "files":
            self._audit.stranger(f"no connection can be taken: {error}; see `ulimit -n`", address)
        elif isinstance(error, ssl.SSLCertVerificationError):
            self._audit.stranger(what_is_wrong(error), address)

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        try:
            found = self._find(http)
            if isinstance(found, Route):
                return await self._serve(http, found)
            return await self._answer_own(http, found)
        except Refused as refused:
            self._watch.http(refused.route, http.method, refused.fault.status)
            content, content_type = body_of(refused.fault, xml=wants_xml(http.headers.get(hdrs.ACCEPT, "")))
            return web.Response(
                status=refused.fault.status,
                body=content,
                headers={"Content-Type": content_type, "Server": SERVER, **refused.headers},
            )

    async def _serve(self, http: web.BaseRequest, route: Route) -> web.StreamResponse:
        routes = self._routes
        met = await self._meet(http, route)
        holder, full = met.consumer.id, None
        try:
            body = b"" if met.refusal else await bodies.read(http, self._max_body, self.room, holder)
        except bodies.NoRoom as found_none:
            body, full = b"", found_none.full
        try:
            if self._routes is not routes:  # the catalogue was swapped while the body came: it decides again
                found = self._routes.find(http.method, http.rel_url.raw_path)
                if isinstance(found, NoRoute):
                    raise _no_route(found)
                route, met = found, await self._meet(http, found)
            if is_too_deep(body):
                raise Refused(faults.TOO_DEEP, "refused")
            request = request_of(http, self._new_id(), route, met.consumer, body)
            answer = await self._answered(http, request, route, met, full)
        except LedgerUnavailable as error:
            raise Refused(faults.NO_LEDGER, "refused") from error
        finally:
            if body:
                self.room.hold(holder, -len(body))
        if isinstance(answer, web.Response):
            await bodies.send(http, answer, self.room, holder)
        return answer

    async def _answered(
        self, http: web.BaseRequest, request: Request, route: Route, met: Met, full: Full | None
    ) -> web.Response | Straight:
        if self._patience.is_early(request.consumer, request.service, self._access.clock.now()):
            self._watch.impatient(request.service)
        answer: web.Response | Straight
        if met.refusal:
            answer = await self._reject(http, request, met)
        elif full is not None:
            answer = await self._shed(http, request, full)
        else:
            answer = await self._transact(http, request, route, met.consumer)
        if isinstance(answer, web.Response) and hdrs.RETRY_AFTER in answer.headers:
            wait = answer.headers[hdrs.RETRY_AFTER]
            self._patience.told(request.consumer, request.service, wait, self._access.clock.now())
        return answer

    def _find(self, http: web.BaseRequest) -> Route | Own:
        if http.version not in _SPOKEN:
            raise Refused(faults.OTHER_HTTP, "refused")
        if self._names is not None and not is_our_name(http.headers.get(hdrs.HOST, ""), self._names):
            raise Refused(faults.NOT_OUR_NAME, "refused")
        path = http.rel_url.raw_path
        route = self._routes.find(http.method, path)
        if isinstance(route, Route):
            return route
        own = self._own.get(path) or next((answer for above, answer in self._below if path.startswith(above)), None)
        if own is None:
            raise _no_route(route)
        return own

    async def _answer_own(self, http: web.BaseRequest, own: Own) -> web.Response:
        try:
            body = await bodies.read(http, _OWN_BODY, self.room, "")
        except bodies.NoRoom as error:
            raise Refused(faults.NO_ROOM, "refused") from error
        try:
            response = await own(http, body)
        finally:
            self.room.hold("", -len(body))
        self._watch.http("own", http.method, response.status)
        return response

    async def _meet(self, http: web.BaseRequest, route: Route) -> Met:
        """The consumer; whoever gets past here is a transaction."""
        try:
            met = self._access.meet(http.headers, route.service.id, route.operation.name, look_at(http))
        except Stranger as stranger:
            await self._audit.refused(stranger, http.remote or "", route.service.id)
            raise Refused(stranger.fault, "refused") from stranger
        except Exception as error:
            log.exception("consumer not judged", service=route.service.id, error=type(error).__name__)
            raise Refused(faults.NOT_JUDGED, "refused") from error
        if hdrs.CONTENT_ENCODING in http.headers or _is_packed_on_the_way(http):
            raise Refused(faults.ENCODED, "refused")
        return met

    async def _transact(
        self, http: web.BaseRequest, request: Request, route: Route, consumer: Consumer
    ) -> web.Response | Straight:
        service = route.service.id
        prefers_async = _prefers_async(request)
        is_stored = route.service.mode != "disabled" and (prefers_async or route.operation.delivery != "sync")
        full = self.room.full(route.service, consumer)
        if self.draining or (full is not None and not (is_stored and full is SERVICE)):
            return await self._shed(http, request, full)
        self.room.enter(service, consumer.id)
        self._watch.inflight(service, 1)
        try:
            if is_stored:  # where too many wait for the service, nobody else does
                wait = 0.0 if prefers_async or full else route.service.timeout
                return await self._store(http, request, wait, route.operation.max_age)
            transaction = await self._dispatcher.send(request)
            quick = straight(http, transaction)
            if quick is not None:
                self._watch.http("service", http.method, quick.status)
                return quick
            answer = self._answer(http, transaction)
            if transaction.reason == SUSPENDED and transaction.reply is None:
                answer.headers["Retry-After"] = str(math.ceil(self._dispatcher.opens_in(service)) or 1)
            return answer
        finally:
            self.room.leave(service, consumer.id)
            self._watch.inflight(service, -1)

    async def _store(self, http: web.BaseRequest, request: Request, wait: float, age: float) -> web.Response:
        """Store and forward: the provider's reply where it comes in time, else 202; either way where to look."""
        refusal = self._forwarder.refusal(request.service)
        if refusal:
            self._watch.shed("outbox")
            return self._answer(http, await self._dispatcher.refuse(request, Outcome.BUS_ERROR, refusal))
        try:
            receipt = await self._forwarder.send(request, wait=wait, age=age)
        except Conflict:
            return self._answer(http, await self._dispatcher.refuse(request, Outcome.REJECTED, "conflict"))
        if receipt.transaction is not None:
            answer = self._answer(http, receipt.transaction)
        else:
            answer = accepted(receipt.id)
            self._watch.http("service", http.method, answer.status)
        answer.headers["Location"] = status_path(receipt.id)
        if not wait:
            answer.headers["Preference-Applied"] = "respond-async"
        return answer

    async def _reject(self, http: web.BaseRequest, request: Request, met: Met) -> web.Response:
        """The consumer's own doing: a transaction all the same, which the service never sees."""
        answer = self._answer(http, await self._dispatcher.refuse(request, Outcome.REJECTED, met.refusal))
        if met.wait:
            self._watch.shed("quota")
            answer.headers["Retry-After"] = str(math.ceil(met.wait))
        return answer

    async def _shed(self, http: web.BaseRequest, request: Request, full: Full | None) -> web.Response:
        if self.draining or full is None:
            return self._answer(http, await self._dispatcher.refuse(request, Outcome.BUS_ERROR, "shutting_down"))
        self._watch.shed(full.shed)
        return self._answer(http, await self._dispatcher.refuse(request, full.outcome, full.reason))

    def _answer(self, http: web.BaseRequest, transaction: Transaction) -> web.Response:
        response = answer_of(transaction, http.headers.get(hdrs.ACCEPT, ""))
        self._watch.http("service", http.method, response.status)
        return response


def _is_packed_on_the_way(http: web.BaseRequest) -> bool:
    return any(coding.strip().lower() != "chunked" for coding in http.headers.getall(hdrs.TRANSFER_ENCODING, ()))


def _prefers_async(request: Request) -> bool:
    preferred = request.headers.get("prefer", "")
    return bool(preferred) and any(word.strip().lower() == "respond-async" for word in preferred.split(","))


def _no_route(route: NoRoute) -> Refused:
    if route.why == "method":
        return Refused(faults.NO_METHOD, "unknown", {"Allow": ", ".join(route.allowed)})
    return Refused(faults.NO_CONTEXT if route.why == "context" else faults.NO_RESOURCE, "unknown")
