"""The admin port: metrics, health, and what runs here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from lgsp.edge.audit import Audit
from lgsp.edge.guard import COOKIE, SESSION_SECONDS, Asked, Guard, Role
from lgsp.edge.names import is_our_name, is_our_origin, is_same_origin
from lgsp.edge.probes import Probes, listen

RouteDef = web.RouteDef
ROLE = web.RequestKey("role", Role)
"""Under this key stands who asks, where that is somebody: see `role_of`."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def role_of(request: web.Request) -> str:
    """Who asks, in the word of the ledger's events; empty for somebody who only reads."""
    role = request.get(ROLE)
    return role.word if role else ""


def is_at_least(request: web.Request, role: Role) -> bool:
    """Whether who asks may do what a role may."""
    return bool(request.get(ROLE, 0) >= role)


def _refused(wanted: Role, role: Role | None) -> web.Response:
    if role is None:
        return web.Response(
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
            text=f"the {wanted.word} token is wanted: Authorization: Bearer ..., from secrets/{wanted.word}-token in the "
            "state directory\n",
        )
    return web.Response(status=403, text=f"this wants the {wanted.word} token: yours is the {role.word}'s\n")


class Admin:
    """One listener beside the traffic, with the pages of `Probes`, which the first four arguments are for.

    `guard` says who may do what, and `audit` is told of whom it does not let in; `routes` are what else stands here.
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
        audit: Audit,
        routes: Iterable[RouteDef] = (),
    ) -> None:
        self._probes = Probes(hold, content_type, problems, notes)
        self._loopback = loopback
        self._guard = guard
        self._audit = audit
        self._routes = list(routes)
        self._runner: web.AppRunner | None = None
        self._app = web.Application()

    def decisions(self) -> set[tuple[str, str]]:
        """Everything that somebody can ask for here, as method and template."""
        routes = (route for route in self._app.router.routes() if route.resource is not None)
        return {
            (route.method, route.resource.canonical) for route in routes if route.resource and route.method != "HEAD"
        }

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises `SettingsError`."""
        app = web.Application(middlewares=[self._only_ours])
        self._app = app
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
        resource = request.match_info.route.resource
        asked = Asked(request.method, resource.canonical if resource else request.path, shown, cookies)
        role = self._guard.role(asked)
        if role is not None:
            request[ROLE] = role
        wanted = None if request.path == "/login" else self._guard.wants(asked)
        if wanted is not None:
            template = resource.canonical if resource else "no such path"
            await self._note(role, wanted, f"{request.method} {template}", request.remote or "")
            return _refused(wanted, role)
        return await handler(request)

    async def _note(self, role: Role | None, wanted: Role, asked: str, address: str) -> None:
        if role is not None:
            await self._audit.known(role.word, "role.refused", asked, address, wanted=wanted.word)
        else:
            self._audit.stranger("no token of the admin port's", address, asked=asked, wanted=wanted.word)

    async def _login(self, request: web.Request) -> web.Response:
        """Turn a one-time code into a cookie, which no page of another origin can use."""
        session = self._guard.redeem(request.query.get("code", ""))
        if session is None:
            self._audit.stranger("no code of the admin port's", request.remote or "", asked="GET /login")
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
