"""Systems that a replay asks: on a thread and a port of their own, one of them a desk with tokens and tickets."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web
from click.testing import CliRunner

from lgsp.cli import lgsp

MS = 1_000_000


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(lgsp, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


@contextmanager
def served(app: Callable[[], web.Application]) -> Iterator[str]:
    """An application on a thread and a free port of its own; its address."""
    told: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        runner = web.AppRunner(app(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        told.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        up.set()
        await asyncio.to_thread(down.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert up.wait(10)
    try:
        yield told[0]
    finally:
        down.set()
        thread.join(10)


class Desk:
    """A system that gives random tokens and numbers, and refuses all others."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._tokens: set[str] = set()
        self._tickets: set[str] = set()

    def answer(self, method: str, path: str, token: str) -> tuple[int, dict[str, object]]:
        if path == "/login":
            self._tokens.add(new := f"{self._chance.getrandbits(128):032x}")
            return 200, {"user": "clerk", "token": new}
        if token not in self._tokens:
            return 401, {"says": "who are you"}
        if (method, path) == ("POST", "/tickets"):
            self._tickets.add(ticket := f"T-{self._chance.getrandbits(40)}")
            return 201, {"ticket": ticket}
        known = path.removeprefix("/tickets/") in self._tickets
        return (200, {"state": "open"}) if known else (404, {"says": "no such ticket"})

    def app(self) -> web.Application:
        async def handle(http: web.Request) -> web.Response:
            token = http.headers.get("authorization", "").removeprefix("Bearer ")
            status, body = self.answer(http.method, http.path, token)
            return web.json_response(body, status=status)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handle)
        return app
