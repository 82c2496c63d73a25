from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from lgsp.edge.probes import Lookout, Probes
from lgsp.errors import SettingsError

Ask = Callable[..., Awaitable[tuple[int, str]]]


def a_lookout(problems: list[str], *, loopback: bool = True) -> Lookout:
    probes = Probes(lambda: lambda: b"calls 7\n", "text/plain; version=0.0.4", lambda: problems, lambda: ["open"])
    return Lookout(probes, loopback=loopback)


@asynccontextmanager
async def looked_at(*problems: str, loopback: bool = True) -> AsyncIterator[Ask]:
    lookout = a_lookout(list(problems), loopback=loopback)
    port = await lookout.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:

        async def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
            async with session.request(method, f"http://127.0.0.1:{port}{path}", headers=headers) as answer:
                return answer.status, await answer.text()

        yield ask
    await lookout.stop()


async def test_it_shows_metrics_and_health() -> None:
    async with looked_at() as ask:
        assert await ask("/metrics") == (200, "calls 7\n")
        assert await ask("/livez") == (200, "ok\n")
        assert await ask("/readyz") == (200, "ok\n")
    async with looked_at("no broker") as ask:
        assert await ask("/livez") == (200, "ok\n")
        assert await ask("/readyz") == (503, "no broker\n")


@pytest.mark.parametrize("path", ["/", "/login", "/login?code=x", "/transactions", "/lgsp/v1/faults", "/metrics/"])
async def test_nothing_else_stands_there(path: str) -> None:
    async with looked_at() as ask:
        assert (await ask(path))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_nothing_can_be_changed_through_it(method: str) -> None:
    async with looked_at() as ask:
        assert (await ask("/metrics", method))[0] == 405


async def test_beyond_loopback_it_wants_no_token_and_answers_to_every_name() -> None:
    async with looked_at(loopback=False) as ask:
        assert await ask("/metrics", Host="bus.example:9100") == (200, "calls 7\n")


async def test_on_loopback_it_answers_to_loopback_s_names_only() -> None:
    async with looked_at() as ask:
        assert (await ask("/metrics", Host="bus.example"))[0] == 421
        assert (await ask("/metrics", Host="localhost"))[0] == 200


@pytest.mark.parametrize("loopback", [True, False])
async def test_no_page_of_a_browser_may_ask(loopback: bool) -> None:  # noqa: FBT001 - a case
    async with looked_at(loopback=loopback) as ask:
        assert (await ask("/metrics", Origin="http://localhost:3000"))[0] == 403


async def test_a_port_that_is_taken_is_said_with_the_option_that_moves_it() -> None:
    first, second = a_lookout([]), a_lookout([])
    port = await first.start("127.0.0.1", 0)
    with pytest.raises(SettingsError, match=f"the metrics port 127.0.0.1:{port} .* choose another with --metrics"):
        await second.start("127.0.0.1", port)
    await second.stop()
    await first.stop()
