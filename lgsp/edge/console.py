"""The console: one screen that says how the services do, live; the page, its stream, its twins, and the drawer's depth."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.edge.admin import is_at_least
from lgsp.edge.assets import HEADERS, WITH_FORMS, answer, content
from lgsp.edge.days import read_days
from lgsp.edge.guard import Role
from lgsp.edge.phrases import LANGUAGES, Language, phrases, speaks
from lgsp.edge.scene import Now, Scene, failure_data
from lgsp.edge.stream import Stream, frame, last_seen
from lgsp.errors import LedgerDamaged, SettingsError
from lgsp.fault import DEFAULTS, Kind
from lgsp.ledger.reader import Reader

log = structlog.get_logger()
PATH = "/lgsp/v1/console"
_HEARTBEAT = 10.0
_STUCK = 30.0
_DAYS_EVERY = 30
_ASSETS = {
    "console.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
    "dom.js": "text/javascript; charset=utf-8",
    "drawer.js": "text/javascript; charset=utf-8",
    "faults.js": "text/javascript; charset=utf-8",
    "feed.js": "text/javascript; charset=utf-8",
    "find.js": "text/javascript; charset=utf-8",
    "head.js": "text/javascript; charset=utf-8",
    "map.js": "text/javascript; charset=utf-8",
    "numbers.js": "text/javascript; charset=utf-8",
    "table.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class Console:
    """What the admin port shows of a scene. `run` makes one second for all browsers; `state` is where a past may lie.

    `calm`: there is a page of exchanges, to which it leads.
    """

    def __init__(
        self,
        scene: Scene,
        reader: Reader,
        state: Path,
        clock: Clock,
        count: Callable[[int], None],
        *,
        calm: bool = False,
    ) -> None:
        self._scene = scene
        self._reader = reader
        self._state = state
        self._clock = clock
        self._stream = Stream(count)
        shipped = files("lgsp.edge") / "console"
        self._page = (shipped / "console.html").read_text(encoding="utf-8")
        self._assets = {
            name: content((shipped / name).read_bytes(), content_type) for name, content_type in _ASSETS.items()
        }
        self._pages = {language: content(_written(self._page, language, calm=calm), _HTML) for language in LANGUAGES}

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: whoever watches sees the new services with the next second."""
        inner = self._scene.prepare(new)

        def commit() -> None:
            inner()
            self._scene.compose()
            self._stream.all_anew()

        return commit

    async def run(self) -> None:
        """A second after the other until cancelled; then every browser is let go."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_back())
            try:
                today = self._today()
                while True:
                    await self._clock.sleep(1 - self._clock.now() % 1)
                    before, today = today, self._today()
                    self._scene.pulse.turn(before != today)
                    if len(self._stream):
                        self._stream.put(_frames(self._scene.compose(), self._scene))
            finally:
                self._stream.end()

    def _today(self) -> str:
        zone = ZoneInfo(self._scene.zone)
        return datetime.fromtimestamp(self._clock.now(), UTC).astimezone(zone).date().isoformat()

    async def _look_back(self) -> None:
        """Read the last weeks now and then: a past may be told while the gateway runs."""
        while True:
            zone = ZoneInfo(self._scene.zone)
            try:
                days = await asyncio.to_thread(read_days, self._state, self._reader, zone, self._clock.now())
                if days != self._scene.days:
                    self._scene.days = days
                    self._stream.all_anew()
            except (LedgerDamaged, SettingsError) as error:
                log.warning("no days for the console", why=str(error))
            await self._clock.sleep(_DAYS_EVERY)

    def routes(self) -> list[web.RouteDef]:
        """The admin port's paths."""
        return [
            web.get("/", self._show),
            web.get(f"{PATH}/events", self._events, allow_head=False),
            web.get(f"{PATH}/services/{{service}}", self._service),
            web.get(f"{PATH}/me", self._me),
            web.get("/console/{name}", self._asset),
        ]

    async def _show(self, http: web.Request) -> web.StreamResponse:
        wanted = http.query.get("format", "html")
        if wanted in {"json", "csv"}:
            self._scene.look()
        if wanted == "json":
            return web.json_response(self._scene.as_json(), headers=_FRESH, dumps=_json)
        if wanted == "csv":
            return web.Response(text=self._scene.as_csv(), content_type="text/csv", charset="utf-8", headers=_FRESH)
        if wanted != "html":
            return web.Response(status=400, text=f"format={wanted}: there are html, json and csv\n")
        language = speaks(http.query.get("lang", ""), http.headers.get("Accept-Language", ""))
        return answer(http, self._pages[language], {**WITH_FORMS, "Vary": "Accept-Language"})

    async def _asset(self, http: web.Request) -> web.StreamResponse:
        asset = self._assets.get(http.match_info["name"])
        if asset is None:
            return web.Response(status=404, text="no such file\n")
        return answer(http, asset)

    async def _me(self, http: web.Request) -> web.StreamResponse:
        kinds = [{"kind": kind, "value": DEFAULTS.get(kind)} for kind in Kind]
        return web.json_response({"admin": is_at_least(http, Role.OPERATOR), "kinds": kinds}, headers=_FRESH)

    async def _service(self, http: web.Request) -> web.StreamResponse:
        service, pulse = http.match_info["service"], self._scene.pulse
        if service not in self._scene.catalogue:
            return web.json_response({"problem": f"there is no service {service!r}"}, status=404, headers=_FRESH)
        told = {
            "service": service,
            "at": self._clock.now(),
            "hour": [list(second) for second in pulse.hour(service)],
            "spread": list(pulse.spread(service).items()),
            "slowest": [asdict(slow) for slow in pulse.slowest(service)],
            "failures": [failure_data(each) for each in pulse.failures if each.service == service],
        }
        return web.json_response(told, headers=_FRESH, dumps=_json)

    async def _events(self, http: web.Request) -> web.StreamResponse:
        watcher = self._stream.join()
        if watcher is None:
            return web.Response(status=503, headers={"Retry-After": "10"}, text="enough consoles are open already\n")
        seen = last_seen(http.headers.get("Last-Event-ID", "") or http.query.get("seen", ""))

        def snapshot() -> bytes:
            nonlocal seen
            self._scene.look()
            number = self._scene.now.sequence
            missed = None if seen is None else max(number - seen, 0)
            seen = None
            return frame("snapshot", self._scene.snapshot(missed), number)

        response = web.StreamResponse(headers={**_FRESH, "Content-Type": "text/event-stream; charset=utf-8"})
        try:
            await response.prepare(http)
            await response.write(b"retry: 2000\n\n")
            while data := await watcher.next(snapshot, _HEARTBEAT):
                async with asyncio.timeout(_STUCK):
                    await response.write(data)
        except (ConnectionError, TimeoutError):
            pass  # the browser went away, or reads nothing: it comes back by itself
        finally:
            self._stream.leave(watcher)
        return response


_HTML = "text/html; charset=utf-8"
_FRESH: Mapping[str, str] = {**HEADERS, "Cache-Control": "no-store"}


def _frames(now: Now, scene: Scene) -> bytes:
    """A second's events in one piece."""
    told = frame("tick", scene.tick(), now.sequence)
    if now.failures:
        told += frame("failure", [failure_data(each) for each in now.failures], now.sequence)
    return told + (frame("alert", now.changes, now.sequence) if now.changes else b"")


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False)


def _written(page: str, language: Language, *, calm: bool) -> bytes:
    """The page in a language: `{{name}}` stands for a phrase, `{{*}}` for all of them as JSON."""
    said = phrases(language)
    link = '<a href="/exchanges?lang={{lang}}">{{exchanges}}</a>' if calm else ""
    page = page.replace("[[exchanges]]", link).replace("{{*}}", html.escape(json.dumps(said, ensure_ascii=False)))
    for name, text in said.items():
        page = page.replace("{{" + name + "}}", html.escape(text))
    return page.encode()
