"""The listening socket: aiohttp's low-level server, with limits on what a stranger may send."""

from __future__ import annotations

import importlib.util
import logging
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from lgsp.errors import SettingsError

DRAIN = 20.0
"""Seconds within which what is running has to end once it is stopped."""


class Listener:
    """Gives each HTTP request to `handle`, once it listens."""

    def __init__(self, handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        self._handle = handle
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen, with `tls` by HTTPS; returns the port. Raises `SettingsError`."""
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
        self._runner = web.ServerRunner(server, shutdown_timeout=DRAIN)
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
        """Take no new connection, and return when every request has its answer, or after `DRAIN`."""
        if self._runner is not None:
            await self._runner.cleanup()


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
