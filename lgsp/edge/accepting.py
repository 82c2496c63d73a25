"""Connections before anything is read of them: so many of one address, and a handshake for those alone.

aiohttp's own listener learns of a caller when its TLS stands already; whoever opens connections to have us do that work is not
to get so far.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Hashable
from ipaddress import IPv4Address, ip_address
from itertools import count
from typing import Protocol

from lgsp.clock import Clock

HANDSHAKE = 15.0
"""Seconds for a handshake: as much silence as a request may have."""
_PAUSE = 0.5
_BACKLOG = 1_024
_AT_ONCE = 64
_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Doorman(Protocol):
    """Told of who did not get in. Nothing here may block or raise."""

    def turned_away(self, reason: str, address: str, error: Exception | None = None) -> None:
        """A connection was refused: `address` has too many, no `files` are left, or the `handshake` failed with an error."""
        ...


class Places:
    """How many connections whoever calls from one address may have, and has."""

    def __init__(self, at_most: int) -> None:
        self.at_most = at_most
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._taken.total()

    def take(self, of: str) -> bool:
        """One more, where there is room for it."""
        if self._taken[of] >= self.at_most:
            return False
        self._taken[of] += 1
        return True

    def give_back(self, of: str) -> None:
        """One less."""
        self._taken[of] -= 1
        if not self._taken[of]:
            del self._taken[of]


def whose(address: str) -> str:
    """As whom an address counts: of IPv6 its network of 64 bits, which one caller has whole."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv4Address):
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped is not None else f"{int(found) >> 64:x}"


class Acceptor:
    """Listens, and gives each connection that has a place a protocol of `make`'s, over TLS where there is a context.

    Whoever makes the protocols says `left` when one has lost its connection.
    """

    def __init__(
        self,
        make: Callable[[], asyncio.BaseProtocol],
        places: Places,
        doorman: Doorman,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._make = make
        self._places = places
        self._doorman = doorman
        self._clock = clock
        self._tls = tls
        self._tasks = asyncio.TaskGroup()
        self._sockets: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._beginning: set[asyncio.Task[None]] = set()
        self._at: dict[Hashable, str] = {}

    def __repr__(self) -> str:
        return f"<Acceptor {len(self._places)} connections>"

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, of a free choice where `port` is 0. Raises `OSError`."""
        self._sockets = await _bound(host, port)
        await self._tasks.__aenter__()
        self._accepting = [self._tasks.create_task(self._accept(each)) for each in self._sockets]
        address: tuple[str, int] = self._sockets[0].getsockname()
        return address[1]

    async def stop(self) -> None:
        """Take no new connection; handshakes under way are not waited for."""
        for task in [*self._accepting, *(self._beginning if self._tls else ())]:
            task.cancel()
        if self._sockets:
            await self._tasks.__aexit__(None, None, None)
        for each in self._sockets:
            each.close()

    def left(self, protocol: Hashable) -> None:
        """Its connection is no more."""
        place = self._at.pop(protocol, None)
        if place is not None:
            self._places.give_back(place)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in count(1):
            try:
                connection, (address, *_) = await loop.sock_accept(listening)
            except OSError as error:  # of one connection that is gone again, but for `_FULL`
                if error.errno in _FULL:
                    self._doorman.turned_away("files", "", error)
                    await self._clock.sleep(_PAUSE)
            else:
                self._let_in(connection, address)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # who floods us with connections does not keep us from those that stand

    def _let_in(self, connection: socket.socket, address: str) -> None:
        place = whose(address)
        if not self._places.take(place):
            connection.close()
            self._doorman.turned_away("address", address)
            return
        task = self._tasks.create_task(self._begin(connection, address, place))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _begin(self, connection: socket.socket, address: str, place: str) -> None:
        protocol = self._make()
        self._at[protocol] = place
        begun = False
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE if self._tls else None,
            )
            begun = True
        except (OSError, RuntimeError) as error:  # RuntimeError: uvloop's word for a socket that is gone
            self._doorman.turned_away("handshake", address, error)
        finally:
            if not begun:
                self.left(protocol)


async def _bound(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of a host, all on one port."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    try:
        for family, kind, protocol, _, where in dict.fromkeys(found):
            each = socket.socket(family, kind, protocol)
            made.append(each)
            each.settimeout(0)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind((where[0], port or (made[0].getsockname()[1] if len(made) > 1 else 0), *where[2:]))
            each.listen(_BACKLOG)
    except OSError:
        for each in made:
            each.close()
        raise
    return made
