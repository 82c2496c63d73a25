from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from lgsp.clock import ManualClock
from lgsp.edge.admin import Admin
from lgsp.edge.audit import Audit
from lgsp.edge.guard import COOKIE, Guard, Role
from lgsp.errors import SettingsError

BEARER = {"Authorization": "Bearer made-up-token"}


@dataclass
class Stage:
    """An admin port, and what the process behind it says of itself."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rendered_by: list[threading.Thread] = field(default_factory=list)
    port: int = 0
    made_guard: Guard | None = None
    session: aiohttp.ClientSession | None = None

    def guard(self, *, loopback: bool) -> Guard:
        self.made_guard = Guard({Role.ADMIN: "made-up-token"}, lambda: 1_000.0, loopback=loopback)
        return self.made_guard

    def render(self) -> bytes:
        self.rendered_by.append(threading.current_thread())
        return "tên 1\n".encode()

    async def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, Any]:
        assert self.session is not None
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, headers=headers) as response:
            kind = response.headers["Content-Type"]
            content = await (response.json() if kind.startswith("application/json") else response.text())
            return response.status, kind, content


def an_admin(made: Stage, *, loopback: bool = True) -> Admin:
    return Admin(
        lambda: made.render,
        "text/plain; version=0.0.4; charset=utf-8",
        lambda: made.problems,
        lambda: made.notes,
        loopback=loopback,
        guard=made.guard(loopback=loopback),
        audit=Audit(ManualClock()),
        routes=[web.post("/change", changed)],
    )


async def changed(_: web.Request) -> web.Response:
    return web.Response(text="changed\n")


@asynccontextmanager
async def stage(*, loopback: bool = True) -> AsyncIterator[Stage]:
    made = Stage()
    admin = an_admin(made, loopback=loopback)
    made.port = await admin.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as made.session:
        yield made
    await admin.stop()


async def test_metrics_are_rendered_off_the_loop_in_prometheus_form() -> None:
    async with stage() as made:
        assert await made.ask("/metrics") == (200, "text/plain; version=0.0.4; charset=utf-8", "tên 1\n")
        assert made.rendered_by != [threading.current_thread()]


async def test_a_process_that_answers_is_alive_whatever_its_problems() -> None:
    async with stage() as made:
        made.problems = ["no broker"]
        assert (await made.ask("/livez"))[::2] == (200, "ok\n")


async def test_a_process_without_problems_is_ready() -> None:
    async with stage() as made:
        made.notes = ["open"]
        assert (await made.ask("/readyz"))[::2] == (200, "ok\n")
        assert (await made.ask("/readyz?verbose"))[::2] == (200, {"ready": True, "problems": [], "notes": ["open"]})


async def test_a_process_with_problems_is_not_and_says_which() -> None:
    async with stage() as made:
        made.problems = ["no broker", "going down"]
        assert (await made.ask("/readyz"))[::2] == (503, "no broker\ngoing down\n")
        expected = {"ready": False, "problems": ["no broker", "going down"], "notes": []}
        assert (await made.ask("/readyz?verbose"))[::2] == (503, expected)


async def test_the_first_page_names_the_others() -> None:
    async with stage() as made:
        status, _, text = await made.ask("/")
        assert status == 200
        assert all(path in text for path in ("/metrics", "/livez", "/readyz"))


@pytest.mark.parametrize(("path", "method", "status"), [("/nothing", "GET", 404), ("/metrics", "POST", 405)])
async def test_what_is_not_there_is_not_there(path: str, method: str, status: int) -> None:
    async with stage() as made:
        assert (await made.ask(path, method, **BEARER))[0] == status


PATHS = ["/", "/metrics", "/livez", "/readyz", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
async def test_another_name_than_loopbacks_is_not_answered(path: str) -> None:
    async with stage() as made:
        assert (await made.ask(path, Host="lgsp.example.org"))[0] == 421
        assert made.rendered_by == []


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_of_another_origin_may_not_ask(path: str) -> None:
    async with stage() as made:
        assert (await made.ask(path, Origin="http://example.org"))[0] == 403
        assert (await made.ask(path, Origin="null"))[0] == 403
        assert made.rendered_by == []


@pytest.mark.parametrize("headers", [{"Host": "localhost:1"}, {"Origin": "http://localhost:3000"}])
async def test_names_and_pages_of_loopback_are_answered(headers: dict[str, str]) -> None:
    async with stage() as made:
        assert (await made.ask("/livez", **headers))[0] == 200


async def test_beyond_loopback_any_name_is_answered_and_other_origins_still_are_not() -> None:
    async with stage(loopback=False) as made:
        assert (await made.ask("/livez", Host="lgsp.example.org"))[0] == 200
        assert (await made.ask("/livez", Origin="http://example.org"))[0] == 403


async def test_a_port_that_is_taken_is_a_mistake_of_the_settings() -> None:
    async with stage() as made:
        other = an_admin(made)
        with pytest.raises(SettingsError, match="choose another with --admin"):
            await other.start("127.0.0.1", made.port)
        await other.stop()


async def test_an_admin_port_that_never_opened_can_be_stopped() -> None:
    await an_admin(Stage()).stop()


async def test_on_loopback_reading_is_free_and_changing_wants_the_token() -> None:
    async with stage() as made:
        assert (await made.ask("/metrics"))[0] == 200
        status, _, says = await made.ask("/change", "POST")
        assert status == 401
        assert "secrets/admin-token" in says
        assert (await made.ask("/change", "POST", **BEARER))[0] == 200


async def test_beyond_loopback_all_but_the_health_pages_wants_the_token() -> None:
    async with stage(loopback=False) as made:
        assert [(await made.ask(path))[0] for path in ("/livez", "/readyz", "/metrics", "/")] == [200, 200, 401, 401]
        assert (await made.ask("/metrics", **BEARER))[0] == 200


async def test_a_link_with_a_code_opens_the_door_to_one_browser() -> None:
    async with stage() as made:
        assert made.made_guard
        assert made.session
        code = made.made_guard.code()
        url = f"http://127.0.0.1:{made.port}/login?code={code}"
        async with made.session.get(url, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        session = cookie.partition(f"{COOKIE}=")[2].partition(";")[0]
        assert (await made.ask("/change", "POST", Cookie=f"{COOKIE}={session}"))[0] == 200
        assert (await made.ask(f"/login?code={code}"))[0] == 403
