"""Connections at the gateway's door: so many of one address, a handshake for those alone, and what is said of the others."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from gateways import stage, until
from structlog.testing import capture_logs

from lgsp.clock import ManualClock, SystemClock
from lgsp.edge import accepting
from lgsp.edge.accepting import Acceptor, Places, whose
from lgsp.edge.tls import hand_out, listening, make_authority, make_certificate, wants_to_see
from lgsp.trust import context_of

LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
"""The gateway runs on uvloop, most tests on the other."""
NewLoop = Callable[[], asyncio.AbstractEventLoop]


def run(new_loop: NewLoop, what: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(what)


async def opened(port: int, **more: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, **more)  # type: ignore[arg-type]  # of a connection


async def is_cut(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


def test_an_address_has_so_many_places_and_another_has_its_own() -> None:
    places = Places(2)
    assert [places.take(of) for of in ("a", "a", "a", "b")] == [True, True, False, True]
    assert len(places) == 3
    places.give_back("a")
    assert [places.take(of) for of in ("a", "a")] == [True, False]
    for of in ("a", "a", "b"):
        places.give_back(of)
    assert (len(places), len(places._taken)) == (0, 0)


@pytest.mark.parametrize(
    ("address", "other", "are_one"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_an_ipv6_caller_counts_by_its_network(address: str, other: str, are_one: bool) -> None:  # noqa: FBT001 - a table
    assert (whose(address) == whose(other)) is are_one


@LOOPS
def test_one_more_than_an_address_may_have_is_cut_off_unread_and_finds_room_when_another_goes(
    new_loop: NewLoop,
) -> None:
    async def happens() -> None:
        async with stage(max_connections=2) as made:
            with capture_logs() as logs:
                first, second = await opened(made.port), await opened(made.port)
                await until(lambda: len(made.gateway._listener.places) == 2)
                for _ in range(3):
                    reader, writer = await opened(made.port)
                    assert await is_cut(reader)
                    writer.close()
            assert made.watch.away == ["address"] * 3
            assert [(log["event"], log["why"], log["address"]) for log in logs] == [
                ("caller refused", "it has 2 connections already", "127.0.0.1")
            ]
            first[1].close()
            await until(lambda: len(made.gateway._listener.places) == 1)
            assert (await made.ask()).status == 200
            second[1].close()
        assert len(made.gateway._listener.places) == 0

    run(new_loop, happens())


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    file = tmp_path / "ours.pem"
    file.write_bytes(make_authority(SystemClock().now()))
    return file


def tls_of(place: Path, authority: Path) -> ssl.SSLContext:
    context = listening(hand_out(place / "gateway", {"gateway": ()}, (), SystemClock().now())["gateway"])
    wants_to_see(context, authority)
    return context


@LOOPS
def test_a_handshake_that_is_not_made_takes_a_place_and_no_work_is_done_for_one_without(
    new_loop: NewLoop, tmp_path: Path, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def happens() -> None:
        begun: list[int] = []
        tls = tls_of(tmp_path, authority)

        class Counted(ssl.SSLObject):
            def do_handshake(self) -> None:
                begun.append(1)
                super().do_handshake()

        monkeypatch.setattr(tls, "sslobject_class", Counted)
        async with stage(max_connections=1, tls=tls) as made:
            _, silent = await opened(made.port)
            await until(lambda: begun == [1])
            trusting = context_of(tmp_path / "gateway" / "authority.crt", None)
            begun.clear()
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await opened(made.port, ssl=trusting, server_hostname="localhost")
            assert (begun, made.watch.away) == ([], ["address"])
            silent.write(b"GET / HTTP/1.1\r\n\r\n")
            await until(lambda: made.watch.away == ["address", "handshake"])
            _, good = await opened(made.port, ssl=trusting, server_hostname="localhost")
            assert len(made.gateway._listener.places) == 1
            good.close()
            silent.close()

    run(new_loop, happens())


@LOOPS
def test_the_end_does_not_wait_for_a_handshake(new_loop: NewLoop, tmp_path: Path, authority: Path) -> None:
    async def happens() -> None:
        async with stage(tls=tls_of(tmp_path, authority)) as made:
            reader, silent = await opened(made.port)
            await until(lambda: len(made.gateway._listener.places) == 1)
        async with asyncio.timeout(5):
            assert await is_cut(reader)
        assert len(made.gateway._listener.places) == 0
        silent.close()

    run(new_loop, happens())


@LOOPS
def test_a_crowd_that_comes_at_once_is_let_in_whole(new_loop: NewLoop) -> None:
    async def happens() -> None:
        async with stage() as made:
            came = await asyncio.gather(*(opened(made.port) for _ in range(3 * accepting._AT_ONCE)))
            await until(lambda: len(made.gateway._listener.places) == len(came))
            assert (await made.ask()).status == 200
            for _, writer in came:
                writer.close()
            await until(lambda: len(made.gateway._listener.places) <= 1)

    run(new_loop, happens())


@LOOPS
def test_a_certificate_that_does_not_hold_is_named_with_its_address(
    new_loop: NewLoop, tmp_path: Path, authority: Path
) -> None:
    async def happens() -> None:
        forged = tmp_path / "forged.pem"
        now = SystemClock().now()
        forged.write_bytes(make_certificate(make_authority(now), ["one-stop.example.org"], now, is_client=True, days=1))
        async with stage(tls=tls_of(tmp_path, authority)) as made:
            with capture_logs() as logs:
                shown = context_of(tmp_path / "gateway" / "authority.crt", forged)
                with contextlib.suppress(
                    ssl.SSLError, ConnectionError
                ):  # TLS 1.3 tells the client with its first reading
                    reader, writer = await opened(made.port, ssl=shown, server_hostname="localhost")
                    await is_cut(reader)
                    writer.close()
                await until(lambda: bool(made.watch.away))
            assert made.watch.away == ["handshake"]
            assert [(log["event"], log["why"].partition(" (")[0], log["address"]) for log in logs] == [
                ("caller refused", "its certificate comes from an authority that is not trusted here", "127.0.0.1")
            ]
            assert len(made.gateway._listener.places) == 0

    run(new_loop, happens())


async def test_without_files_it_waits_and_goes_on() -> None:
    class Without:
        """A doorman, and a listening socket that has no file left twice."""

        def __init__(self) -> None:
            self.away: list[tuple[str, str]] = []

        def turned_away(self, reason: str, address: str, error: Exception | None = None) -> None:
            assert isinstance(error, OSError)
            self.away.append((reason, address))

    doorman, clock, arrived = Without(), ManualClock(), asyncio.Event()

    class Arrived(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            arrived.set()
            transport.close()

    acceptor = Acceptor(Arrived, Places(9), doorman, clock)
    loop = asyncio.get_running_loop()
    real, missing = loop.sock_accept, [errno.EMFILE, errno.EMFILE, errno.ECONNABORTED]

    class Loop:
        def __getattr__(self, name: str) -> object:
            return getattr(loop, name)

        async def sock_accept(self, listening: socket.socket) -> tuple[socket.socket, object]:
            if missing:
                raise OSError(missing.pop(0), "made up")
            return await real(listening)

    with pytest.MonkeyPatch.context() as patch:
        port = await acceptor.start("127.0.0.1", 0)
        patch.setattr(accepting.asyncio, "get_running_loop", Loop)
        _, writer = await opened(port)
        await clock.advance(10 * accepting._PAUSE)
        await arrived.wait()
    assert doorman.away == [("files", "")] * 2
    writer.close()
    await acceptor.stop()


async def test_a_port_of_a_free_choice_is_one_for_all_addresses_of_a_host() -> None:
    acceptor = Acceptor(asyncio.Protocol, Places(9), None, ManualClock())  # type: ignore[arg-type]  # nobody is refused
    port = await acceptor.start("localhost", 0)
    assert {each.getsockname()[1] for each in acceptor._sockets} == {port}
    await acceptor.stop()
