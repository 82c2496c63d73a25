"""The HTTP edge: a request at a known path, of a known consumer, becomes a transaction; its answer goes back as it came."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import math
import random
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.force import parse_force
from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.chance import uuid7
from lgsp.clock import Clock
from lgsp.dispatch import Dispatcher
from lgsp.edge import faults
from lgsp.edge.access import Access, Met, Stranger
from lgsp.edge.answers import SERVER, accepted, answer_of, headers_of, status_path
from lgsp.edge.asked import asked_as
from lgsp.edge.faults import Fault, body_of, wants_xml
from lgsp.edge.names import is_our_name
from lgsp.edge.routes import NoRoute, Route, Routes
from lgsp.errors import LedgerUnavailable, MalformedRequest, SettingsError
from lgsp.forwarding.forwarder import Receipt
from lgsp.ledger.outbox import Conflict
from lgsp.model import Outcome, Request, Transaction

log = structlog.get_logger()
Own = Callable[[web.BaseRequest, bytes], Awaitable[web.Response]]
"""Answers at one of the gateway's own paths, which belong to no service."""

CARRIED = frozenset(
    {
        "accept",
        "accept-language",
        "apikey",
        "content-type",
        "idempotency-key",
        "messagetype",
        "prefer",
        "soapaction",
        "timestamp",
        "traceparent",
        "x-road-client",
        "x-secretkey",
        "x-systemid",
    }
)
"""Request headers that go on to the provider; everything else stays at the gateway."""
_BODY_SECONDS = 10.0
_OWN_BODY = 64 * 1024
_DRAIN = 20.0
"""Seconds within which what is running has to end once the gateway goes down ..."""
_TO_ANSWER = 2.0
"""... of which so many are left to tell those whose calls have not."""
_KEY_LENGTH = 200
_BODILESS = frozenset({"GET", "HEAD", "DELETE"})


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


class Stores(Protocol):
    """What brings stored requests to their end: see `lgsp.forwarding.forwarder.Forwarder`."""

    def refusal(self, service: str) -> str:
        """Why nothing is stored for a service now; nothing when it is."""
        ...

    async def send(self, request: Request, *, wait: float) -> Receipt:
        """Store it, and wait so long for its end. Raises `Conflict`, `LedgerUnavailable`."""
        ...

    def release(self) -> None:
        """Let nobody wait any longer."""
        ...


