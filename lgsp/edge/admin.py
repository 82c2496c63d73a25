"""The admin port: metrics, health, and what runs here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from lgsp.edge.guard import COOKIE, SESSION_SECONDS, Asked, Guard
from lgsp.edge.names import is_our_name, is_our_origin, is_same_origin
from lgsp.edge.probes import Probes, listen

RouteDef = web.RouteDef
MAY_CHANGE = web.RequestKey("may_change", bool)
"""Under this key a request says whether it shows the admin token, or a session that came of it."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    """One listener beside the traffic, with the pages of `Probes`, which the first four arguments are for.

    `guard` says who may do what; `routes` are what else stands here.
    """

    def __init__(
        self,
        hold: Callable[[], Callable[[], bytes]],
        content_type: str,
        problems: Callable[[], list[str]],
        notes: Callable[[], list[str]],
        *,
        loopback: bool,
        guard: Guard,
        routes: Iterable[RouteDef] = (),
    ) -> None:
        self._probes = Probes(hold, content_type, problems, notes)
        self._loopback = loopback
        self._guard = guard
        self._routes = list(routes)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises `SettingsError`."""
        app = web.Application(middlewares=[self._only_ours])
        if not any(route.path == "/" for route in self._routes):
            app.router.add_get("/", self._index)
        app.router.add_routes(self._probes.routes())
        app.router.add_get("/login", self._login)
        app.router.add_routes(self._routes)
        self._runner, bound = await listen(app, host, port, "admin")
        return bound

    async def stop(self) -> None:
        """Close."""
        if self._runner:
            await self._runner.cleanup()

    @web.middleware
    async def _only_ours(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if self._loopback and not is_our_name(request.headers.get("Host", "")):
            return web.Response(status=421, text="this port listens on loopback and answers to loopback names only\n")
        if origin is not None and not is_our_origin(origin):
            return web.Response(status=403, text="pages of other origins may not ask here\n")
        shown = request.headers.get("Authorization", "")
        # A cookie goes with what any page of this host asks, whatever its port: it counts for our own pages alone.
        cookies = request.cookies if origin is None or is_same_origin(origin, request.headers.get("Host", "")) else {}
        asked = Asked(request.method, request.path, shown, cookies)
        request[MAY_CHANGE] = self._guard.knows(asked)
        if request.path != "/login" and not self._guard.lets(asked):
            return web.Response(
                status=401,
                headers={"WWW-Authenticate": "Bearer"},
                text="the admin token is wanted: Authorization: Bearer ..., from secrets/admin-token in the state directory\n",
            )
        return await handler(request)

    async def _login(self, request: web.Request) -> web.Response:
        """Turn a one-time code into a cookie, which no page of another origin can use."""
        session = self._guard.redeem(request.query.get("code", ""))
        if session is None:
            return web.Response(
                status=403, text="this code was used already, or is over: `lgsp up` prints a new one at its start\n"
            )
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(COOKIE, session, max_age=int(SESSION_SECONDS), httponly=True, samesite="Strict", path="/")
        return answer

    async def _index(self, _: web.Request) -> web.Response:
        return web.Response(
            text="lgsp\n\n/metrics  for Prometheus\n/livez    the process answers\n/readyz   it can do its work; ?verbose\n"
            + "".join(f"{route.path}\n" for route in self._routes)
        )
