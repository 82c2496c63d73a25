from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from builders import a_service
from ledgers import a_ledger, asked
from ports import an_admin_port

from lgsp.catalogue.service import Catalogue
from lgsp.clock import ManualClock
from lgsp.edge.console import PATH, Console
from lgsp.edge.glance import State
from lgsp.edge.guard import COOKIE, Guard, Role
from lgsp.edge.scene import FIELDS, Place, Scene
from lgsp.edge.stream import AT_MOST
from lgsp.fault import Fault, Kind
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Outcome, Transaction
from lgsp.taps.pulse import Pulse

START = 1_684_886_400.5
"""Half a second after a full one, so that a second has one end only."""


@dataclass
class Stage:
    """A console on an admin port, with a clock that the test moves and an account that it fills."""

    clock: ManualClock
    ledger: SqliteLedger
    pulse: Pulse
    console: Console
    faults_now: list[Fault] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    clients: list[int] = field(default_factory=list)
    guard: Guard | None = None
    url: str = ""
    session: aiohttp.ClientSession | None = None

    def faults(self) -> list[Fault]:
        return self.faults_now

    async def ended(self, outcome: Outcome = Outcome.OK, service: str = "svc", number: int = 1) -> None:
        for _ in range(number):
            request = asked(service=service, consumer="tester")
            await self.ledger.open(request)
            transaction = Transaction(request, None, outcome, "", self.clock.now() - 0.1, 0.1)
            await self.ledger.close(transaction)
            self.pulse.saw(transaction)

    def get(self, path: str, **headers: str) -> Any:
        assert self.session
        return self.session.get(f"{self.url}{path}", headers=headers)


@asynccontextmanager
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = ManualClock(START)
    async with (
        a_ledger(tmp_path, clock, zone="Asia/Ho_Chi_Minh") as ledger,
        asyncio.TaskGroup() as tasks,
        AsyncExitStack() as stack,
    ):
        pulse = Pulse(clock)
        made = Stage(clock, ledger, pulse, None)  # type: ignore[arg-type]  # comes with the next lines
        place = Place("gw1", "http://gw", "memory", "1", lambda: {"tester": "Kiểm thử"})
        services = [a_service("svc", objective=0.9), a_service("other", mode="disabled")]
        scene = Scene(place, services, ledger, pulse, made, lambda: made.problems, clock)
        made.console = Console(scene, Reader(Files(tmp_path, "gw1")), tmp_path, clock, made.clients.append)
        made.guard = Guard({Role.ADMIN: "made-up-token"}, clock.now, loopback=True)
        made.url = await stack.enter_async_context(an_admin_port(made.console.routes(), clock, made.guard))
        runs = tasks.create_task(made.console.run())
        async with asyncio.timeout(10):
            while scene.days is None:  # noqa: ASYNC110 - read in a thread, once the console runs
                await asyncio.sleep(0)
        async with aiohttp.ClientSession() as made.session:
            yield made
            runs.cancel()


