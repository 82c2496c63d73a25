from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from ledgers import START, a_ledger, asked, pass_through
from ports import an_admin_port

from lgsp.clock import ManualClock
from lgsp.edge.search import PATH, Search, wanted_of
from lgsp.errors import SettingsError
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader, Wanted
from lgsp.model import Outcome

EVIL = '"><script>alert(1)</script>[[rows]]{{title}}'


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    clock = ManualClock(START)
    search = Search(Reader(Files(tmp_path, "gw1")), lambda: ["svc", "other"], clock)
    async with an_admin_port(search.routes(), clock) as port:
        yield port + PATH


async def ask(url: str, **fields: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}?{urlencode(fields)}") as answer:
        return answer.status, await answer.text()


def ids(page: str) -> list[str]:
    return re.findall(r'<td class="id"><a [^>]*>([^<]+)</a>', page)


async def test_transactions_are_found_by_what_a_board_s_link_names(tmp_path: Path, url: str) -> None:
    async with a_ledger(tmp_path) as ledger:
        ok = await pass_through(ledger, 2, service="svc")
        poor = await pass_through(ledger, 1, Outcome.TIMEOUT, service="svc")
        other = await pass_through(ledger, 1, service="other")
        await ledger.flush()
        for fields, found in (
            ({}, [*other, *poor, *reversed(ok)]),
            ({"service": "svc"}, [*poor, *reversed(ok)]),
            ({"service": "svc", "outcome": "timeout"}, poor),
            ({"id": other[0].id}, other),
            ({"from": "1684886400000", "to": "1684886400001", "service": "svc"}, [*poor, *reversed(ok)]),
            ({"to": "2023-05-24T00:00"}, []),
            ({"from": "2023-05-24T00:00:01"}, []),
            ({"id": "nobody's"}, []),
        ):
            status, page = await ask(url, **fields)
            assert status == 200
            assert ids(page) == [request.id for request in found], fields


async def test_what_somebody_wrote_is_text_and_never_markup(tmp_path: Path, url: str) -> None:
    async with a_ledger(tmp_path) as ledger:
        request = asked(service=EVIL, operation=f"GET /{EVIL}", consumer=EVIL)
        await ledger.open(request)
        status, page = await ask(url, id="x", service=EVIL, outcome="", **{"from": EVIL, "to": EVIL})
        assert (status, page.count("<script"), page.count("<tbody>")) == (200, 0, 1)
        assert "[[rows]]{{title}}" in page
        status, page = await ask(url)
        assert (status, page.count("<script")) == (200, 0)
        assert ids(page) == [request.id]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("outcome", "fine", "is no outcome"), ("limit", "7", "one of 50"), ("from", "soon", "is no moment")],
)
async def test_a_value_that_is_none_is_refused_in_words(
    tmp_path: Path, url: str, field: str, value: str, says: str
) -> None:
    async with a_ledger(tmp_path):
        for form in ("html", "json", "csv"):
            status, text = await ask(url, **{field: value, "format": form})
            assert status == 400
            assert says in text


async def test_a_ledger_that_is_not_there_is_said_and_not_an_empty_list(url: str) -> None:
    status, page = await ask(url)
    assert status == 400
    assert "no ledger of" in page


async def test_programs_get_the_same_rows(tmp_path: Path, url: str) -> None:
    async with a_ledger(tmp_path) as ledger:
        [request] = await pass_through(ledger, 1, Outcome.REJECTED, service="svc", consumer="=1+1")
        [line] = csv.DictReader(io.StringIO((await ask(url, format="csv"))[1]))
        assert (line["id"], line["outcome"], line["service"], line["fault"]) == (
            request.id,
            "rejected",
            "svc",
            "caller",
        )
        assert f'"id": "{request.id}"' in (await ask(url, format="json"))[1]


def test_a_form_that_is_empty_asks_for_the_newest() -> None:
    assert wanted_of({}, START) == Wanted(limit=50)
    asks = {"service": "svc", "outcome": "open", "from": "1h", "to": " 30m ", "limit": "200"}
    now = int(START * 1e6)
    assert wanted_of(asks, START) == Wanted("svc", "", "open", now - 3_600_000_000, now - 1_800_000_000, 200)
    with pytest.raises(SettingsError):
        wanted_of({"limit": "1e9"}, START)
