from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from lgsp.clock import ManualClock
from lgsp.monitoring.finding import Sentence
from lgsp.monitoring.tour import Counted, blame, budget, one_number, tour, traffic, trouble


def english(sentence: Sentence | None) -> str:
    if sentence is None:
        return ""
    return "".join(
        f"{text}{value}" for text, value in zip(sentence.text.split("{}"), [*sentence.values, ""], strict=True)
    )


def a_line(service: str, calls: int = 0, failed: int = 0, outcome: str | None = None, **more: Any) -> dict[str, Any]:
    outcomes = {} if outcome is None else {outcome: failed}
    line = {"service": service, "calls": calls, "failed": failed, "blamed": outcome, "outcomes": outcomes}
    return line | {"state": "well", "objective": 0.97, "last_official": 0.0, "year": 0} | more


def a_twin(*lines: dict[str, Any], bus_error: int = 0, sli: float | None = 0.5) -> dict[str, Any]:
    return {"year": {"all": 700, "bus_error": bus_error}, "rate": 60.0, "sli": sli, "services": list(lines)}


@dataclass
class Bus:
    """A made-up one: a service that is out while it is hit, and answers `slow` seconds after it was healed."""

    clock: ManualClock
    slow: float = 3.0
    counts: list[Counted] = field(default_factory=lambda: [Counted(7, 7, 7)])
    is_hit: bool = False
    healed: float = 0.0
    lines: list[str] = field(default_factory=list)
    breaks: bool = False

    async def look(self) -> dict[str, Any]:
        if self.is_hit and self.breaks:
            raise OSError("gone")
        if self.is_hit:
            return a_twin(a_line("svc", 40, 20, "unreachable", state="burning"), a_line("other"))
        answers = self.clock.now() >= self.healed + self.slow
        return a_twin(a_line("other"), a_line("svc", last_official=self.clock.now() if answers else 0.0))

    async def hit(self, service: str, seconds: float) -> None:
        assert (service, seconds) == ("svc", 90.0)
        self.is_hit = True

    async def heal(self) -> None:
        self.is_hit = False
        self.healed = self.clock.now()

    async def counted(self, service: str) -> Counted:
        assert service == "svc"
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]


async def taken(bus: Bus) -> bool:
    async with asyncio.TaskGroup() as tasks:
        going = tasks.create_task(tour(bus, "svc", bus.clock, 90.0, lambda s: bus.lines.append(english(s))))
        while not going.done():
            await bus.clock.advance(0.5)
    return going.result()


async def test_a_tour_tells_each_step_in_its_order_and_within_its_time() -> None:
    bus = Bus(ManualClock())
    start = bus.clock.now()
    assert await taken(bus)
    assert bus.lines == [
        "700 calls so far, 60.0 a second, to 2 services; SLI 50.00 %",
        "now the provider of svc goes away",
        "the console puts svc at place 1: burning, 20 of 40 calls failed",
        "whose fault: the provider's, 20 calls were unreachable; the bus itself lost 0",
        "of 100 calls 3 may fail, 50 do: a month's error budget lasts 43.2 h at this pace",
        "after 36 s its provider is back",
        "svc answers again, 3 s later",
        "svc since 1 January: 7 in the ledger's rows, in /metrics and on the console",
    ]
    assert bus.clock.now() - start < 90


async def test_numbers_that_move_while_they_are_read_are_read_again() -> None:
    bus = Bus(ManualClock(), counts=[Counted(7, 8, 7), Counted(9, 8, 8), Counted(9, 9, 9)])
    assert await taken(bus)
    assert bus.lines[-1].startswith("svc since 1 January: 9 in")


async def test_numbers_that_never_agree_are_a_finding() -> None:
    bus = Bus(ManualClock(), counts=[Counted(6, 7, 7)])
    assert not await taken(bus)
    assert bus.lines[-1] == "svc since 1 January: 6 in the ledger's rows, 7 in /metrics, 7 on the console"


async def test_a_service_that_does_not_come_back_is_a_finding() -> None:
    bus = Bus(ManualClock(), slow=1_000)
    assert not await taken(bus)
    assert bus.lines[-2].startswith("svc did not answer again within 30")


async def test_the_outage_ends_when_the_tour_breaks_off() -> None:
    bus = Bus(ManualClock(), breaks=True)
    with pytest.raises(ExceptionGroup) as raised:
        await taken(bus)
    assert [str(each) for each in raised.value.exceptions] == ["gone"]
    assert (bus.is_hit, bus.healed > 0) == (False, True)


def test_what_did_not_happen_is_not_told() -> None:
    twin = a_twin(a_line("svc", 10))
    assert (trouble(twin, "svc"), blame(twin, "svc"), budget(twin, "svc")) == (None, None, None)
    assert english(traffic(a_twin(a_line("svc"), sli=None))).endswith("SLI - %")


def test_the_bus_is_blamed_for_its_own() -> None:
    twin = a_twin(a_line("svc", 10, 4, "bus_error"), bus_error=4)
    assert english(blame(twin, "svc")) == "whose fault: the bus's own, 4 calls were bus_error"


def test_one_number_is_one() -> None:
    assert Counted(1, 1, 1).agree
    assert not any(each.agree for each in (Counted(1, 1, 2), Counted(1, 2, 1), Counted(2, 1, 1)))
    assert english(one_number("svc", Counted(0, 0, 0))).startswith("svc since 1 January: 0 in")
