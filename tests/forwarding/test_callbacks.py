from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from builders import Unstored, a_reply
from hypothesis import given
from hypothesis import strategies as st
from ledgers import START, a_ledger, asked

from lgsp.bus.memory import MemoryBus
from lgsp.catalogue.callback import Callback
from lgsp.catalogue.consumer import Consumer
from lgsp.clock import ManualClock
from lgsp.edge.answers import status_path
from lgsp.forwarding.callbacks import Callbacks, next_try
from lgsp.forwarding.forwarder import Forwarder
from lgsp.forwarding.schedule import PAUSES
from lgsp.forwarding.signed import signed
from lgsp.ledger.calls import TRIES, Call, Calls
from lgsp.ledger.outbox import DAY, Outbox
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Outcome, Reply

SECRET = b"a secret of 26 characters."
DESK = Consumer(id="desk", callback=Callback(url="https://desk.example/told", secret_file="desk"))
DOCUMENT = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text()


@dataclass
class Told:
    """The other side: what came, and why it was not taken."""

    why: str = ""
    came: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        self.came.append((url, body, headers))
        return self.why

    def callback(self, result: str) -> None:
        self.counted[result] += 1


@dataclass
class Stage:
    forwarder: Forwarder
    callbacks: Callbacks
    ledger: SqliteLedger
    clock: ManualClock
    told: Told

    async def end(self, outcome: Outcome = Outcome.OK, consumer: str = "desk") -> str:
        request = asked(operation="POST /x", body=b"body", consumer=consumer)
        await self.forwarder.send(request, wait=0)
        reply = a_reply(request) if outcome is Outcome.OK else Reply(request.id, outcome, 502, "poison")
        assert await self.forwarder.take(reply, 1)
        return request.id

    async def until(self, is_so: Callable[[], bool], seconds: float = 0.25) -> None:
        """Move the clock on until something is so that a writer on its thread brings about."""
        for _ in range(3_000):
            if is_so():
                return
            await self.clock.advance(seconds)
            await self.ledger.commit(lambda _: None)
        raise AssertionError("it never came about")


@asynccontextmanager
async def stage(directory: Path, told: Told | None = None, clock: ManualClock | None = None) -> AsyncIterator[Stage]:
    clock, told, watch = clock or ManualClock(START), told or Told(), Unstored()
    (directory / "desk").write_bytes(SECRET + b"\n")
    async with a_ledger(directory / "state", clock) as ledger, MemoryBus(clock) as bus:
        made = Callbacks(Calls(ledger), told.post, told, clock, directory, status_path, seed=7)
        made.replace([DESK, Consumer(id="quiet")])
        async with (
            made as callbacks,
            Forwarder(
                bus, Outbox(ledger, clock), [], watch, watch, clock, seed=7, bus_forgets=False, debts=callbacks
            ) as forwarder,
        ):
            yield Stage(forwarder, callbacks, ledger, clock, told)


