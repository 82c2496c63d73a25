"""Which candidates there are, and in which groups they take turns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bench import configs
from bench.console import Watched
from bench.figures import Round
from bench.loop import Loop, Place
from bench.peers import payload
from bench.process import REPOSITORY, free_port
from bench.punctual import Paced, autocannon, replayed
from bench.web import Server, Web

_PEERS = REPOSITORY / "bench" / "peers"
_OWN_QUEUES = "queues and reply queue of its own through the default exchange, transient"

_QUICK = {
    "lgsp",
    "lgsp, embedded bus",
    "aio-pika RPC",
    "amqplib",
    "librabbitmq",
    "lgsp, shipped services",
    "lgsp up, embedded bus",
    "aiohttp + aio-pika RPC",
    "aiohttp echo",
    "28 services",
    "2800 services",
}


class Candidate(Protocol):
    """Something that takes turns: `run` is its verb. Everything but `stop` may raise `Broken`."""

    name: str
    differs: str
    cases: tuple[str, ...]

    def queues(self) -> Sequence[str]:
        """The services whose queues it needs."""
        ...

    def start(self, place: Place) -> None:
        """Start its processes."""
        ...

    def ready(self) -> None:
        """Wait until they are up."""
        ...

    def run(self, case: str, seconds: float) -> Round:
        """One round."""
        ...

    def memory(self) -> Mapping[str, float]:
        """Peak memory by party, MiB."""
        ...

    def stop(self) -> None:
        """End its processes."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates that take turns on one broker; `title` says what is measured, `note` what all have alike."""

    name: str
    title: str
    note: str
    candidates: Sequence[Candidate]
    stores: bool = False
    """Whether it stores and forwards."""


def groups(directory: Path, *, quick: bool) -> list[Group]:
    """All groups, or what the quick ratios need; what the candidates need of files lies in `directory`."""
    payload.write(directory)
    made = [_bus(directory), _http(directory), _services(directory, (28, 2800) if quick else (28, 280, 2800))]
    if quick:
        return [shortened(group) for group in made]
    return [*made, _stored(directory), _bodies(directory), _connectors(directory), _console(directory), _punctual()]


def shortened(group: Group) -> Group:
    """The candidates that the quick ratios need, over the bus at 1 and 64 in flight."""
    kept = [candidate for candidate in group.candidates if candidate.name in _QUICK]
    for candidate in kept:
        candidate.cases = tuple(case for case in candidate.cases if case in {"1", "64"})
    return replace(group, candidates=kept)


def python(module: str) -> list[str]:
    """A program of `bench/peers` in our environment."""
    return [sys.executable, "-m", f"bench.peers.{module}"]


def _bus(directory: Path) -> Group:
    same = "two properties a message; no ids, no expiry"
    return Group(
        "bus",
        "Request and reply over the bus, closed loop",
        "request 328 B, reply 641 B, 28 services, acknowledged after the reply, prefetch 256; "
        "lgsp: requests mandatory and confirmed, ten properties and its headers",
        [
            Loop("lgsp", "lgsp", python("lgsp_bus")),
            Loop(
                "lgsp, embedded bus",
                "embedded",
                python("lgsp_bus"),
                "one process, no broker",
                mode="embedded",
                alone=True,
            ),
            Loop("aio-pika RPC", "rpc", python("aio_pika_rpc"), f"JSON inside; {_OWN_QUEUES}"),
            Loop("aio-pika RPC, uvloop", "rpcuv", python("aio_pika_rpc"), "the same on uvloop", mode="uvloop"),
            Loop(
                "FastStream",
                "faststream",
                [str(REPOSITORY / "bench" / ".venv" / "bin" / "python"), "-m", "bench.peers.faststream_request"],
                "queues of its own, direct reply-to; one call outstanding at a time",
            ),
            Loop("amqplib", "amqplib", ["node", str(_PEERS / "amqplib.mjs")], f"no confirms, not mandatory; {same}"),
            Loop(
                "amqplib, confirms",
                "amqplibc",
                ["node", str(_PEERS / "amqplib.mjs")],
                f"requests mandatory and confirmed; {same}",
                mode="confirms",
            ),
            Loop(
                "librabbitmq",
                "c",
                [str(directory / "librabbitmq")],
                f"no confirms, not mandatory; {same}",
                source=_PEERS / "librabbitmq.c",
            ),
            Loop(
                "librabbitmq, confirms",
                "cc",
                [str(directory / "librabbitmq")],
                f"requests mandatory and confirmed; {same}",
                mode="confirms",
                source=_PEERS / "librabbitmq.c",
            ),
        ],
    )


