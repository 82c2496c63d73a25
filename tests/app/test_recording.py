import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lgsp.app.recording import keep_to_retention
from lgsp.capture.files import Writer
from lgsp.capture.record import Record
from lgsp.capture.retention import DELETED, delete, stored_in
from lgsp.clock import ManualClock
from lgsp.errors import LedgerUnavailable

DAY = 86_400


class Noted:
    def __init__(self, *, fails: int = 0) -> None:
        self.events: asyncio.Queue[tuple[str, str, str, Mapping[str, Any]]] = asyncio.Queue()
        self.fails = fails

    async def __call__(self, who: str, what: str, subject: str, detail: Mapping[str, Any]) -> None:
        if self.fails:
            self.fails -= 1
            await self.events.put(("", "failed", subject, {}))
            raise LedgerUnavailable("full")
        await self.events.put((who, what, subject, detail))


def written(path: Path, at: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with Writer.create(path, {}) as writer:
        writer.write(Record(t=1))
    os.utime(path, (at, at))
    return path


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_old_captures_go_at_the_start_and_every_hour_and_stand_in_the_ledger(tmp_path: Path) -> None:
    clock, noted, home = ManualClock(), Noted(), tmp_path / "captures"
    home.mkdir(mode=0o755)
    old = written(home / "old.lgsp.jsonl", clock.now() - 30 * DAY)
    young = written(home / "young.lgsp.jsonl", clock.now() - 30 * DAY + 1_800)
    size = old.stat().st_size
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(keep_to_retention(home, 30, clock, noted))
        assert await noted.events.get() == (
            "retention",
            "capture.delete",
            "old.lgsp.jsonl",
            {"at": clock.now(), "why": "older than 30d", "files": 1, "bytes": size},
        )
        assert (old.exists(), young.exists(), home.stat().st_mode & 0o777) == (False, True, 0o700)
        await clock.advance(3_599)
        assert young.exists()
        await clock.advance(1)
        assert (await noted.events.get())[2] == "young.lgsp.jsonl"
        assert not young.exists()
        await ended(keeping)


async def test_what_a_command_deletes_stands_in_the_ledger_within_a_minute_even_if_it_fails_once(
    tmp_path: Path,
) -> None:
    clock, noted = ManualClock(), Noted(fails=1)
    written(tmp_path / "a.lgsp.jsonl", clock.now())
    delete(tmp_path, stored_in(tmp_path), clock.now(), who="command", why="rm")
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(keep_to_retention(tmp_path, 30, clock, noted))
        assert (await noted.events.get())[1] == "failed"
        assert (tmp_path / DELETED).read_bytes() != b""
        await clock.advance(60)
        who, what, subject, detail = noted.events.get_nowait()
        assert (who, what, subject, detail["why"]) == ("files", "capture.delete", "a.lgsp.jsonl", "rm")
        await clock.advance(600)
        assert noted.events.empty()
        assert (tmp_path / DELETED).read_bytes() == b""
        await ended(keeping)


async def test_without_a_ledger_it_stays_where_the_captures_were(tmp_path: Path) -> None:
    clock = ManualClock()
    written(tmp_path / "a.lgsp.jsonl", clock.now())
    delete(tmp_path, stored_in(tmp_path), clock.now(), who="command", why="rm")
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(keep_to_retention(tmp_path / "not there yet", 30, clock, None))
        other = tasks.create_task(keep_to_retention(tmp_path, 30, clock, None))
        await clock.advance(120)
        await ended(keeping)
        await ended(other)
    assert b'"a.lgsp.jsonl"' in (tmp_path / DELETED).read_bytes()
