from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from lgsp.clock import ManualClock
from lgsp.fault import Fault, Kind, write_order
from lgsp.runtime.faults import Faults
from lgsp.runtime.ward import Ward


@dataclass
class Stage:
    """A ward over two services, and what it did."""

    clock: ManualClock = field(default_factory=ManualClock)
    did: list[tuple[str, bool]] = field(default_factory=list)
    active: Collection[tuple[str, str]] = ()
    crashes: int = 0

    def __post_init__(self) -> None:
        self.ward = Ward(Faults(1), self, self.clock, self, lambda: ["a", "b"], self.crash, self.clock.now())

    async def rest(self, service: str, *, resting: bool) -> None:
        self.did.append((service, resting))

    async def fill(self, service: str, seconds: float) -> None:
        raise AssertionError(f"a ward fills nothing, and not {service} for {seconds} s")

    def faults(self, active: Collection[tuple[str, str]]) -> None:
        self.active = active

    def crash(self) -> None:
        self.crashes += 1

    async def hear(self, *faults: Fault) -> None:
        self.ward.heard(write_order("gw1", faults))
        await self.ward.tend()

    def fault(self, kind: Kind, service: str = "a", *, begin: float = 0.0, seconds: float = 10.0) -> Fault:
        start = self.clock.now() + begin
        return Fault(f"{kind}-{service}", service, kind, start, start + seconds)


@pytest.mark.parametrize("kind", [Kind.STOP_CONSUMING, Kind.QUEUE_FULL])
async def test_a_service_rests_once_and_comes_back_once(kind: Kind) -> None:
    stage = Stage()
    await stage.hear(stage.fault(kind))
    await stage.ward.tend()
    assert stage.did == [("a", True)]
    assert set(stage.active) == {("a", str(kind))}
    await stage.clock.advance(10)
    await stage.ward.tend()
    await stage.ward.tend()
    assert stage.did == [("a", True), ("a", False)]
    assert set(stage.active) == set()


async def test_a_teller_that_falls_silent_takes_its_faults_along() -> None:
    stage = Stage()
    await stage.hear(stage.fault(Kind.STOP_CONSUMING, "b", seconds=3600))
    await stage.clock.advance(15)
    await stage.ward.tend()
    assert stage.did == [("b", True)]
    await stage.clock.advance(1)
    await stage.ward.tend()
    assert stage.did == [("b", True), ("b", False)]


async def test_a_crash_hits_who_was_there_when_it_began_and_serves_the_service() -> None:
    stage = Stage()
    await stage.hear(stage.fault(Kind.CONNECTOR_CRASH, "elsewhere"))
    assert stage.crashes == 0
    await stage.hear(stage.fault(Kind.CONNECTOR_CRASH, "a"))
    assert stage.crashes == 1
    again = Stage()  # started after the fault began: it was crashed once
    await again.hear(again.fault(Kind.CONNECTOR_CRASH, "a", begin=-1.0))
    assert again.crashes == 0
    never = Stage()
    never.ward.crash = None
    await never.hear(never.fault(Kind.CONNECTOR_CRASH, "a"))
    assert set(never.active) == {("a", "connector-crash")}


async def test_what_is_no_order_changes_nothing() -> None:
    stage = Stage()
    await stage.hear(stage.fault(Kind.OUTAGE))
    stage.ward.heard(b"nonsense")
    await stage.ward.tend()
    assert set(stage.active) == {("a", "outage")}