def lgsp(place: Place, port: int, config: Path, *, name: str, connectors: int = 1) -> list[Server]:
    """A real gateway and real connectors processes on a catalogue."""
    common = ["--config", str(config), "--broker", place.url]
    made = []
    for number in range(connectors):
        admin = free_port()
        own = ["--admin", f"127.0.0.1:{admin}", "--state", str(place.directory / f"state-{name}-{number}")]
        command = [sys.executable, "-m", "lgsp", "connectors", "--name", f"{name}-{number}", "--calm", *common, *own]
        made.append(Server("connectors", command, admin))
    admin = free_port()
    where = ["--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"]
    state = place.directory / f"state-{name}"
    command = [sys.executable, "-m", "lgsp", "gateway", "--name", name, *common, *where, "--state", str(state)]
    return [*made, Server("gateway", command, admin, state)]


def embedded(place: Place, port: int, config: Path, *, name: str = "up") -> list[Server]:
    """`lgsp up` without a broker and without traffic of its own."""
    admin = free_port()
    where = ["--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"]
    state = place.directory / f"state-{name}"
    which = ["--state", str(state), "--config", str(config)]
    command = [sys.executable, "-m", "lgsp", "up", "--no-traffic", "--calm", *where, *which]
    return [Server("up", command, admin, state)]


def _with_rpc(loop: str) -> Callable[[Place, int], list[Server]]:
    """A gateway of aiohttp before aio-pika's RPC, both on this event loop."""
    stem = "echo" if loop == "asyncio" else "echouv"

    def servers(place: Place, port: int) -> list[Server]:
        words = ["answer", place.url, stem, "28", str(place.directory), loop]
        gateway = [*python("aiohttp_aio_pika"), place.url, str(port), loop]
        return [Server("connectors", [*python("aio_pika_rpc"), *words]), Server("gateway", gateway)]

    return servers


def _ceiling(mode: str) -> Callable[[Place, int], list[Server]]:
    """Aiohttp that answers by itself."""
    return lambda _, port: [Server("gateway", [*python("aiohttp_echo"), str(port), mode])]


def _http(directory: Path) -> Group:
    echo = configs.names("echo", 28)
    config = configs.write(directory / "config-echo", echo)
    shipped_names, shipped_calls = configs.shipped(REPOSITORY / "config")
    calls = configs.calls(echo, payload.REQUEST)
    return Group(
        "http",
        "HTTP to HTTP, wrk with one thread and 64 connections",
        "request 328 B, reply 641 B, 28 services in turn; lgsp: real `lgsp gateway` and `lgsp connectors`, all it has "
        "switched on; shipped services: the first example of each, its own payload and connector, some of them stored first",
        [
            Web(
                "lgsp",
                "gw",
                lambda p, port: lgsp(p, port, config, name="gw"),
                lambda: calls,
                consumer=configs.CONSUMER,
                served=echo,
            ),
            Web(
                "lgsp, shipped services",
                "shipped",
                lambda p, port: lgsp(p, port, REPOSITORY / "config", name="shipped"),
                lambda: shipped_calls,
                "other payloads, connectors that work",
                consumer="tester",
                served=shipped_names,
            ),
            Web(
                "lgsp up, embedded bus",
                "up",
                lambda p, port: embedded(p, port, config),
                lambda: calls,
                "one process, no broker",
                consumer=configs.CONSUMER,
            ),
            Web("aiohttp + aio-pika RPC", "rpcgw", _with_rpc("asyncio"), lambda: calls, "no token, ledger or metrics"),
            Web(
                "aiohttp + aio-pika RPC, uvloop",
                "rpcgwuv",
                _with_rpc("uvloop"),
                lambda: configs.calls(configs.names("echouv", 28), payload.REQUEST),
                "the same on uvloop",
            ),
            Web(
                "aiohttp echo", "echo", _ceiling("application"), lambda: calls, "no bus: the ceiling of an application"
            ),
            Web(
                "aiohttp echo, web.Server", "echos", _ceiling("server"), lambda: calls, "no bus, no router: the ceiling"
            ),
        ],
    )


