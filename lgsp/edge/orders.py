"""Where faults are ordered: added, listed, ended; and told to every process as long as they last.

The list is this process's own. It goes with the process: no fault outlives the one who can end it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from lgsp.clock import Clock
from lgsp.edge.admin import role_of
from lgsp.errors import LedgerUnavailable, MalformedRequest, SettingsError
from lgsp.fault import AT_MOST, DEFAULT_SECONDS, Fault, Kind, as_data, check, of_data, write_order
from lgsp.ledger.events import OPERATOR

log = structlog.get_logger()
PATH = "/lgsp/v1/faults"
EVERY = 1.0
FILE = "faults.jsonl"
"""What was injected when: the ground truth against which a drill is scored."""
Tell = Callable[[bytes], Awaitable[None]]
Note = Callable[[str, str, str, Mapping[str, Any]], Awaitable[object]]
"""Notes who did what to which, and its particulars: see `lgsp.ledger.events.Events`."""
Fill = Callable[[str, float], Awaitable[None]]


@dataclass(slots=True)
class Orders:
    """Keeps the faults that were ordered here. `services` are the ones that exist; `fill` fills a queue."""

    name: str
    clock: Clock
    tell: Tell
    fill: Fill
    services: Callable[[], Collection[str]]
    file: Path
    note: Note
    _faults: dict[str, Fault]
    _count: int = 0

    @classmethod
    def of(
        cls,
        name: str,
        clock: Clock,
        tell: Tell,
        fill: Fill,
        services: Callable[[], Collection[str]],
        file: Path,
        note: Note,
    ) -> Orders:
        """None yet."""
        return cls(name, clock, tell, fill, services, file, note, {})

    def __repr__(self) -> str:
        return f"<Orders of {self.name}, {len(self._faults)} faults>"

    def faults(self) -> list[Fault]:
        """What has not ended, the next to begin first."""
        now = self.clock.now()
        return sorted((f for f in self._faults.values() if now < f.end), key=lambda fault: (fault.start, fault.id))

    async def add(self, fault: Fault, who: str = OPERATOR) -> Fault:
        """Take a fault, named here, and tell of it. Raises `SettingsError` where it makes no sense."""
        if fault.service not in self.services():
            raise SettingsError(f"there is no service {fault.service!r}: see `lgsp services ls`")
        if len(self.faults()) >= AT_MOST:
            raise SettingsError(f"{AT_MOST} faults are under way already: end some with `lgsp fault clear`")
        self._count += 1
        taken = check(replace(fault, id=f"{self.name}-{int(self.clock.now() * 1000):x}-{self._count}"))
        self._faults[taken.id] = taken
        self._note("start", taken)
        await self._say()
        await self._account(who, "fault.add", taken)
        return taken

    async def remove(self, name: str, who: str = OPERATOR) -> bool:
        """End one fault now; false when there is none of that name."""
        fault = self._faults.pop(name, None)
        if fault is None:
            return False
        self._note("end", fault)
        await self._say()
        await self._account(who, "fault.rm", fault)
        return True

    async def clear(self, who: str = OPERATOR) -> int:
        """End all of them; how many that was."""
        ended = self.faults()
        for fault in ended:
            del self._faults[fault.id]
            self._note("end", fault)
        await self._say()
        for fault in ended:
            await self._account(who, "fault.rm", fault)
        return len(ended)

    async def run(self) -> None:
        """Tell of what is under way once a second, and note what has ended, until cancelled."""
        while True:
            await self.clock.sleep(EVERY)
            now = self.clock.now()
            for fault in [fault for fault in self._faults.values() if now >= fault.end]:
                del self._faults[fault.id]
                self._note("end", fault)
            await self._say()
            for fault in self.faults():
                if fault.kind is Kind.QUEUE_FULL and fault.is_active(now):
                    await self.fill(fault.service, min(fault.end - now, 60.0))

    async def _say(self) -> None:
        await self.tell(write_order(self.name, self.faults()))

    async def _account(self, who: str, what: str, fault: Fault) -> None:
        """Have it stand in the ledger; an order is given all the same where that takes nothing at the moment."""
        try:
            await self.note(who, what, fault.id, as_data(fault))
        except LedgerUnavailable as error:
            log.warning("order not in the ledger", what=what, name=fault.id, why=str(error))

    def _note(self, what: str, fault: Fault) -> None:
        at = fault.start if what == "start" else min(self.clock.now(), fault.end)
        log.info("fault", what=what, kind=str(fault.kind), service=fault.service, name=fault.id, drill=fault.drill)
        line = json.dumps({"at": at, "what": what} | as_data(fault), ensure_ascii=False)
        try:
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write(line + "\n")
        except OSError as error:
            log.warning("fault not noted", file=str(self.file), why=error.strerror)

    # Over HTTP

    def routes(self) -> list[web.RouteDef]:
        """The admin port's paths."""
        return [
            web.get(PATH, self._list),
            web.post(PATH, self._post),
            web.delete(PATH, self._delete_all),
            web.delete(PATH + "/{name}", self._delete),
        ]

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response([as_data(fault) for fault in self.faults()])

    async def _post(self, http: web.Request) -> web.Response:
        try:
            fault = await self.add(self._ordered(await http.json()), role_of(http))
        except (SettingsError, MalformedRequest) as error:
            return web.json_response({"problem": str(error)}, status=400)
        except ValueError as error:
            return web.json_response({"problem": f"the body is not JSON: {error}"}, status=400)
        return web.json_response(as_data(fault), status=201)

    async def _delete(self, http: web.Request) -> web.Response:
        if not await self.remove(http.match_info["name"], role_of(http)):
            return web.json_response({"problem": f"no fault {http.match_info['name']!r} is under way"}, status=404)
        return web.json_response({"ended": 1})

    async def _delete_all(self, http: web.Request) -> web.Response:
        return web.json_response({"ended": await self.clear(role_of(http))})

    def _ordered(self, data: Any) -> Fault:  # noqa: ANN401 - JSON
        """The fault that a request orders: it begins `in` so many seconds and lasts `seconds`."""
        if not isinstance(data, dict):
            raise MalformedRequest("a fault is a JSON object")
        begin, long = data.get("in", 0), data.get("seconds", DEFAULT_SECONDS)
        if not all(isinstance(number, int | float) and number >= 0 for number in (begin, 0 if long is None else long)):
            raise MalformedRequest("`in` and `seconds` are numbers, 0 or more; `seconds` null is without an end")
        start = self.clock.now() + begin
        known = {key: value for key, value in data.items() if key not in {"in", "seconds"}}
        whole = {"value": 0.0, "how": "", "p": 1.0, "when": "*", "drill": "", "id": ""} | known
        try:
            return of_data(whole | {"start": start, "end": None if long is None else start + long})
        except MalformedRequest:
            raise MalformedRequest(
                "a fault has `service` and `kind` "
                f"({', '.join(Kind)}), and may have value, how, p, when, drill, in and seconds"
            ) from None
