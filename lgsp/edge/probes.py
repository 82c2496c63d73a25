"""What a monitoring asks of a process: its metrics, whether it lives, whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from lgsp.edge.names import is_our_name
from lgsp.errors import SettingsError


class Probes:
    """Three pages. `problems` says why the process is not ready; `notes` what else to know.

    `hold` is called on the event loop at each scrape; what it gives renders the metrics, off the loop.
    """

    def __init__(
        self,
        hold: Callable[[], Callable[[], bytes]],
        content_type: str,
        problems: Callable[[], list[str]],
        notes: Callable[[], list[str]],
    ) -> None:
        self._hold = hold
        self._content_type = content_type
        self._problems = problems
        self._notes = notes

    def routes(self) -> list[web.RouteDef]:
        """Their paths."""
        return [web.get("/metrics", self._metrics), web.get("/livez", self._livez), web.get("/readyz", self._readyz)]

    async def _metrics(self, _: web.Request) -> web.Response:
        # Rendering takes milliseconds in one piece: not on the loop that carries the traffic.
        body = await asyncio.to_thread(self._hold())
        return web.Response(body=body, headers={"Content-Type": self._content_type})

    async def _livez(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        problems, notes = self._problems(), self._notes()
        status = 503 if problems else 200
        if "verbose" in request.query:
            return web.json_response(
                {"ready": not problems, "problems": problems, "notes": notes},
                status=status,
                content_type="application/json",
            )
        return web.Response(status=status, text="".join(f"{line}\n" for line in problems or ["ok"]))


class Lookout:
    """A listener with the three pages and nothing else, so that the admin port can stay on loopback.

    Nothing can be changed through it, so nobody needs a token.
    """

    def __init__(self, probes: Probes, *, loopback: bool) -> None:
        self._probes = probes
        self._loopback = loopback
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises `SettingsError`."""
        app = web.Application(middlewares=[self._only_ours])
        app.router.add_routes(self._probes.routes())
        self._runner, bound = await listen(app, host, port, "metrics")
        return bound

    async def stop(self) -> None:
        """Close."""
        if self._runner:
            await self._runner.cleanup()

    @web.middleware
    async def _only_ours(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self._loopback and not is_our_name(request.headers.get("Host", "")):
            return web.Response(status=421, text="this port listens on loopback and answers to loopback names only\n")
        if "Origin" in request.headers:
            return web.Response(status=403, text="no page of a browser may ask here\n")
        return await handler(request)


async def listen(app: web.Application, host: str, port: int, what: str) -> tuple[web.AppRunner, int]:
    """Stand an application at an address; `what` names the port and the option that moves it. Raises `SettingsError`."""
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=15)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(
            f"the {what} port {host}:{port} cannot be opened: {error.strerror or error}; choose another with --{what}"
        ) from error
    address: tuple[str, int] = runner.addresses[0]
    return runner, address[1]
