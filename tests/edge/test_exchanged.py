from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from builders import a_service
from ports import TOKEN, an_admin_port

from lgsp.catalogue.service import Catalogue
from lgsp.clock import ManualClock
from lgsp.edge.exchanged import PATH, Exchanged, readable
from lgsp.edge.exchanges import PATH as JSON
from lgsp.edge.exchanges import Exchanges
from lgsp.edge.phrases import phrases
from lgsp.model import Outcome, Reply, Request, Transaction
from lgsp.taps.recorder import Recorder

EVIL = "</pre><script>alert(1)</script>[[rows]]{{title}}"
Ask = Callable[..., Any]


def a_transaction(
    number: int, service: str, body: str, said: str, outcome: Outcome = Outcome.OK, reason: str = ""
) -> Transaction:
    request = Request(f"t{number}", service, "POST /a/{id}", f"/a/{number}", query="x=1", key="k", consumer="tester", headers={"x-a": "1"}, body=body.encode())  # fmt: skip
    reply = Reply(request.id, status=200 if outcome is Outcome.OK else 400, body=said.encode(), headers={"x-b": "2"})
    return Transaction(request, reply if said else None, outcome, reason, 1_684_886_400.0 + number, 0.1)


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[tuple[Recorder, Ask]]:
    clock = ManualClock()
    catalogue = Catalogue({"svc": a_service("svc"), "real": a_service("real", mode="spy")})
    recorder = Recorder(clock, catalogue, "gw1", lambda record: record, tmp_path, lambda _: None)
    exchanges = Exchanges(recorder, catalogue)
    routes = [*exchanges.routes(), *Exchanged(exchanges).routes()]

    async def ask(path: str, token: str = "") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with aiohttp.ClientSession() as session, session.get(url + path, headers=headers) as answer:
            assert "script-src 'self'" in answer.headers.get("Content-Security-Policy", "script-src 'self'")
            return answer.status, await answer.text()

    async with an_admin_port(routes, clock) as url:
        yield recorder, ask


def summaries(page: str) -> list[str]:
    found = re.findall(r"<summary>(.*?)</summary>", page)
    return [" ".join(filter(None, re.findall(r">([^<>]*)<", summary))) for summary in found]


async def test_none_one_and_many_are_shown_newest_first_with_what_was_said(seen: tuple[Recorder, Ask]) -> None:
    recorder, ask = seen
    say = phrases("vi")
    assert say["exchanges-none"] in (await ask(f"{PATH}?lang=vi"))[1]
    tap = recorder.tap("gateway")
    tap.saw(a_transaction(1, "svc", '{"a":1}', '{"b":"đ"}'))
    tap.saw(a_transaction(2, "svc", "", "", Outcome.TIMEOUT, "silent"))
    status, page = await ask(f"{PATH}?lang=vi")
    assert status == 200
    assert summaries(page) == [
        f"00:00:02.000 svc POST /a/{{id}} {say['timeout']}",
        f"00:00:01.000 svc POST /a/{{id}} {say['ok']}",
    ]
    said = [unescape(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]
    assert said == [
        "POST /a/2?x=1\nx-a: 1",
        'POST /a/1?x=1\nx-a: 1\n\n{\n  "a": 1\n}',
        '200\nx-b: 2\n\n{\n  "b": "đ"\n}',
    ]
    assert say["no-reply"] in page
    assert "silent" in page
    assert summaries((await ask(f"{PATH}?outcome=timeout"))[1])[0].startswith("00:00:02.000")
    assert summaries((await ask(f"{PATH}?service=other"))[1]) == []


async def test_a_refusal_says_which_field_was_wrong(seen: tuple[Recorder, Ask]) -> None:
    recorder, ask = seen
    tap = recorder.tap("gateway")
    tap.saw(
        a_transaction(1, "svc", '{"plate":"30A"}', '{"code":"bad","message":"no such plate: 30A"}', Outcome.REJECTED)
    )
    tap.saw(a_transaction(2, "svc", '{"plate":"30A"}', '{"message":"no such plate: 30A"}', Outcome.BUSINESS_FAULT))
    for language in ("vi", "en"):
        _, page = await ask(f"{PATH}?lang={language}")
        found = re.findall(r'<span class="wrong">([^<]*)</span>', page)
        assert found == ["", f"{phrases(language)['wrong-field']} plate"]
    assert '"wrong": ["plate"]' in (await ask(JSON))[1]


async def test_what_a_real_provider_said_wants_the_admin_token(seen: tuple[Recorder, Ask]) -> None:
    recorder, ask = seen
    recorder.tap("gateway").saw(a_transaction(1, "real", "asked about somebody", "told of somebody"))
    recorder.tap("gateway").saw(a_transaction(2, "gone", "asked about somebody", "told of somebody"))
    for path in (f"{PATH}?lang=en", JSON):
        for token, shown in (("", False), ("wrong", False), (TOKEN, True)):
            _, page = await ask(path, token)
            assert ("asked about somebody" in page, "told of somebody" in page) == (shown, shown), (path, token)
            assert "real" in page
    assert phrases("en")["exchange-closed"] in (await ask(f"{PATH}?lang=en"))[1]


async def test_what_somebody_said_is_text_and_never_markup(seen: tuple[Recorder, Ask]) -> None:
    recorder, ask = seen
    recorder.tap("gateway").saw(a_transaction(1, EVIL, EVIL, EVIL, reason=EVIL))
    _, page = await ask(f"{PATH}?service={EVIL.replace('/', '%2F')}&lang=en", TOKEN)
    assert "<script" not in page
    assert page.count("{{title}}") >= 3


@pytest.mark.parametrize(
    ("body", "shown"),
    [(b"", ""), (b"[1]", "[\n  1\n]"), (b"[1", "[1"), (b"\xff", "\ufffd"), (b"x" * 30_000, "x" * 20_000 + " …")],
)
def test_a_body_is_laid_out_to_read(body: bytes, shown: str) -> None:
    assert readable(body) == shown
