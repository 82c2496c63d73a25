"""What listens: aiohttp's low-level server, with limits on what a stranger may send."""

from __future__ import annotations

import importlib.util
import logging
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from lgsp.clock import Clock
from lgsp.edge.accepting import Acceptor, Doorman, Places
from lgsp.errors import SettingsError

DRAIN = 20.0
"""Seconds within which what is running has to end once it is stopped."""
OF_ONE_ADDRESS = 4_000
"""Connections that one address may have. A proxy has all of its callers', and a load generator on this machine all of its own."""


class Listener:
    """Gives each HTTP request to `handle`, once it listens; `doorman` is told of connections that are refused.

    `at_most` is how many of them one address may have.
    """

    def __init__(
        self,
        handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        doorman: Doorman,
        clock: Clock,
        *,
        at_most: int = OF_ONE_ADDRESS,
    ) -> None:
        self._handle = handle
        self._doorman = doorman
        self._clock = clock
        self.places = Places(at_most)
        self._acceptor: Acceptor | None = None
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen, with `tls` by HTTPS; returns the port. Raises `SettingsError`."""
        if importlib.util.find_spec("aiohttp._http_parser") is None:
            raise SettingsError(
                "aiohttp lacks its compiled HTTP parser, without which this gateway does not listen: reinstall aiohttp"
            )
        server = _Server(
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
        acceptor = Acceptor(server, self.places, self._doorman, self._clock, tls)
        server.left = acceptor.left
        self._runner = web.ServerRunner(server, shutdown_timeout=DRAIN)
        await self._runner.setup()
        try:
            bound = await acceptor.start(host, port)
        except OSError as error:
            raise SettingsError(
                f"the gateway cannot listen on {host}:{port}: {error.strerror or error}; choose another with --listen"
            ) from error
        self._acceptor = acceptor
        return bound

    async def stop(self) -> None:
        """Take no new connection, and return when every request has its answer, or after `DRAIN`."""
        if self._acceptor is not None:
            await self._acceptor.stop()
        if self._runner is not None:
            await self._runner.cleanup()


class _Server(web.Server):
    """aiohttp's, which says whose connection is no more."""

    left: Callable[[web.RequestHandler], None]

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self.left(handler)


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
