"""What the gateway tells about itself, asked over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from builders import a_service

from lgsp.catalogue.parse import RESERVED
from lgsp.catalogue.service import Catalogue
from lgsp.edge.pages import Pages

ASSETS = Path(__file__).parents[2] / "lgsp" / "edge" / "docs"


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Stage:
    pages: Pages
    url: str
    session: aiohttp.ClientSession

    async def ask(self, path: str = "/openapi.json", method: str = "GET", **headers: str) -> Answer:
        async with self.session.request(method, self.url + path, headers=headers) as response:
            return Answer(response.status, response.headers, await response.read())


@asynccontextmanager
async def stage(*services: str) -> AsyncIterator[Stage]:
    made = Pages(of(*services), "1.2.3")
    known = made.by_path()

    async def handle(http: web.BaseRequest) -> web.StreamResponse:
        return await known[http.path](http, b"")

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession() as session:
        yield Stage(made, f"http://127.0.0.1:{runner.addresses[0][1]}", session)
    await runner.cleanup()


def of(*services: str) -> Catalogue:
    return Catalogue({name: a_service(name) for name in services})


async def test_the_document_is_that_of_the_catalogue() -> None:
    async with stage("one", "two") as made:
        answer = await made.ask()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        document = json.loads(answer.body)
        assert document["info"]["version"] == "1.2.3"
        assert list(document["paths"])[:2] == ["/one/x", "/two/x"]


async def test_an_etag_saves_the_body_until_the_catalogue_changes() -> None:
    async with stage("one") as made:
        first = await made.ask()
        tag = first.headers["ETag"]
        for known in (tag, f'"other", W/{tag}', "*"):
            again = await made.ask(**{"If-None-Match": known})
            assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
        made.pages.prepare(of("one", "two"))()
        changed = await made.ask(**{"If-None-Match": tag})
        assert changed.status == 200
        assert changed.headers["ETag"] != tag
        made.pages.prepare(of("one"))()
        assert (await made.ask()).headers["ETag"] == tag


async def test_a_version_that_is_prepared_and_not_put_into_force_is_not_shown() -> None:
    async with stage("one") as made:
        made.pages.prepare(of("two"))
        assert next(iter(json.loads((await made.ask()).body)["paths"])) == "/one/x"


async def test_a_version_is_rendered_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[object] = []
    from lgsp.edge import pages as module

    real = module._render

    def noted(*arguments: Any) -> Any:
        rendered.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(module, "_render", noted)
    async with stage("one") as made:
        assert len({answer.body for answer in await asyncio.gather(*(made.ask() for _ in range(20)))}) == 1
        assert len(rendered) == 1


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/docs.css", "/docs/docs.js"])
async def test_every_page_is_shut_tight_and_answers_get_and_head_alone(path: str) -> None:
    async with stage("one") as made:
        got = await made.ask(path)
        assert got.status == 200
        policy = got.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        head = await made.ask(path, "HEAD")
        assert (head.status, head.body, head.headers["ETag"]) == (200, b"", got.headers["ETag"])
        refused = await made.ask(path, "POST")
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_no_service_can_take_a_page_s_path() -> None:
    contexts = {"/" + path.split("/")[1] for path in Pages(of(), "1").by_path()}
    assert contexts <= set(RESERVED)


class Parts(HTMLParser):
    """Elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_fetches_only_what_the_gateway_serves_and_has_no_inline_code() -> None:
    served = set(Pages(of(), "1").by_path())
    parts = Parts((ASSETS / "docs.html").read_text()).found
    places = [value for _, attributes in parts for name, value in attributes.items() if name in {"src", "href"}]
    assert set(places) == {"/docs/docs.css", "/docs/docs.js", "/openapi.json"} <= served
    for tag, attributes in parts:
        assert tag != "script" or "src" in attributes
        assert tag != "style"
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    script = (ASSETS / "docs.js").read_text()
    assert set(re.findall(r'fetch\("([^"]*)"', script)) == {"/openapi.json"}
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|https?://", script
    )
    assert "url(" not in (ASSETS / "docs.css").read_text()


def test_the_page_speaks_both_languages_with_the_same_words() -> None:
    script = (ASSETS / "docs.js").read_text()
    vi, en = (script.partition(f"  {language}: {{")[2].partition("\n  },")[0] for language in ("vi", "en"))
    word = re.compile(r"(?m)(?:^ *|, |\{ )(\w+): [\"(]")
    assert set(word.findall(vi)) == set(word.findall(en)) >= {"filter", "none", "try", "assumed"}
