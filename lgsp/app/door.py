"""The admin port of a process, and who may use it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lgsp.clock import Clock
from lgsp.edge.admin import Admin, RouteDef
from lgsp.edge.guard import Guard
from lgsp.settings import Settings, environment, keep_secret, read_secret
from lgsp.taps.metrics import CONTENT_TYPE, ProcessMetrics

ADMIN_FILE = "secrets/admin-token"


@dataclass(frozen=True, slots=True)
class Door:
    """The admin port: its address, and who lets in."""

    url: str
    guard: Guard

    def link(self) -> str:
        """The address with a code that opens it for one browser."""
        return f"{self.url}/login?code={self.guard.code()}"


def admin_token(settings: Settings) -> str:
    """What changing something on the admin port wants: as it was given, else made once in the state directory."""
    given = read_secret("LGSP_ADMIN_TOKEN", environment())
    made = lambda: secrets.token_urlsafe(32).encode()  # noqa: E731 - one line, used once
    return given or keep_secret(settings.state / ADMIN_FILE, made).decode().strip()


@asynccontextmanager
async def door_of(
    settings: Settings,
    process: ProcessMetrics,
    problems: Callable[[], list[str]],
    notes: Callable[[], list[str]],
    clock: Clock,
    routes: Iterable[RouteDef] = (),
) -> AsyncIterator[Door]:
    """The admin port of this process, listening. `routes` are what stands there besides metrics and health."""
    guard = Guard(admin_token(settings), clock.now, loopback=settings.admin.is_loopback)
    always = ["open: plain listening beyond loopback was allowed"] if settings.open else []
    made = Admin(
        process.hold,
        CONTENT_TYPE,
        problems,
        lambda: always + notes(),
        loopback=settings.admin.is_loopback,
        guard=guard,
        routes=routes,
    )
    port = await made.start(settings.admin.host, settings.admin.port)
    try:
        yield Door(f"http://{settings.admin.host}:{port}", guard)
    finally:
        await made.stop()
