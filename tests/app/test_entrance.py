from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from builders import a_service, an_operation

from lgsp.app.entrance import AtConnectors, OnBus
from lgsp.capture.record import CaptureError
from lgsp.catalogue.consumer import Consumer, read_consumers
from lgsp.catalogue.latency import Fixed
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue, ErrorMix, Latency
from lgsp.clock import ManualClock
from lgsp.errors import DeliveryError, Unroutable
from lgsp.model import Outcome
from lgsp.settings import Settings, find_config
from lgsp.traffic.caller import Answer
from lgsp.traffic.replay.plan import Planned

CONFIG = find_config(None, {}, Path.cwd())


def consumer(name: str) -> Consumer:
    return read_consumers(CONFIG)[name]


def a_call(target: str, method: str = "GET", key: str = "1") -> Planned:
    return Planned(0, 1, 0.0, method, target, {}, b"", "", "", key)


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/a"), ("GET", "/population/v1.0.0/a"), ("GET", "/elsewhere/traCuu")]
)
def test_what_the_catalogue_does_not_have_goes_nowhere(method: str, target: str) -> None:
    async def ask() -> None:
        bus = OnBus("amqp://127.0.0.1:1", read_catalogue(CONFIG), consumer("tester"), ManualClock())
        await bus.ask(a_call(target, method))

    with pytest.raises(Unroutable, match=f"{method} {target} is no operation of this configuration"):
        asyncio.run(ask())


class Stage:
    """Stand-ins of one service, on a clock that the test moves."""

    def __init__(self, *, asks: str = "demo", calm: bool = False, seed: int = 7, **fields: Any) -> None:
        service = a_service("svc", an_operation("GET /x", reply={"says": "x"}), timeout=5, **fields)
        self.clock = ManualClock()
        settings = Settings(config=CONFIG, state=Path(), seed=seed, calm=calm)
        self.entrance = AtConnectors(settings, Catalogue({"svc": service}), consumer(asks), self.clock)

    async def ask(self, *keys: str) -> list[Answer | str]:
        """What each call was answered, or how long it took until it was given up."""
        began = self.clock.now()

        async def one(key: str) -> Answer | str:
            try:
                return await self.entrance.ask(a_call("/svc/x", key=key))
            except DeliveryError as error:
                return f"{error.reason} after {self.clock.now() - began:g} s: {error}"

        async with self.entrance, asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(one(key)) for key in keys]
            await self.clock.advance(60)
        return [task.result() for task in asked]


def test_a_stand_in_is_asked_itself_and_its_answer_is_its_reply() -> None:
    [answer] = asyncio.run(Stage().ask("1"))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.outcome) == (200, b'{"says":"x"}', Outcome.OK)


@pytest.mark.parametrize(
    ("lifelike", "ends"),
    [
        ({"errors": ErrorMix(rates={Outcome.TIMEOUT: 1.0})}, "budget_spent after 5 s: svc did not answer within 5 s"),
        ({"latency": Latency(distribution=Fixed(seconds=20))}, "budget_spent after 5 s: svc did not answer within 5 s"),
        ({"errors": ErrorMix(rates={Outcome.UNREACHABLE: 1.0})}, (503, Outcome.UNREACHABLE)),
    ],
    ids=["silent", "too slow", "unreachable"],
)
def test_who_says_nothing_in_time_has_timed_out_when_its_time_is_over(
    lifelike: dict[str, Any], ends: str | tuple[int, Outcome]
) -> None:
    [answer] = asyncio.run(Stage(**lifelike).ask("1"))
    assert (answer if isinstance(answer, str) else (answer.status, answer.outcome)) == ends


def test_seed_and_key_say_who_fails_and_nobody_does_in_a_calm_run_or_for_a_calm_consumer() -> None:
    keys = [str(number) for number in range(200)]

    def refused(**how: Any) -> list[int]:
        half = ErrorMix(rates={Outcome.REJECTED: 0.5})
        answers = asyncio.run(Stage(errors=half, **how).ask(*keys))
        return [at for at, answer in enumerate(answers) if isinstance(answer, Answer) and answer.status == 400]

    of_seven = refused()
    assert 70 < len(of_seven) < 130
    assert refused() == of_seven
    assert refused(seed=8) != of_seven
    assert refused(calm=True) == refused(asks="tester") == []


def test_nobody_serves_what_is_disabled() -> None:
    told = asyncio.run(Stage(mode="disabled").ask("1"))
    assert told == ["unroutable after 0 s: nobody serves svc: its mode is disabled"]


def test_what_ends_a_replay_from_outside_stays_what_it_is() -> None:
    async def broken() -> None:
        async with Stage().entrance:
            raise CaptureError("day.jsonl", 7, "is torn")

    with pytest.raises(CaptureError, match=r"day\.jsonl:7: is torn"):
        asyncio.run(broken())
