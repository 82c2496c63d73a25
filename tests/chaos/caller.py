"""The callers: a plain HTTP client that is not lgsp's code, and never asks twice by itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from checker import Call, End, Pause

_IDLE = 4.0
_HARD = 15.0
_STALL = 0.2


class Broken(Exception):
    """The connection was refused, reset, or ended in mid-answer."""


class Caller:
    """Connections to any number of addresses, each used for one request at a time."""

    def __init__(self) -> None:
        self._idle: dict[str, list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]]] = defaultdict(list)

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, body. Raises `Broken`; does not try again."""
        parts = urlsplit(url)
        try:
            reader, writer = await self._connection(parts.netloc)
            try:
                head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                target = parts.path + (f"?{parts.query}" if parts.query else "")
                length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
                writer.write(
                    f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{length}{head}\r\n".encode() + body
                )
                answer = await self._answer(reader)
            except BaseException:
                writer.transport.abort()
                raise
        except (OSError, EOFError, ValueError, IndexError) as error:
            raise Broken(repr(error)) from error
        if answer[1].get("connection", "").lower() == "close":
            writer.transport.abort()
        else:
            self._idle[parts.netloc].append((time.monotonic(), reader, writer))
        return answer

    async def _connection(self, place: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        idle = self._idle[place]
        while idle:
            since, reader, writer = idle.pop()
            if time.monotonic() - since < _IDLE and not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.transport.abort()
        host, _, port = place.partition(":")
        return await asyncio.open_connection(host, int(port))

    @staticmethod
    async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if value}
        return int(first.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0")))

    def close(self) -> None:
        """Drop every connection."""
        for idle in self._idle.values():
            for _, _, writer in idle:
                writer.transport.abort()
        self._idle.clear()


async def token_of(caller: Caller, url: str, secret: str) -> str:
    """A token of the consumer `chaos`. Raises `Broken` where the gateway has none to give at this moment."""
    form = urlencode({"grant_type": "client_credentials", "client_id": "chaos", "client_secret": secret}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, body = await caller.ask("POST", f"{url}/token", headers, form)
    if status in {429, 503}:
        raise Broken(body.decode())
    assert status == 200, body
    token: str = json.loads(body)["access_token"]
    return token


@dataclass(frozen=True, slots=True)
class Way:
    """How something is asked: its method, and for what is stored a key of its own, and whether to wait for the end."""

    method: str
    stored: bool = False
    waits: bool = True


async def call(caller: Caller, url: str, token: str, *, gateway: str, service: str, way: Way, nonce: str) -> Call:
    """One request, and what became of it as its caller sees it."""
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{nonce}-{nonce[:16]}-01"}
    if way.stored:
        headers["Idempotency-Key"] = nonce
    if not way.waits:
        headers["Prefer"] = "respond-async"
    status, told, body = 0, {}, b""
    try:
        async with asyncio.timeout(_HARD):
            status, told, body = await caller.ask(way.method, f"{url}/{service}/items/{nonce}", headers)
    except (Broken, TimeoutError):
        pass  # status 0 says so
    return Call(
        nonce,
        gateway,
        service,
        way.method,
        began,
        time.monotonic(),
        status,
        told.get("x-lgsp-outcome", ""),
        told.get("x-transaction-id", ""),
        echo_of(body),
    )


async def look(caller: Caller, url: str, token: str, transaction: str) -> End | None:
    """What its sender is told of a transaction that was answered 202; `None` while it has no outcome, or nobody answers."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with asyncio.timeout(_HARD):
            status, _, body = await caller.ask("GET", f"{url}/lgsp/v1/transactions/{transaction}", headers)
            if status == 404:
                return End("", status)
            told = json.loads(body)
            if status != 200 or not told["outcome"]:
                return None
            status, said, body = await caller.ask("GET", f"{url}{told['result']}", headers)
    except (Broken, TimeoutError):
        return None
    if said.get("x-lgsp-outcome", "") != told["outcome"]:  # the ledger cannot be read at this moment
        return None
    return End(told["outcome"], status, echo_of(body))


def echo_of(body: bytes) -> str:
    """The nonce that an answer speaks of."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("nonce", "")) if isinstance(said, dict) else ""


async def watch_for_stalls(note: Callable[[Pause], None]) -> None:
    """Note when the callers themselves had no turn: what they measured then says nothing about lgsp."""
    while True:
        due = time.monotonic() + 0.05
        await asyncio.sleep(0.05)
        now = time.monotonic()
        if now - due > _STALL:
            note(Pause("*", due, now))
