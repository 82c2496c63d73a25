"""What lies in the outbox: one line a request, its body as long as somebody needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_reply, a_transaction
from ledgers import START, a_ledger, asked

from lgsp.clock import ManualClock
from lgsp.ledger.outbox import DAY, Conflict, Outbox, Repeated, State, digest_of, repeat_of
from lgsp.model import Outcome, Request, Transaction


@asynccontextmanager
async def an_outbox(directory: Path, clock: ManualClock | None = None) -> AsyncIterator[Outbox]:
    clock = clock or ManualClock(START)
    async with a_ledger(directory, clock) as ledger:
        yield Outbox(ledger, clock)


def a_request(body: bytes = b"body", key: str = "", consumer: str = "desk") -> Request:
    headers = {"idempotency-key": key, "content-type": "text/plain"} if key else {"content-type": "text/plain"}
    return asked(operation="POST /x/{id}", path="/x/1", query="q=%20", consumer=consumer, body=body, headers=headers)


def ended(request: Request, outcome: Outcome = Outcome.OK) -> Transaction:
    reply = a_reply(request, outcome=outcome, status=201, body=b"reply", headers={"content-type": "text/xml"})
    return a_transaction(outcome, request=request, reply=reply, started_at=START)


async def test_a_request_comes_out_as_it_went_in(tmp_path: Path) -> None:
    request = replace(a_request(b"\x00\xff"), calm=True, asked_as="YC-1", force="outcome=ok", key="k")
    async with an_outbox(tmp_path) as outbox:
        stored = await outbox.put(request, expires=START + 60)
        assert (stored.id, stored.state, stored.size, stored.accepted) == (request.id, State.STORED, 2, START)
        assert await outbox.request(request.id) == request
        assert await outbox.live() == [stored]


async def test_what_is_open_is_there_after_a_restart_with_its_size(tmp_path: Path) -> None:
    request = a_request(b"x" * 300)
    async with an_outbox(tmp_path) as outbox:
        stored = await outbox.put(request, expires=START + 60)
        await outbox.move(replace(stored, state=State.WAITING, due=START + 5, attempts=2, publishes=3, answered=2))
    async with an_outbox(tmp_path) as outbox:
        [found] = await outbox.live()
        assert (found.state, found.due, found.attempts, found.publishes, found.answered, found.size) == (
            State.WAITING, START + 5, 2, 3, 2, 300,
        )  # fmt: skip
        assert await outbox.request(request.id) == request


@pytest.mark.parametrize("park", [False, True])
async def test_it_ends_once_and_its_body_stays_only_where_it_is_parked(tmp_path: Path, park: bool) -> None:  # noqa: FBT001 - both ways
    request = a_request()
    async with an_outbox(tmp_path) as outbox:
        await outbox.put(request, expires=START + 60)
        assert await outbox.end(ended(request), park=park, keep=START + 60)
        assert not await outbox.end(ended(request, Outcome.TIMEOUT), park=park, keep=START + 60)
        kept = await outbox.find(request.id)
        assert kept is not None
        assert kept.reply is not None
        assert (kept.outcome, kept.has_body, kept.consumer) == (Outcome.OK, park, "desk")
        assert (kept.reply.status, kept.reply.body, kept.reply.headers) == (201, b"reply", {"content-type": "text/xml"})
        assert (await outbox.request(request.id) is not None) == park
        assert [each.standing.id for each in await outbox.parked()] == [request.id] * park
        assert await outbox.drop(request.id) == park
        assert (await outbox.find(request.id) is None) == park


async def test_what_nobody_needs_any_more_is_swept(tmp_path: Path) -> None:
    clock, first, second = ManualClock(START), a_request(), a_request()
    async with an_outbox(tmp_path, clock) as outbox:
        for request in (first, second):
            await outbox.put(request, expires=START + 60)
        await outbox.end(ended(first), park=False, keep=START + DAY)
        assert await outbox.sweep() == 0
        assert await outbox.counts() == {("svc", State.ENDED): 1, ("svc", State.STORED): 1}
        await clock.advance(DAY)
        assert await outbox.sweep() == 1
        assert await outbox.counts() == {("svc", State.STORED): 1}


async def test_the_same_key_is_the_same_request_of_the_same_consumer(tmp_path: Path) -> None:
    first = a_request(key="batch-1")
    async with an_outbox(tmp_path) as outbox:
        await outbox.put(first, expires=START + 60)
        with pytest.raises(Repeated) as caught:
            await outbox.put(a_request(key="batch-1"), expires=START + 60)
        assert caught.value.id == first.id
        with pytest.raises(Conflict):
            await outbox.put(a_request(b"another", key="batch-1"), expires=START + 60)
        await outbox.put(a_request(key="batch-1", consumer="other"), expires=START + 60)
        await outbox.put(a_request(key="batch-2"), expires=START + 60)
        await outbox.put(a_request(), expires=START + 60)
        assert len(await outbox.live()) == 4


async def test_what_is_nobodys_is_not_found(tmp_path: Path) -> None:
    async with an_outbox(tmp_path) as outbox:
        for id_ in (asked().id, "no uuid"):
            assert (await outbox.find(id_), await outbox.request(id_), await outbox.drop(id_)) == (None, None, False)


@pytest.mark.parametrize("field", ["path", "query", "body"])
def test_what_makes_a_request_another_one(field: str) -> None:
    request = a_request(key="k")
    other = replace(request, **{field: b"z" if field == "body" else "z"})
    assert digest_of(request) == digest_of(replace(request, id="another", attempt=3))
    assert digest_of(request) != digest_of(other)
    assert repeat_of(request) == repeat_of(other)
    assert repeat_of(a_request()) is None
