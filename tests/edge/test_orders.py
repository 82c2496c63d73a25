from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from lgsp.clock import ManualClock
from lgsp.edge.orders import FILE, PATH, Orders
from lgsp.errors import LedgerUnavailable, SettingsError
from lgsp.fault import Fault, Kind, read_order


@dataclass
class Stage:
    """Orders with a clock that the test moves, what they told, and which queues they filled."""

    directory: Path
    clock: ManualClock = field(default_factory=ManualClock)
    told: list[list[str]] = field(default_factory=list)
    filled: list[tuple[str, float]] = field(default_factory=list)
    accounted: list[tuple[str, str, str]] = field(default_factory=list)
    full: bool = False

    def __post_init__(self) -> None:
        self.orders = Orders.of(
            "gw1", self.clock, self.tell, self.fill, lambda: ["population", "gis"], self.directory / FILE, self.note
        )

    async def tell(self, order: bytes) -> None:
        teller, faults = read_order(order)
        assert teller == "gw1"
        self.told.append([f"{fault.kind} {fault.service}" for fault in faults])

    async def note(self, who: str, what: str, subject: str, detail: Mapping[str, Any]) -> None:
        if self.full:
            raise LedgerUnavailable("no room")
        self.accounted.append((who, what, subject))
        assert detail["id"] == subject

    async def fill(self, service: str, seconds: float) -> None:
        self.filled.append((service, seconds))

    def fault(self, kind: Kind = Kind.OUTAGE, *, seconds: float = 60.0, begin: float = 0.0, **fields: Any) -> Fault:
        start = self.clock.now() + begin
        return Fault(
            **({"id": "", "service": "population", "kind": kind, "start": start, "end": start + seconds} | fields)
        )

    def noted(self) -> list[tuple[str, str, float]]:
        start = ManualClock().now()
        lines = [json.loads(line) for line in (self.directory / FILE).read_text().splitlines()]
        return [(line["what"], line["kind"], line["at"] - start) for line in lines]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_a_fault_is_named_told_of_and_noted(stage: Stage) -> None:
    first = await stage.orders.add(stage.fault())
    second = await stage.orders.add(stage.fault(Kind.LATENCY, service="gis"))
    assert first.id != second.id
    assert [fault.value for fault in stage.orders.faults()] == [0.0, 2.0]
    assert stage.told == [["outage population"], ["outage population", "latency gis"]]
    assert stage.noted() == [("start", "outage", 0.0), ("start", "latency", 0.0)]


async def test_it_is_told_of_every_second_and_ends_by_itself(stage: Stage) -> None:
    await stage.orders.add(stage.fault(seconds=2.5))
    running = asyncio.ensure_future(stage.orders.run())  # noqa: TID251 - held by the test
    await stage.clock.advance(4.0)
    running.cancel()
    assert stage.told == [["outage population"]] * 3 + [[]] * 2
    assert stage.noted()[-1] == ("end", "outage", 2.5)
    assert stage.orders.faults() == []


async def test_one_or_all_can_be_ended(stage: Stage) -> None:
    first, *_ = [await stage.orders.add(stage.fault()) for _ in range(3)]
    assert await stage.orders.remove(first.id)
    assert not await stage.orders.remove(first.id)
    assert await stage.orders.clear() == 2
    assert (stage.orders.faults(), stage.told[-1]) == ([], [])
    assert [what for what, _, _ in stage.noted()] == ["start"] * 3 + ["end"] * 3


async def test_a_queue_is_kept_full_as_long_as_the_fault_lasts(stage: Stage) -> None:
    await stage.orders.add(stage.fault(Kind.QUEUE_FULL, seconds=3.0))
    running = asyncio.ensure_future(stage.orders.run())  # noqa: TID251 - held by the test
    await stage.clock.advance(6.0)
    running.cancel()
    assert stage.filled == [("population", pytest.approx(2.0)), ("population", pytest.approx(1.0))]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"service": "nobody"}, "no service 'nobody'"),
        ({"p": 2.0}, "not 200%"),
        ({"seconds": 0.0}, "ends after it has begun"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_told_to_nobody(
    stage: Stage, fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        await stage.orders.add(stage.fault(**fields))
    assert stage.told == []


async def test_a_list_that_cannot_be_written_stops_no_fault(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "there is no such directory")
    await stage.orders.add(stage.fault())
    assert stage.told == [["outage population"]]


@asynccontextmanager
async def over_http(stage: Stage) -> AsyncIterator[Any]:
    app = web.Application()
    app.router.add_routes(stage.orders.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

        async def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            async with session.request(method, path, data=data) as answer:
                return answer.status, await answer.json()

        yield ask
    await runner.cleanup()


async def test_over_http_a_fault_is_added_listed_and_ended(stage: Stage) -> None:
    async with over_http(stage) as ask:
        status, made = await ask(
            "POST", PATH, {"service": "gis", "kind": "error", "value": 503, "seconds": 30, "in": 5}
        )
        assert (status, made["service"], made["kind"], made["value"]) == (201, "gis", "error", 503)
        assert (made["start"] - stage.clock.now(), made["end"] - stage.clock.now()) == (5, 35)
        assert await ask("GET", PATH) == (200, [made])
        assert await ask("DELETE", f"{PATH}/{made['id']}") == (200, {"ended": 1})
        assert (await ask("DELETE", f"{PATH}/{made['id']}"))[0] == 404
        forever = (await ask("POST", PATH, {"service": "gis", "kind": "outage", "seconds": None}))[1]
        assert forever["end"] is None
        assert await ask("DELETE", PATH) == (200, {"ended": 1})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        [],
        {},
        {"service": "gis"},
        {"service": "gis", "kind": "earthquake"},
        {"service": "gis", "kind": "outage", "p": "all"},
        {"service": "gis", "kind": "outage", "seconds": -1},
        {"service": "gis", "kind": "outage", "in": "later"},
        {"service": 1, "kind": "outage"},
        {"service": "nobody", "kind": "outage"},
    ],
)
async def test_over_http_what_is_no_fault_is_one_sentence(stage: Stage, body: object) -> None:
    async with over_http(stage) as ask:
        status, told = await ask("POST", PATH, body)
    assert (status, list(told)) == (400, ["problem"])
    assert stage.orders.faults() == []


async def test_every_order_stands_in_the_ledger_and_is_given_where_that_takes_nothing(tmp_path: Path) -> None:
    made = Stage(tmp_path)
    first, second = await made.orders.add(made.fault()), await made.orders.add(made.fault(service="gis"))
    await made.orders.remove(first.id)
    await made.orders.clear()
    assert made.accounted == [
        ("operator", "fault.add", first.id),
        ("operator", "fault.add", second.id),
        ("operator", "fault.rm", first.id),
        ("operator", "fault.rm", second.id),
    ]
    made.full = True
    await made.orders.add(made.fault())
    assert len(made.orders.faults()) == 1
