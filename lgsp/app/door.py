"""The admin port of a process, and who may use it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from lgsp.clock import Clock
from lgsp.edge.admin import Admin, RouteDef
from lgsp.edge.audit import Audit
from lgsp.edge.guard import Guard, Role
from lgsp.edge.probes import Lookout, Probes
from lgsp.settings import Settings, environment, keep_secret, read_secret
from lgsp.taps.metrics import CONTENT_TYPE, ProcessMetrics

log = structlog.get_logger()
ADMIN_FILE = "secrets/admin-token"


@dataclass(frozen=True, slots=True)
class Door:
    """The admin port: its address, and who lets in."""

    url: str
    guard: Guard

    def link(self) -> str:
        """The address with a code that opens it for one browser."""
        return f"{self.url}/login?code={self.guard.code()}"


def tokens_of(settings: Settings) -> dict[Role, str]:
    """The token of each role on the admin port: as it was given, else made once in the state directory."""
    return {role: _token(settings, role) for role in Role}


def _token(settings: Settings, role: Role) -> str:
    given = read_secret(f"LGSP_{role.name}_TOKEN", environment())
    file = settings.state / "secrets" / f"{role.word}-token"
    return given or keep_secret(file, lambda: secrets.token_urlsafe(32).encode()).decode().strip()


@asynccontextmanager
async def door_of(
    settings: Settings,
    process: ProcessMetrics,
    problems: Callable[[], list[str]],
    notes: Callable[[], list[str]],
    clock: Clock,
    audit: Audit,
    routes: Iterable[RouteDef] = (),
) -> AsyncIterator[Door]:
    """The admin port of this process, listening, and the port for metrics alone where the settings want one.

    `audit` is told of who was not let in; `routes` are what stands on the admin port besides metrics and health.
    """
    guard = Guard(tokens_of(settings), clock.now, loopback=settings.admin.is_loopback)
    always = ["open: plain listening beyond loopback was allowed"] if settings.open else []
    shown = (process.hold, CONTENT_TYPE, problems, lambda: always + notes())
    made = Admin(*shown, loopback=settings.admin.is_loopback, guard=guard, audit=audit, routes=routes)
    port = await made.start(settings.admin.host, settings.admin.port)
    try:
        async with _lookout_of(settings, Probes(*shown)):
            yield Door(f"http://{settings.admin.host}:{port}", guard)
    finally:
        await made.stop()


@asynccontextmanager
async def _lookout_of(settings: Settings, probes: Probes) -> AsyncIterator[None]:
    where = settings.metrics
    if where is None:
        yield
        return
    made = Lookout(probes, loopback=where.is_loopback)
    port = await made.start(where.host, where.port)
    log.info("metrics stand alone too", metrics=f"http://{replace(where, port=port)}")
    try:
        yield
    finally:
        await made.stop()