async def test_a_consumer_is_told_once_that_what_it_stored_has_ended(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        id_ = await made.end()
        await made.until(lambda: made.told.counted["delivered"] == 1)
        [(url, body, headers)] = made.told.came
        assert url == "https://desk.example/told"
        assert json.loads(body) == {
            "transaction": id_,
            "service": "svc",
            "state": "ended",
            "outcome": "ok",
            "reason": "",
            "status": f"/lgsp/v1/transactions/{id_}",
        }
        assert headers["webhook-id"] == id_
        at = int(headers["webhook-timestamp"])
        assert START <= at <= made.clock.now()
        assert headers["webhook-signature"] == signed(SECRET, id_, at, body)
        await made.clock.advance(8)
        assert (len(made.told.came), made.told.counted) == (1, Counter(delivered=1))


async def test_who_did_not_ask_for_it_is_told_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await made.end(consumer="quiet")
        await made.end(consumer="stranger")
        await made.clock.advance(2)
        assert made.told.came == []
        assert await Calls(made.ledger).owed() == []


async def test_what_is_parked_is_told_too(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await made.end(Outcome.PROVIDER_ERROR)
        await made.until(lambda: len(made.told.came) == 1)
        told = json.loads(made.told.came[0][1])
        assert (told["state"], told["outcome"], told["reason"]) == ("parked", "provider_error", "poison")


async def test_what_is_not_taken_is_tried_again_then_given_up_kept_and_begun_anew(tmp_path: Path) -> None:
    async with stage(tmp_path, Told("it answered 500")) as made:
        id_ = await made.end()
        await made.until(lambda: made.told.counted["failed"] == 2)
        first, second = (int(headers["webhook-timestamp"]) for _, _, headers in made.told.came)
        assert 3 <= second - first <= 7
        calls = Calls(made.ledger)
        await calls.failed(id_, tries=TRIES - 1, due=made.clock.now())  # as after four hours more
        made.callbacks.owe(id_, made.clock.now())
        await made.until(lambda: made.told.counted["given_up"] == 1)
        assert made.told.counted == Counter(failed=3, given_up=1)
        [call] = await made.callbacks.given_up()
        assert (call.id, call.consumer, call.tries) == (id_, "desk", TRIES)
        later = ManualClock(START + 29 * DAY)
        assert await Outbox(made.ledger, later).sweep() == 0
        made.told.why = ""
        assert await made.callbacks.again(id_)
        assert not await made.callbacks.again(id_)
        await made.until(lambda: made.told.counted["delivered"] == 1)
        assert await made.callbacks.given_up() == []
        assert await Outbox(made.ledger, ManualClock(START + 31 * DAY)).sweep() == 1


async def test_what_is_owed_is_called_after_a_restart(tmp_path: Path) -> None:
    clock, told = ManualClock(START), Told("it answered 503")
    async with stage(tmp_path, told, clock) as made:
        await made.end()
        await made.until(lambda: told.counted["failed"] == 1)
        await made.ledger.flush()
    told.why = ""
    async with stage(tmp_path, told, clock) as made:
        await made.until(lambda: told.counted["delivered"] == 1)
    assert len(told.came) == 2
    assert told.came[0][1] == told.came[1][1]


async def test_whose_callback_was_taken_away_is_not_called(tmp_path: Path) -> None:
    async with stage(tmp_path, Told("it answered 503")) as made:
        await made.end()
        await made.until(lambda: made.told.counted["failed"] == 1)
        made.callbacks.replace([])
        await made.until(lambda: made.told.counted["withdrawn"] == 1)
        assert (len(made.told.came), await Calls(made.ledger).owed()) == (1, [])


@pytest.mark.parametrize("content", [None, b"short\n"])
async def test_nothing_goes_out_unsigned(tmp_path: Path, content: bytes | None) -> None:
    async with stage(tmp_path) as made:
        (tmp_path / "desk").unlink()
        if content is not None:
            (tmp_path / "desk").write_bytes(content)
        await made.end()
        await made.until(lambda: made.told.counted["failed"] == 1)
        assert made.told.came == []


@given(st.integers(0, TRIES - 1), st.floats(0, 1))
def test_each_try_waits_longer_and_the_last_one_is_the_last(tries: int, chance: float) -> None:
    due = next_try(Call("", "", "", "", "", "", START, tries), START, chance)
    if tries == TRIES - 1:
        assert due is None
    else:
        pause = PAUSES[min(tries, len(PAUSES) - 1)]
        assert due is not None
        assert 0.8 * pause <= due - START + 1e-6
        assert due - START - 1e-6 <= 1.2 * pause


def test_the_verifier_of_the_document_takes_what_is_signed_and_nothing_else() -> None:
    code = DOCUMENT.split("```python\n")[1].split("```")[0]
    names: dict[str, Callable[..., bool]] = {}
    exec(code, names)  # noqa: S102 - it is the document that is tested
    is_genuine = names["is_genuine"]
    body, at = b'{"transaction": "t"}', 1_000
    headers = {"webhook-id": "t", "webhook-timestamp": str(at), "webhook-signature": signed(SECRET, "t", at, body)}
    assert is_genuine(SECRET, headers, body, now=at + 299)
    assert not is_genuine(SECRET, headers, body, now=at + 301)
    assert not is_genuine(SECRET, headers, body + b" ", now=at)
    assert not is_genuine(SECRET + b"x", headers, body, now=at)
    for name in headers:
        assert not is_genuine(SECRET, headers | {name: "1001"}, body, now=at)


async def test_many_are_called_side_by_side_and_not_more_than_so_many(tmp_path: Path) -> None:
    going, most, may_end = 0, 0, asyncio.Event()
    told = Told()

    async def slow(*_: object) -> str:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await may_end.wait()
        going -= 1
        return ""

    told.post = slow  # type: ignore[method-assign]  # another other side
    async with stage(tmp_path, told) as made:
        for _ in range(20):
            await made.end()
        await made.until(lambda: going == 16)
        may_end.set()
        await made.until(lambda: told.counted["delivered"] == 20)
    assert most == 16
