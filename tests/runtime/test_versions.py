"""A host that follows a catalogue: each request is answered whole by the version that it began with."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import pytest
from builders import a_request, a_service, an_operation, nowhere
from hosts import Named, Noted

from lgsp.catalogue.service import (
    Catalogue,
    Fixed,
    Latency,
    Service,
)
from lgsp.clock import ManualClock
from lgsp.errors import (
    CatalogueError,
)
from lgsp.model import Outcome
from lgsp.runtime.host import Host
from lgsp.runtime.state import States


def says(word: str, *operations: str, **fields: object) -> Service:
    """A service whose operations all answer with one word."""
    return a_service("svc", *(an_operation(name, reply=word) for name in operations or ("GET /x",)), **fields)


@dataclass
class Swapped:
    """A host that follows one catalogue after the other."""

    clock: ManualClock
    bus: Named
    host: Host

    @classmethod
    async def begin(cls, *services: Service, only: tuple[str, ...] = ()) -> Swapped:
        clock, bus = ManualClock(), Named()
        catalogue = Catalogue({service.id: service for service in services})
        made = cls(clock, bus, Host(bus, catalogue, clock, Noted(), States(clock), nowhere(clock), seed=7))  # type: ignore[arg-type]  # as above
        await made.host.serve(only)
        return made

    async def take(self, *services: Service) -> None:
        new = Catalogue({service.id: service for service in services})
        commit = self.host.prepare(new)
        await self.host.follow(new)
        commit()

    async def ask(self, operation: str = "GET /x") -> object:
        reply = await self.bus.served["svc"](a_request(operation=operation))
        assert reply is not None
        return json.loads(reply.body) if reply.outcome is Outcome.OK else reply.reason


async def test_a_service_that_changed_answers_by_its_new_version() -> None:
    made = await Swapped.begin(says("old"))
    assert await made.ask() == "old"
    await made.take(says("new"))
    assert await made.ask() == "new"


async def test_a_version_that_cannot_be_loaded_changes_nothing() -> None:
    made = await Swapped.begin(says("old"))
    with pytest.raises(CatalogueError):
        await made.take(says("new", connector="connectors.nobody"))
    assert await made.ask() == "old"


async def test_a_request_that_was_begun_ends_by_the_version_it_began_with() -> None:
    latency = Latency(distribution=Fixed(seconds=2.0))
    made = await Swapped.begin(says("old", latency=latency))
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(made.bus.served["svc"](a_request(budget=30.0)))
        await made.clock.advance(1)
        await made.take(says("new"))
        assert await made.ask() == "new"
        await made.clock.advance(1)
    reply = asked.result()
    assert reply is not None
    assert reply.body == b'"old"'


async def test_what_only_the_old_version_knew_is_answered_as_long_as_somebody_can_wait() -> None:
    made = await Swapped.begin(says("one", "GET /x", "GET /y", timeout=10.0))
    await made.take(says("two", "GET /x", "GET /z"))
    await made.take(says("three", "GET /x"))
    assert [await made.ask(f"GET /{name}") for name in "xyz"] == ["three", "one", "two"]
    await made.clock.advance(36)
    assert [await made.ask(f"GET /{name}") for name in "xyz"] == ["three", "unknown_operation", "unknown_operation"]


async def test_a_service_that_went_is_answered_until_nobody_can_wait_and_then_left() -> None:
    made = await Swapped.begin(says("old", timeout=10.0), a_service("other"))
    async with asyncio.TaskGroup() as tasks:
        tending = tasks.create_task(made.host.tend())
        await made.take(a_service("other"))
        await made.clock.advance(14)
        assert await made.ask() == "old"
        await made.clock.advance(10)
        assert list(made.bus.served) == ["other"]
        await made.take(says("back"), a_service("other"))
        assert await made.ask() == "back"
        await made.take(a_service("other"))
        await made.take(says("again"), a_service("other"))  # before it was left
        await made.clock.advance(100)
        assert await made.ask() == "again"
        tending.cancel()


async def test_a_service_is_served_once_it_is_no_longer_disabled() -> None:
    made = await Swapped.begin(says("off", mode="disabled"))
    assert made.bus.served == {}
    await made.take(says("on"))
    assert await made.ask() == "on"


async def test_a_host_of_some_services_takes_no_others() -> None:
    made = await Swapped.begin(says("one"), only=("svc",))
    await made.take(says("two"), a_service("new"))
    assert list(made.bus.served) == ["svc"]
    assert await made.ask() == "two"


async def test_what_did_not_change_is_not_loaded_again() -> None:
    made = await Swapped.begin(says("same", where="a.yaml:1"))
    before = made.host._versions["svc"]
    await made.take(says("same", where="a.yaml:9"))
    assert made.host._versions["svc"] is before
