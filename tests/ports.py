"""An admin port with some routes, as a test wants one: on loopback, for an admin's token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from lgsp.clock import Clock, ManualClock
from lgsp.edge.admin import Admin, RouteDef
from lgsp.edge.audit import Audit
from lgsp.edge.guard import Guard, Role

TOKEN = "made-up-token"


@asynccontextmanager
async def an_admin_port(
    routes: Iterable[RouteDef], clock: Clock | None = None, guard: Guard | None = None
) -> AsyncIterator[str]:
    """Its address. Its pages of health have nothing to say; without a `guard` an admin's token is `TOKEN`."""
    clock = clock or ManualClock()
    guard = guard or Guard({Role.ADMIN: TOKEN}, clock.now, loopback=True)
    admin = Admin(
        lambda: bytes, "text/plain", list, list, loopback=True, guard=guard, audit=Audit(clock), routes=routes
    )
    try:
        yield f"http://127.0.0.1:{await admin.start('127.0.0.1', 0)}"
    finally:
        await admin.stop()