class Events:
    """The events of one stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._lines = response.content

    async def next(self) -> tuple[str, int, Any]:
        """The next event: its name, its id, its data. Comments and the wait before trying again are passed over."""
        told: dict[str, str] = {}
        while line := (await self._lines.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            told[name] = value
        return (told["event"], int(told["id"]), json.loads(told["data"])) if "event" in told else await self.next()


def rows(data: Any) -> dict[str, dict[str, Any]]:
    return {row[0]: dict(zip(FIELDS, row, strict=True)) for row in data["rows"]}


async def test_who_comes_gets_everything_and_then_each_second(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await made.ended(number=3)
        await made.clock.advance(1)
        async with made.get(f"{PATH}/events") as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            events = Events(response)
            name, _, everything = await events.next()
            assert name == "snapshot"
            assert everything["place"]["gateway"] == "gw1"
            assert everything["services"]["svc"]["objective"] == 0.9
            assert everything["consumers"] == {"tester": "Kiểm thử"}
            assert everything["missed"] is None
            assert rows(everything)["svc"]["year"] == 3
            assert made.clients == [1]
            await made.clock.advance(1)
            name, _, second = await events.next()
            assert name == "tick"
            assert rows(second)["svc"]["calls"] == 3
            assert second["head"]["second"] == [[0, 0]]
            assert second["head"]["rate"] == 0.3
            assert second["head"]["callers"] == [["tester", 0.3]]
            assert rows(second)["other"]["state"] == State.OFF


async def test_failures_and_changes_of_state_are_events_of_their_second(tmp_path: Path) -> None:
    async with stage(tmp_path) as made, made.get(f"{PATH}/events") as response:
        events = Events(response)
        await events.next()
        await made.ended(Outcome.TIMEOUT, number=3)
        await made.clock.advance(1)
        assert (await events.next())[0] == "tick"
        name, _, failures = await events.next()
        assert name == "failure"
        assert [(each["number"], each["outcome"], each["segment"]) for each in failures] == [
            (number, "timeout", "provider") for number in (1, 2, 3)
        ]
        name, _, changes = await events.next()
        assert (name, changes[0]["service"], changes[0]["was"], changes[0]["state"]) == (
            "alert",
            "svc",
            "quiet",
            "down",
        )
        await made.clock.advance(1)
        assert (await events.next())[0] == "tick"
        await made.clock.advance(1)
        assert (await events.next())[0] == "tick"


async def test_who_comes_back_is_told_how_much_was_missed(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await made.ended(number=5)
        await made.ledger.flush()
        await made.clock.advance(1)
        for how in ({"path": f"{PATH}/events", "Last-Event-ID": "2"}, {"path": f"{PATH}/events?seen=2"}):
            async with made.get(**how) as response:  # type: ignore[arg-type]  # a path and headers
                name, number, everything = await Events(response).next()
                assert (name, number, everything["missed"]) == ("snapshot", 5, 3)


async def test_all_browsers_are_let_go_at_the_end_and_more_than_enough_are_not_let_in(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        opened = [await made.get(f"{PATH}/events") for _ in range(AT_MOST)]
        async with made.get(f"{PATH}/events") as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "10")
        assert made.clients[-1] == AT_MOST
    for response in opened:
        response.close()
    assert made.clients[-1] == 0


async def test_a_new_service_is_there_with_the_next_word(tmp_path: Path) -> None:
    async with stage(tmp_path) as made, made.get(f"{PATH}/events") as response:
        events = Events(response)
        assert len((await events.next())[2]["rows"]) == 2
        services = [a_service("svc"), a_service("other"), a_service("new")]
        made.console.prepare(Catalogue({service.id: service for service in services}))()
        name, _, everything = await events.next()
        assert name == "snapshot"
        assert set(rows(everything)) == set(everything["services"]) == {"svc", "other", "new"}


async def test_the_twins_say_the_same_in_words(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await made.ended(number=17)
        await made.ended(Outcome.REJECTED, number=2)
        await made.ended(Outcome.BUS_ERROR)
        made.faults_now = [Fault("f", "svc", Kind.OUTAGE, START, START + 60)]
        made.problems = ["no broker"]
        await made.clock.advance(1)
        async with made.get("/?format=json") as response:
            told = await response.json()
        assert told["today"] == told["year"] == {"all": 20, "official": 17, "bus_error": 1}
        assert told["problems"] == ["no broker"]
        service = told["services"][0]
        assert (service["service"], service["year"], service["calls"], service["failed"]) == ("svc", 20, 18, 1)
        assert service["sli"] == pytest.approx(1 - 1 / 18, abs=1e-6)
        assert service["left"] == pytest.approx(1 - 1 / 18 / 0.1, abs=1e-4)
        assert service["outcomes"]["rejected"] == 2
        assert [fault["kind"] for fault in told["faults"]] == ["outage"]
        async with made.get("/?format=csv") as response:
            assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
            lines = (await response.text()).splitlines()
        assert lines[0] == ",".join([*FIELDS, "objective"])
        assert lines[1].startswith("svc,few,2.0,2.0,0.944444,0.4444,")
        async with made.get("/?format=xml") as response:
            assert response.status == 400


@pytest.mark.parametrize(
    ("path", "accept", "language"), [("/", "en", "en"), ("/", "vi", "vi"), ("/?lang=en", "vi", "en"), ("/", "", "vi")]
)
async def test_the_page_is_whole_in_its_language_and_shut_tight(
    tmp_path: Path, path: str, accept: str, language: str
) -> None:
    async with stage(tmp_path) as made, made.get(path, **{"Accept-Language": accept}) as response:
        text = await response.text()
        assert f'<html lang="{language}">' in text
        assert "{{" not in text
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "style=" not in text
        assert "<script>" not in text
        assert response.headers["Vary"] == "Accept-Language"


async def test_every_file_that_a_page_or_script_names_is_there(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        names = list(made.console._assets)
        texts = []
        for name in names:
            async with made.get(f"/console/{name}") as response:
                assert response.status == 200, name
                texts.append(await response.text())
            tag = response.headers["ETag"]
            async with made.get(f"/console/{name}", **{"If-None-Match": tag}) as response:
                assert response.status == 304
        imported = {
            line.partition('from "./')[2].rstrip('";')
            for text in texts
            for line in text.splitlines()
            if 'from "./' in line
        }
        assert imported <= set(names)
        async with made.get("/console/..%2fconsole.py") as response:
            assert response.status == 404


async def test_the_drawer_has_the_hour_of_one_service(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await made.ended(number=4)
        await made.ended(Outcome.UNREACHABLE)
        await made.clock.advance(1)
        async with made.get(f"{PATH}/services/svc") as response:
            told = await response.json()
        [[_, counted, bad, p95]] = told["hour"]
        assert (counted, bad) == (5, 1)
        assert p95 == pytest.approx(0.1, rel=0.063)
        assert told["spread"] == [[0.128, 4]]
        assert [each["outcome"] for each in told["failures"]] == ["unreachable"]
        assert len(told["slowest"]) == 5
        async with made.get(f"{PATH}/services/nobody") as response:
            assert response.status == 404


async def test_a_browser_learns_whether_it_may_change_something(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        assert made.guard
        session = made.guard.redeem(made.guard.code())
        own, cookie = made.url, f"{COOKIE}={session}"
        for headers, may in (
            ({}, False),
            ({"Authorization": "Bearer made-up-token"}, True),
            ({"Cookie": cookie}, True),
            ({"Cookie": cookie, "Origin": own}, True),
            ({"Cookie": cookie, "Origin": "http://127.0.0.1:9"}, False),
            ({"Cookie": cookie, "Origin": "http://localhost:3000"}, False),
        ):
            async with made.get(f"{PATH}/me", **headers) as response:
                told = await response.json()
            assert told["admin"] is may, headers
        assert [each["kind"] for each in told["kinds"]] == list(Kind)
