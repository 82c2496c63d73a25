"""What the file adds to the contract: it outlives its process, however that ends."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from builders import a_reply, a_transaction
from ledgers import START, a_ledger, asked, fail, killed, pass_through, rows

from lgsp.clock import ManualClock
from lgsp.errors import LedgerDamaged, LedgerUnavailable, SettingsError
from lgsp.ledger.book import Book
from lgsp.ledger.files import Files
from lgsp.ledger.recovery import Findings
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Outcome, Request


async def test_counts_continue_after_a_restart(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await pass_through(ledger, 3)
        await pass_through(ledger, 2, Outcome.TIMEOUT)
    async with a_ledger(tmp_path) as again:
        assert again.findings == Findings()
        await pass_through(again, 1)
        assert again.totals()["svc", Outcome.OK] == 4
        assert again.totals()["svc", Outcome.TIMEOUT] == 2
        assert again.accepted()["svc"] == 6
    assert [row["seq"] for row in rows(tmp_path)] == [1, 2, 3, 4, 5, 6]


async def test_what_was_under_way_at_a_kill_ends_once_as_a_crash_of_the_gateway(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with a_ledger(tmp_path / "a", clock) as ledger:
        await pass_through(ledger, 2)
        under_way = asked()
        await ledger.open(under_way)
        await ledger.flush()
        image = killed(tmp_path / "a", tmp_path / "image")
    clock = ManualClock(START + 7)
    for expected in (Findings(crashed=1), Findings()):
        async with a_ledger(image, clock) as again:
            assert again.findings == expected
            assert again.accepted()["svc"] == 3
            assert again.still_open()["svc"] == 0
            assert again.totals()["svc", Outcome.BUS_ERROR] == 1
            assert not await again.close(a_transaction(request=under_way))
    last = rows(image)[-1]
    assert (last["id"].hex(), last["outcome"], last["reason"], last["fault"], last["took_us"]) == (
        under_way.id.replace("-", ""), "bus_error", "gateway_crash", "gateway", 7_000_000,
    )  # fmt: skip


async def test_an_outcome_that_was_told_survives_a_kill_before_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_ledger(tmp_path / "a") as ledger:
        await pass_through(ledger, 1)
        await ledger.flush()
        with monkeypatch.context() as held:
            held.setattr(Book, "write", _refuse)
            told = await pass_through(ledger, 3, Outcome.BUSINESS_FAULT)
            image = killed(tmp_path / "a", tmp_path / "image")
    async with a_ledger(image) as again:
        assert again.findings == Findings(entered=3)
        assert again.totals()["svc", Outcome.BUSINESS_FAULT] == 3
        assert not await again.close(a_transaction(Outcome.OK, request=told[0]))


async def test_a_kill_between_commit_and_settling_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_ledger(tmp_path / "a") as ledger:
        await pass_through(ledger, 1)
        await ledger.flush()
        with monkeypatch.context() as held:
            held.setattr(ledger._journal, "settle", lambda *_, **__: None)
            await pass_through(ledger, 4)
            await ledger.flush()
            image = killed(tmp_path / "a", tmp_path / "image")
    async with a_ledger(image) as again:
        assert again.totals()["svc", Outcome.OK] == 5
    assert len(rows(image)) == 5


def _refuse(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


async def test_a_full_disk_refuses_what_is_new_and_loses_nothing_that_was_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lgsp.ledger.sqlite._RETRY", 0.01)
    async with a_ledger(tmp_path) as ledger:
        accepted = asked()
        await ledger.open(accepted)
        with monkeypatch.context() as full:
            full.setattr(Book, "write", _refuse)
            full.setattr(Book, "probe", _refuse)
            await pass_through(ledger, 1)
            with pytest.raises(LedgerUnavailable, match="full"):
                await ledger.flush()
            with pytest.raises(LedgerUnavailable, match="cannot be written"):
                await ledger.open(asked())
            assert "full" in ledger.problems()[0]
            assert await ledger.close(a_transaction(request=accepted))
        while ledger.problems():
            ledger._settled.clear()
            await ledger._settled.wait()
        await pass_through(ledger, 1)
        await ledger.flush()
        assert ledger.write_errors >= 1
        assert ledger.totals()["svc", Outcome.OK] == 3
        assert ledger.accepted()["svc"] == 3
    assert len(rows(tmp_path)) == 3


async def test_a_second_process_on_the_same_ledger_is_refused(tmp_path: Path) -> None:
    async with a_ledger(tmp_path):
        with pytest.raises(SettingsError, match="another process keeps the ledger ledger-gw1"):
            await a_ledger(tmp_path).__aenter__()
        async with SqliteLedger(Files(tmp_path, "gw2"), ["svc"], ManualClock(), capacity=64) as other:
            assert other.problems() == []


async def test_a_file_of_another_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await pass_through(ledger)
    with sqlite3.connect(Files(tmp_path, "gw1").book) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LedgerDamaged, match="schema 99 of a ledger; this lgsp keeps ledgers of schema 1"):
        await a_ledger(tmp_path).__aenter__()


async def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    Files(tmp_path, "gw1").book.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(LedgerDamaged, match="restore it from a backup"):
        await a_ledger(tmp_path).__aenter__()


async def test_a_row_says_where_the_time_went_and_whose_fault_it_was(tmp_path: Path) -> None:
    request = asked(operation="GET /x", consumer="c", body=b"12345", origin="replay", force="outcome=ok")
    async with a_ledger(tmp_path) as ledger:
        await fail(ledger, request, Outcome.PROVIDER_ERROR, "bad_reply")
    (row,) = rows(tmp_path)
    assert [int.from_bytes(row["times"][at : at + 4], "big") for at in range(0, 20, 4)] == pytest.approx(
        [2_000, 8_000, 2_000, 80_000, 8_000], abs=1
    )
    assert (row["fault"], row["reason"], row["status"], row["request_bytes"], row["reply_bytes"], row["flags"]) == (
        "connector", "bad_reply", 502, 5, 6, 3,
    )  # fmt: skip


async def test_no_body_and_no_id_of_a_caller_lies_in_any_file(tmp_path: Path) -> None:
    secret = "049085001234"
    async with a_ledger(tmp_path) as ledger:
        request = asked(
            body=secret.encode(),
            asked_as=secret,
            headers={"idempotency-key": secret},
            path=f"/x/{secret}",
            query=secret,
        )
        await ledger.open(request)
        await ledger.close(a_transaction(request=request, reply=a_reply(request, body=secret.encode())))
        await ledger.flush()
        lying, readable_by_others = await asyncio.to_thread(looked_at, tmp_path, secret)
    assert lying == []
    assert readable_by_others == {"ledger-gw1.public.pem"}


def looked_at(directory: Path, secret: str) -> tuple[list[str], set[str]]:
    files = list(directory.iterdir())
    return (
        [path.name for path in files if secret.encode() in path.read_bytes()],
        {path.name for path in files if path.stat().st_mode & 0o077},
    )


async def test_rows_are_dropped_by_whole_months_and_hours_stay(tmp_path: Path) -> None:
    clock = ManualClock(START)  # 24 May 2023
    async with a_ledger(tmp_path, clock) as ledger:
        await pass_through(ledger, 2)
        await ledger.flush()
        await clock.advance(40 * 86_400)  # 3 July
        await pass_through(ledger, 1)
    await clock.advance(58 * 86_400 - 1)  # 90 days after the last second of May, but one
    async with a_ledger(tmp_path, clock) as ledger:
        await pass_through(ledger, 1)
    assert [row["seq"] for row in rows(tmp_path)] == [1, 2, 3, 4]
    await clock.advance(1)
    async with a_ledger(tmp_path, clock) as ledger:
        await pass_through(ledger, 1)
    assert [row["seq"] for row in rows(tmp_path)] == [3, 4, 5]
    async with a_ledger(tmp_path, clock) as ledger:
        assert ledger.totals()["svc", Outcome.OK] == 5


async def test_a_change_is_written_with_the_rows_or_its_caller_is_told(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await ledger.commit(lambda db: db.execute("CREATE TABLE noted (id INTEGER PRIMARY KEY) STRICT"))
        one, again = await asyncio.gather(
            ledger.commit(lambda db: db.execute("INSERT INTO noted VALUES (7)").rowcount),
            ledger.commit(lambda db: db.execute("INSERT INTO noted VALUES (7)")),
            return_exceptions=True,
        )
        assert one == 1
        assert isinstance(again, sqlite3.IntegrityError)
        assert await ledger.commit(lambda db: db.execute("SELECT id FROM noted").fetchall()) == [(7,)]


async def test_its_repr_says_how_it_is_doing(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await ledger.open(asked())
        assert repr(ledger) == "<SqliteLedger gw1: 1 accepted, 1 open, 0 to write>"


async def test_whatever_ends_between_two_steps_of_the_writer_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of its steps, as fine as the interpreter can be interrupted, another transaction ends."""
    requests = [asked() for _ in range(400)]
    ending: Iterator[Request] = iter(())
    between = 0

    def one_more() -> None:
        request = next(ending, None)
        if request is not None:
            with pytest.raises(StopIteration):  # it waits for nothing
                ledger.close(a_transaction(request=request)).send(None)

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any]:
        nonlocal between
        frame.f_trace_opcodes = True
        if event == "opcode":
            between += 1
            sys.settrace(None)
            one_more()
            sys.settrace(first)
        return trace

    def first(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        return trace(frame, event, _) if frame.f_code is SqliteLedger._write_batch.__code__ else None

    real = SqliteLedger._write_on

    def traced(self: SqliteLedger) -> None:
        sys.settrace(first)
        real(self)

    monkeypatch.setattr(SqliteLedger, "_write_on", traced)
    async with a_ledger(tmp_path, capacity=1_000) as ledger:
        for request in requests:
            await ledger.open(request)
        ending = iter(requests)
        one_more()
        await ledger.flush()
        assert list(ending) == []
        assert ledger.write_errors == 0
        assert ledger.totals()["svc", Outcome.OK] == 400
    assert between > 50
    assert {row["id"].hex() for row in rows(tmp_path)} == {request.id.replace("-", "") for request in requests}
