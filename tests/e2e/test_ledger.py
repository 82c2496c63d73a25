"""A gateway killed under load, again and again: every transaction has one outcome, and nothing is counted twice."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import aiohttp
import processes
import pytest

from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.verify import verify

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

KILLS = 3


def up(state: Path, *more: str) -> processes.Process:
    return processes.Process(["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *more], state, ready="try  ")


def counted(admin: str) -> tuple[Counter[tuple[str, str]], Counter[str], Counter[str]]:
    """Ended by service and outcome, accepted and open by service, as Prometheus reads them."""
    text = processes.get(f"{admin}/metrics")[1].decode()
    found: tuple[Counter[tuple[str, str]], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
    for labels, value in re.findall(r"^lgsp_transactions_total\{(.*?)\} (\S+)$", text, re.MULTILINE):
        named = dict(re.findall(r'(\w+)="(.*?)"', labels))
        found[0][named["service"], named["outcome"]] = int(float(value))
    for at, name in ((1, "lgsp_transactions_accepted_total"), (2, "lgsp_open_transactions")):
        for labels, value in re.findall(rf"^{name}\{{(.*?)\}} (\S+)$", text, re.MULTILINE):
            found[at][dict(re.findall(r'(\w+)="(.*?)"', labels))["service"]] = int(float(value))
    return found


async def call_until_it_dies(process: processes.Process, asked: str, token: str, enough: int) -> dict[str, str]:
    """Call from 20 sides and kill it in the middle; what was answered, outcome by transaction."""
    answered: dict[str, str] = {}
    reached = asyncio.Event()

    async def side(session: aiohttp.ClientSession) -> None:
        while True:
            try:
                async with session.get(asked, headers={"Authorization": f"Bearer {token}"}) as answer:
                    await answer.read()
                    answered[answer.headers["X-Transaction-Id"]] = answer.headers["X-Lgsp-Outcome"]
            except (aiohttp.ClientError, OSError):
                return
            if len(answered) >= enough:
                reached.set()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session, asyncio.TaskGroup() as sides:
        for _ in range(20):
            sides.create_task(side(session))
        await reached.wait()
        await asyncio.to_thread(process.kill)
    return answered


async def test_after_every_kill_each_transaction_has_one_outcome_and_the_counters_go_on(tmp_path: Path) -> None:
    state = tmp_path / "state"
    answered: dict[str, str] = {}
    before: Counter[tuple[str, str]] = Counter()
    for _ in range(KILLS):
        process = await asyncio.to_thread(up(state, "--pace", "200").start)
        url = process.found(r"gateway +(http://\S+)")
        asked = process.found(rf"try +curl .*({re.escape(url)}[^'\"\s]+)")
        token = await asyncio.to_thread(processes.token_of, url, state)
        answered |= await call_until_it_dies(process, asked, token, 300)
        with up(state, "--no-traffic") as again:
            ended, accepted, still_open = counted(again.found(r"admin +(http://\S+)"))
        assert accepted.total() == ended.total() > before.total()
        assert still_open.total() == 0
        assert all(ended[key] >= count for key, count in before.items())
        before = ended
    rows = {row.id: str(row.outcome) for row in Reader(Files(state, "gw1")).rows()}
    assert {transaction: rows.get(transaction) for transaction in answered} == answered
    assert len(rows) == before.total()
    assert Counter(rows.values()) == Counter(
        {o: sum(n for (_, of), n in before.items() if of == o) for o in set(rows.values())}
    )
    crashed = [row for row in Reader(Files(state, "gw1")).rows() if row.reason == "gateway_crash"]
    assert {str(row.outcome) for row in crashed} <= {"bus_error"}
    assert verify(Files(state, "gw1")).problems == []
    print(
        f"{KILLS} kills: {len(rows)} transactions, {len(answered)} answered, {len(crashed)} under way, 0 lost, 0 doubled"
    )