class TransactionIds:
    """New transaction ids: UUIDs of version 7 by the clock, from the system's randomness."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entropy = random.SystemRandom().getrandbits(64)
        self._bits = random.Random(self._entropy).getrandbits

    def __call__(self) -> str:
        """A new id, later in order than those of earlier milliseconds."""
        return uuid7(int(self._clock.now() * 1_000), self._bits(74))


class _Refused(Exception):
    """The request is no transaction: the answer, and how it counts."""

    def __init__(self, fault: Fault, route: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(fault.description)
        self.fault = fault
        self.route = route
        self.headers = {**headers_of(fault), **(headers or {})}


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
        *,
        own: Mapping[str, Own],
        names: Collection[str] | None,
        max_body: int,
        max_in_flight: int,
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
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._runner: web.ServerRunner | None = None
        self.draining = False

    def __repr__(self) -> str:
        return f"<Gateway {self._in_flight} in flight{', draining' if self.draining else ''}>"

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: the routes of `new`."""
        routes = Routes(new)

        def commit() -> None:
            self._routes = routes
            self._access.serve(new)

        return commit

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, with `tls` by HTTPS; returns the port (of a free choice where `port` is 0). Raises `SettingsError`."""
        if importlib.util.find_spec("aiohttp._http_parser") is None:
            raise SettingsError(
                "aiohttp lacks its compiled HTTP parser, without which this gateway does not listen: reinstall aiohttp"
            )
        server = web.Server(
            self._handle,
            keepalive_timeout=15,
            max_line_size=4096,
            max_headers=64,
            max_field_size=8190,
            lingering_time=2,
            auto_decompress=False,
            access_log=None,
            logger=_http_log(),
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=_DRAIN)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"the gateway cannot listen on {host}:{port}: {error.strerror or error}; choose another with --listen"
            ) from error
        address: tuple[str, int] = self._runner.addresses[0]
        return address[1]

    async def stop(self) -> None:
        """Take nothing new, let what is running finish, and tell whoever waits too long that it does not."""
        self.draining = True
        self._forwarder.release()
        if self._runner:
            giving_up = asyncio.get_running_loop().call_later(_DRAIN - _TO_ANSWER, self._give_up)
            await self._runner.cleanup()
            giving_up.cancel()

    def _give_up(self) -> None:
        self._dispatcher.give_up()

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        try:
            found = self._find(http)
            if isinstance(found, Route):
                return await self._serve(http, found)
            return await self._answer_own(http, found)
        except _Refused as refused:
            self._watch.http(refused.route, http.method, refused.fault.status)
            content, content_type = body_of(refused.fault, xml=wants_xml(http.headers.get(hdrs.ACCEPT, "")))
            return web.Response(
                status=refused.fault.status,
                body=content,
                headers={"Content-Type": content_type, "Server": SERVER, **refused.headers},
            )

    async def _serve(self, http: web.BaseRequest, route: Route) -> web.Response:
        routes = self._routes
        met = self._meet(http, route)
        body = b"" if met.refusal or _is_bodiless(http) else await self._read(http, self._max_body)
        if self._routes is not routes:  # the catalogue was swapped while the body came: it decides again
            found = self._routes.find(http.method, http.rel_url.raw_path)
            if isinstance(found, NoRoute):
                raise _no_route(found)
            route, met = found, self._meet(http, found)
        request = self._request(http, route, met, body)
        try:
            if met.refusal:
                return await self._reject(http, request, met)
            return await self._transact(http, request, route)
        except LedgerUnavailable as error:
            raise _Refused(faults.NO_LEDGER, "refused") from error

    def _find(self, http: web.BaseRequest) -> Route | Own:
        if self._names is not None and not is_our_name(http.headers.get(hdrs.HOST, ""), self._names):
            raise _Refused(faults.NOT_OUR_NAME, "refused")
        path = http.rel_url.raw_path
        route = self._routes.find(http.method, path)
        if isinstance(route, Route):
            return route
        own = self._own.get(path) or next((answer for above, answer in self._below if path.startswith(above)), None)
        if own is None:
            raise _no_route(route)
        return own

    async def _answer_own(self, http: web.BaseRequest, own: Own) -> web.Response:
        response = await own(http, b"" if _is_bodiless(http) else await self._read(http, _OWN_BODY))
        self._watch.http("own", http.method, response.status)
        return response

    def _meet(self, http: web.BaseRequest, route: Route) -> Met:
        """The consumer; whoever gets past here is a transaction."""
        try:
            met = self._access.meet(http.headers, route.service.id, route.operation.name)
        except Stranger as stranger:
            raise _Refused(stranger.fault, "refused") from stranger
        except Exception as error:
            log.exception("consumer not judged", service=route.service.id, error=type(error).__name__)
            raise _Refused(faults.NOT_JUDGED, "refused") from error
        if hdrs.CONTENT_ENCODING in http.headers:
            raise _Refused(faults.ENCODED, "refused")
        return met

    async def _read(self, http: web.BaseRequest, at_most: int) -> bytes:
        try:
            if http.content.is_eof():  # it came with the head, as small ones do: no timer, no wait
                body = http.content.read_nowait()
            elif (http.content_length or 0) > at_most:
                raise _Refused(faults.TOO_LARGE, "refused")
            else:
                body = await _awaited(http, at_most)
        except TimeoutError as error:
            raise _Refused(faults.TOO_SLOW, "refused", {"Connection": "close"}) from error
        except (OSError, HttpProcessingError) as error:
            raise _Refused(faults.INCOMPLETE, "refused") from error
        if len(body) > at_most:
            raise _Refused(faults.TOO_LARGE, "refused")
        return body

    def _request(self, http: web.BaseRequest, route: Route, met: Met, body: bytes) -> Request:
        transaction = self._new_id()
        carried = {}
        key, force = transaction, ""
        for name, value in http.headers.items():
            lower = name.lower()
            if lower in CARRIED:
                carried[lower] = _readable(value)
            elif lower == "x-lgsp-key":
                key = _checked_key(value)
            elif lower == "x-lgsp-force":
                force = _checked_force(value, met.consumer)
            elif lower == "authorization" and value.startswith("Basic "):
                carried[lower] = _readable(value)  # a contract's own credentials; ours are Bearer
        return Request(
            id=transaction,
            service=route.service.id,
            operation=route.operation.name,
            path=route.path,
            query=http.rel_url.raw_query_string,
            consumer=met.consumer.id,
            key=key,
            body=body,
            headers=carried,
            calm=met.consumer.behaviour == "calm",
            force=force,
            asked_as=asked_as(route.service.request_id, http.rel_url.raw_query_string, body),
        )

    async def _transact(self, http: web.BaseRequest, request: Request, route: Route) -> web.Response:
        if self.draining or self._in_flight >= self._max_in_flight:
            return await self._shed(http, request)
        service = route.service.id
        prefers_async = _prefers_async(request)
        self._in_flight += 1
        self._watch.inflight(service, 1)
        try:
            if route.service.mode != "disabled" and (prefers_async or route.operation.delivery != "sync"):
                return await self._store(http, request, 0.0 if prefers_async else route.service.timeout)
            return self._answer(http, await self._dispatcher.send(request))
        finally:
            self._in_flight -= 1
            self._watch.inflight(service, -1)

    async def _store(self, http: web.BaseRequest, request: Request, wait: float) -> web.Response:
        """Store and forward: the provider's reply where it comes in time, else 202; either way where to look."""
        refusal = self._forwarder.refusal(request.service)
        if refusal:
            self._watch.shed("outbox")
            return self._answer(http, await self._dispatcher.refuse(request, Outcome.BUS_ERROR, refusal))
        try:
            receipt = await self._forwarder.send(request, wait=wait)
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
            answer.headers["Retry-After"] = str(math.ceil(met.wait))
        return answer

    async def _shed(self, http: web.BaseRequest, request: Request) -> web.Response:
        reason = "shutting_down" if self.draining else "overloaded"
        if not self.draining:
            self._watch.shed("inflight")
        return self._answer(http, await self._dispatcher.refuse(request, Outcome.BUS_ERROR, reason))

    def _answer(self, http: web.BaseRequest, transaction: Transaction) -> web.Response:
        response = answer_of(transaction, http.headers.get(hdrs.ACCEPT, ""))
        self._watch.http("service", http.method, response.status)
        return response


