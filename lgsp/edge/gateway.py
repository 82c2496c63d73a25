"""The HTTP edge: a request at a known path, of a known consumer, becomes a transaction; its answer goes back as it came."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import random
from collections.abc import Callable, Mapping
from typing import Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.chance import uuid7
from lgsp.clock import Clock
from lgsp.dispatch import Dispatcher
from lgsp.edge import faults
from lgsp.edge.answers import SERVER, answer_of
from lgsp.edge.faults import Fault, body_of, wants_xml
from lgsp.edge.names import is_our_name
from lgsp.edge.routes import NoRoute, Route, Routes
from lgsp.errors import LedgerUnavailable, SettingsError
from lgsp.model import Request, Transaction

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
_DRAIN = 10.0
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
        self.headers = headers or {}


class Gateway:
    """One listener. `loopback`: it answers to loopback names only."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        routes: Routes,
        consumers: Mapping[str, Consumer],
        watch: Watch,
        new_id: Callable[[], str],
        *,
        loopback: bool,
        max_body: int,
        max_in_flight: int,
    ) -> None:
        self._dispatcher = dispatcher
        self._routes = routes
        self._consumers = consumers
        self._default = next((c for c in consumers.values() if c.behaviour == "calm"), Consumer(id="anonymous"))
        self._watch = watch
        self._new_id = new_id
        self._loopback = loopback
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

        return commit

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port (of a free choice where `port` is 0). Raises `SettingsError`."""
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
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"the gateway cannot listen on {host}:{port}: {error.strerror or error}; choose another with --listen"
            ) from error
        address: tuple[str, int] = self._runner.addresses[0]
        return address[1]

    async def stop(self) -> None:
        """Take nothing new, let what is running finish."""
        self.draining = True
        if self._runner:
            await self._runner.cleanup()

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        try:
            routes = self._routes
            route, consumer = self._accept(http)
            body = b"" if http.method in _BODILESS and not http.can_read_body else await self._read(http)
            if self._routes is not routes:  # the catalogue was swapped while the body came: it decides again
                route, consumer = self._accept(http)
            request = self._request(http, route, consumer, body)
            return await self._transact(http, request, route.service.id)
        except _Refused as refused:
            self._watch.http(refused.route, http.method, refused.fault.status)
            content, content_type = body_of(refused.fault, xml=wants_xml(http.headers.get("Accept", "")))
            return web.Response(
                status=refused.fault.status,
                body=content,
                headers={"Content-Type": content_type, "Server": SERVER, **refused.headers},
            )

    def _accept(self, http: web.BaseRequest) -> tuple[Route, Consumer]:
        """Path and consumer; whoever gets past here is a transaction."""
        headers = http.headers
        if self._loopback and not is_our_name(headers.get("Host", "")):
            raise _Refused(faults.NOT_OUR_NAME, "refused")
        route = self._routes.find(http.method, http.rel_url.raw_path)
        if isinstance(route, NoRoute):
            raise _no_route(route)
        name = headers.get("X-Lgsp-Consumer")
        consumer = self._default if name is None else self._consumers.get(name)
        if consumer is None:
            raise _Refused(faults.NO_CONSUMER, "refused", {"WWW-Authenticate": "Bearer"})
        if "Content-Encoding" in headers:
            raise _Refused(faults.ENCODED, "refused")
        return route, consumer

    async def _read(self, http: web.BaseRequest) -> bytes:
        if (http.content_length or 0) > self._max_body:
            raise _Refused(faults.TOO_LARGE, "refused")
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                if http.headers.get("Expect", "").lower() == "100-continue":
                    await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    http.writer.output_size = 0  # the answer itself has not begun
                async for piece in http.content.iter_any():
                    body += piece
                    if len(body) > self._max_body:
                        raise _Refused(faults.TOO_LARGE, "refused")
        except TimeoutError as error:
            raise _Refused(faults.TOO_SLOW, "refused", {"Connection": "close"}) from error
        except (OSError, HttpProcessingError) as error:
            raise _Refused(faults.INCOMPLETE, "refused") from error
        return bytes(body)

    def _request(self, http: web.BaseRequest, route: Route, consumer: Consumer, body: bytes) -> Request:
        transaction = self._new_id()
        carried = {}
        key = transaction
        for name, value in http.headers.items():
            lower = name.lower()
            if lower in CARRIED:
                carried[lower] = _readable(value)
            elif lower == "x-lgsp-key":
                key = _checked_key(value)
            elif lower == "authorization" and value.startswith("Basic "):
                carried[lower] = _readable(value)  # a contract's own credentials; a gateway's would be Bearer
        return Request(
            id=transaction,
            service=route.service.id,
            operation=route.operation.name,
            path=route.path,
            query=http.rel_url.raw_query_string,
            consumer=consumer.id,
            key=key,
            body=body,
            headers=carried,
            calm=consumer.behaviour == "calm",
        )

    async def _transact(self, http: web.BaseRequest, request: Request, service: str) -> web.Response:
        try:
            return await self._transacted(http, request, service)
        except LedgerUnavailable as error:
            raise _Refused(faults.NO_LEDGER, "refused", {"Retry-After": "5"}) from error

    async def _transacted(self, http: web.BaseRequest, request: Request, service: str) -> web.Response:
        if self.draining or self._in_flight >= self._max_in_flight:
            return await self._shed(http, request)
        self._in_flight += 1
        self._watch.inflight(service, 1)
        try:
            transaction = await self._dispatcher.send(request)
        finally:
            self._in_flight -= 1
            self._watch.inflight(service, -1)
        return self._answer(http, transaction)

    async def _shed(self, http: web.BaseRequest, request: Request) -> web.Response:
        reason = "shutting_down" if self.draining else "overloaded"
        if not self.draining:
            self._watch.shed("inflight")
        return self._answer(http, await self._dispatcher.refuse(request, reason))

    def _answer(self, http: web.BaseRequest, transaction: Transaction) -> web.Response:
        response = answer_of(transaction, http.headers.get("Accept", ""))
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