def _stored(directory: Path) -> Group:
    served = configs.names("kept", 28)
    config = configs.write(directory / "config-kept", served)
    return Group(
        "stored",
        "Store-and-forward, closed loop",
        "request 328 B, result 641 B, 28 services, on quorum queues of a single node: request and result persistent, "
        "mandatory and confirmed, each acknowledged when the next has it; lgsp over HTTP: the intent is on disk before "
        "it is published, and the caller waits for the result",
        [
            Loop("lgsp", "kept-lgsp", python("lgsp_stored"), "the bus alone", cases=("64", "512")),
            Loop("aio-pika", "kept-peer", python("aio_pika_stored"), "the same by hand", cases=("64", "512")),
            Web(
                "lgsp over HTTP",
                "kept",
                lambda p, port: lgsp(p, port, config, name="kept"),
                lambda: configs.calls(served, payload.REQUEST, "keep"),
                "with gateway, outbox and ledger",
                consumer=configs.CONSUMER,
                served=served,
            ),
        ],
        stores=True,
    )


def _services(directory: Path, counts: Sequence[int]) -> Group:
    def candidate(count: int) -> Web:
        stem = f"of{count}"
        served = configs.names(stem, count)
        config = configs.write(directory / f"config-{stem}", served)
        return Web(
            f"{count} services",
            stem,
            lambda p, port: lgsp(p, port, config, name=stem),
            lambda: configs.calls(served, payload.REQUEST),
            consumer=configs.CONSUMER,
            served=served,
        )

    return Group(
        "services",
        "lgsp over HTTP as the catalogue grows",
        "64 connections, all services in turn",
        [*map(candidate, counts)],
    )


def _bodies(directory: Path) -> Group:
    sizes = {"300 B": 300, "10 kB": 10_000, "1 MB": 1_000_000}

    def candidate(name: str, size: int) -> Web:
        stem = f"body{size}"
        served = configs.names(stem, 28)
        config = configs.write(directory / f"config-{stem}", served)
        body = payload.of_size(size)
        return Web(
            name,
            stem,
            lambda p, port: lgsp(p, port, config, name=stem),
            lambda: configs.calls(served, body, "mirror"),
            consumer=configs.CONSUMER,
            served=served,
            cases=("8",),
        )

    return Group(
        "bodies",
        "lgsp over HTTP as bodies grow",
        "8 connections, the reply is as large as the request",
        [candidate(name, size) for name, size in sizes.items()],
    )


def _connectors(directory: Path) -> Group:
    def candidate(count: int) -> Web:
        stem = f"by{count}"
        served = configs.names(stem, 28)
        config = configs.write(directory / f"config-{stem}", served)
        return Web(
            f"{count} process{'es' if count > 1 else ''}",
            stem,
            lambda p, port: lgsp(p, port, config, name=stem, connectors=count),
            lambda: configs.calls(served, payload.REQUEST),
            consumer=configs.CONSUMER,
            served=served,
        )

    return Group(
        "connectors",
        "lgsp over HTTP with more connector processes",
        "64 connections, one gateway, all processes on the same cores",
        [candidate(count) for count in (1, 2, 3, 4)],
    )


def _console(directory: Path) -> Group:
    served = configs.names("seen", 28)
    config = configs.write(directory / "config-seen", served)

    def candidate(name: str, watchers: int) -> Watched:
        return Watched(
            name,
            f"seen{watchers}",
            lambda p, port: embedded(p, port, config, name=f"seen{watchers}"),
            lambda: configs.calls(served, payload.REQUEST),
            consumer=configs.CONSUMER,
            watchers=watchers,
        )

    return Group(
        "console",
        "lgsp over HTTP while its console is open",
        "`lgsp up` on the embedded bus, 64 connections, 28 services; who watches reads on the same cores and draws nothing",
        [candidate("nobody watches", 0), candidate("5 consoles", 5)],
    )


def _punctual() -> Group:
    return Group(
        "punctual",
        "How punctual who sends at an even rate is",
        "so many GETs a second for 2 s, to a process that notes when each came and answers two octets; p50 and p99 are how late they "
        "came behind an even schedule which nobody is ahead of, at the rate that stands under `at once`",
        [
            Paced("lgsp replay", "replayed", replayed),
            Paced("autocannon", "autocannon", autocannon, "64 connections; says nothing of its own lag"),
        ],
    )