class _OurMistakes(logging.Filter):
    """Lets pass what went wrong here; a client's bad HTTP has had its 400, and strangers do not write our log."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError) or error.code >= 500


def _http_log() -> logging.Logger:
    made = logging.getLogger("lgsp.edge.http")
    if not made.filters:
        made.addFilter(_OurMistakes())
    return made


def _prefers_async(request: Request) -> bool:
    preferred = request.headers.get("prefer", "")
    return bool(preferred) and any(word.strip().lower() == "respond-async" for word in preferred.split(","))


def _is_bodiless(http: web.BaseRequest) -> bool:
    return http.method in _BODILESS and not http.can_read_body


async def _awaited(http: web.BaseRequest, at_most: int) -> bytes:
    """The body of a request as it comes; of one that is too large, no more than shows it. Raises `TimeoutError`."""
    body = bytearray()
    async with asyncio.timeout(_BODY_SECONDS):
        if http.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            http.writer.output_size = 0  # the answer itself has not begun
        async for piece in http.content.iter_any():
            body += piece
            if len(body) > at_most:
                break
    return bytes(body)


def _no_route(route: NoRoute) -> _Refused:
    if route.why == "method":
        return _Refused(faults.NO_METHOD, "unknown", {"Allow": ", ".join(route.allowed)})
    return _Refused(faults.NO_CONTEXT if route.why == "context" else faults.NO_RESOURCE, "unknown")


def _readable(value: str) -> str:
    """The value of a header that goes on; one that is no UTF-8 cannot."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _Refused(faults.NOT_TEXT, "refused") from error
    return value


def _checked_key(value: str) -> str:
    if not value or len(value) > _KEY_LENGTH or not (value.isascii() and value.isprintable()):
        raise _Refused(faults.BAD_KEY, "refused")
    return value


def _checked_force(value: str, consumer: Consumer) -> str:
    if not consumer.may_force:
        raise _Refused(faults.NO_FORCE, "refused")
    try:
        parse_force(value)
    except MalformedRequest as error:
        raise _Refused(Fault(400, 400, f"X-Lgsp-Force: {error}"), "refused") from error
    return value
