from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from ledgers import START, a_ledger, pass_through
from ports import an_admin_port

from lgsp.clock import ManualClock
from lgsp.edge.transactions import PATH, Transactions, moment_us, wanted_of
from lgsp.errors import SettingsError
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader, Wanted
from lgsp.model import Outcome


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    pages = Transactions(Reader(Files(tmp_path, "gw1")), ManualClock(START)).routes()
    async with an_admin_port(pages) as port:
        yield port


async def ask(url: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json()


async def test_a_transaction_is_shown_by_its_id_and_by_its_callers(url: str, tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        (request,) = await pass_through(ledger, 1, Outcome.TIMEOUT, asked_as="YC/1 é")
    for name in (request.id, "YC%2F1%20%C3%A9"):
        status, found = await ask(f"{url}{PATH}/{name}")
        assert status == 200
        (one,) = found["transactions"]  # type: ignore[misc]  # JSON
        assert (one["id"], one["outcome"], one["sequence"]) == (request.id, "timeout", 1)
        assert one["text"]["vi"].startswith("Giao dịch")
    status, problem = await ask(f"{url}{PATH}/nobody")
    assert (status, problem) == (404, {"problem": "no transaction has that id here, and no caller knows one by it"})


async def test_a_list_takes_the_fields_of_the_command(url: str, tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await pass_through(ledger, 3)
        (late,) = await pass_through(ledger, 1, Outcome.TIMEOUT)
    status, found = await ask(f"{url}{PATH}?outcome=timeout&service=svc&since=1h&limit=5")
    assert status == 200
    assert [one["id"] for one in found["transactions"]] == [late.id]  # type: ignore[attr-defined]  # JSON


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("outcome=fine", "'fine' is no outcome"),
        ("since=yesterday", "'yesterday' is no moment"),
        ("limit=0", "a number from 1 to 1000"),
        ("limit=²", "a number from 1 to 1000"),
        ("colour=red", "'colour' is nothing to ask for; there are consumer, limit, outcome, service, since"),
    ],
)
async def test_a_bad_question_is_answered_with_what_is_wrong(url: str, query: str, says: str) -> None:
    status, problem = await ask(f"{url}{PATH}?{query}")
    assert status == 400
    assert says in str(problem["problem"])


async def test_a_ledger_that_cannot_be_read_is_no_crash(url: str) -> None:
    for path in (PATH, f"{PATH}/x"):
        status, problem = await ask(url + path)
        assert status == 503
        assert "problem" in problem


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("", 0),
        ("1h30m", int((START - 5_400) * 1e6)),
        ("2023-05-24", int(START * 1e6)),
        ("2023-05-24T08:00", int((START + 28_800) * 1e6)),
        ("2023-05-24T07:00+07:00", int(START * 1e6)),
    ],
)
def test_a_moment_is_so_long_ago_or_a_time_in_utc(text: str, us: int) -> None:
    assert moment_us(text, START) == us


def test_nothing_asked_for_is_the_newest_twenty() -> None:
    assert wanted_of({}, START) == Wanted(limit=20)


def test_another_word_is_no_moment() -> None:
    with pytest.raises(SettingsError, match="write 30m, 2h or 7d"):
        moment_us("soon", START)
