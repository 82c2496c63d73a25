"""Recording, ordered over HTTP: begin, end, look, save what has just been."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from lgsp.clock import Clock
from lgsp.edge.admin import role_of
from lgsp.edge.orders import Note
from lgsp.errors import LedgerUnavailable, LgspError, SettingsError
from lgsp.taps.recorder import Recorder

log = structlog.get_logger()
PATH = "/lgsp/v1/recording"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


class Recordings:
    """The admin port's paths of one recorder. `note` is told who did what, where there is a ledger to hold it."""

    def __init__(self, recorder: Recorder, clock: Clock, retention_days: int, note: Note | None = None) -> None:
        self._recorder = recorder
        self._retention_days = retention_days
        self._note = note
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Looking is free as everywhere, the rest is an admin's."""
        return [
            web.get(PATH, self._status),
            web.post(f"{PATH}/start", self._start),
            web.post(f"{PATH}/stop", self._stop),
            web.post(f"{PATH}/save", self._save),
        ]

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response(self._recorder.status() | {"retention_days": self._retention_days})

    async def _start(self, http: web.Request) -> web.Response:
        return await self._ordered(http, lambda order: self._recorder.start(self._name(order)))

    async def _stop(self, http: web.Request) -> web.Response:
        return await self._ordered(http, lambda _: self._recorder.stop())

    async def _save(self, http: web.Request) -> web.Response:
        return await self._ordered(http, lambda order: self._recorder.save(self._name(order), _seconds(order)))

    async def _ordered(
        self, http: web.Request, do: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
    ) -> web.Response:
        try:
            order = await http.json() if http.can_read_body else {}
        except ValueError as error:
            return web.json_response({"problem": f"the body is not JSON: {error}"}, status=400)
        try:
            done = await do(order if isinstance(order, dict) else {})
            await self._account(role_of(http), http.path.rpartition("/")[2], Path(str(done.get("path", ""))).name)
            return web.json_response(done)
        except LgspError as error:
            return web.json_response({"problem": str(error)}, status=400)
        except OSError as error:
            return web.json_response({"problem": f"the capture cannot be written: {error.strerror}"}, status=503)

    async def _account(self, who: str, what: str, name: str) -> None:
        """Have it stand in the ledger, or in the log where there is none; it is done all the same where that takes nothing."""
        if self._note is None:
            log.info("recording", what=what, name=name, who=who)
            return
        try:
            await self._note(who, f"recording.{what}", name, {})
        except LedgerUnavailable as error:
            log.warning("recording not in the ledger", what=what, name=name, why=str(error))

    def _name(self, order: dict[str, Any]) -> str:
        name = order.get("name") or datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y%m%dT%H%M%S")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise SettingsError("the name of a capture holds letters, digits, dots and hyphens only")
        return name


def _seconds(order: dict[str, Any]) -> float:
    seconds = order.get("seconds", 600)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds <= 0:
        raise SettingsError("`seconds` is a number above 0")
    return float(seconds)
