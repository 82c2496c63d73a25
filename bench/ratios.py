"""Which row is divided by which: the figures to quote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.figures import Key, Ratio, Row, ratio


@dataclass(frozen=True, slots=True)
class Compared:
    """One ratio: `above` over `below`, of a field of their rounds (`per_second`, `p50_ms`, `cost`)."""

    name: str
    above: Key
    below: Key
    field: str = "per_second"


def _of(group: str, case: str, name: str, above: str, below: str, field: str = "per_second") -> Compared:
    return Compared(name, Key(group, above, case), Key(group, below, case), field)


COMPARED = (
    _of("bus", "64", "bus_64_vs_aio_pika_rpc", "lgsp", "aio-pika RPC"),
    _of("bus", "64", "bus_64_vs_aio_pika_rpc_uvloop", "lgsp", "aio-pika RPC, uvloop"),
    _of("bus", "64", "bus_64_vs_faststream", "lgsp", "FastStream"),
    _of("bus", "64", "bus_64_vs_amqplib", "lgsp", "amqplib"),
    _of("bus", "64", "bus_64_vs_amqplib_confirms", "lgsp", "amqplib, confirms"),
    _of("bus", "64", "bus_64_vs_librabbitmq", "lgsp", "librabbitmq"),
    _of("bus", "64", "bus_64_vs_librabbitmq_confirms", "lgsp", "librabbitmq, confirms"),
    _of("bus", "1", "bus_1_latency_vs_librabbitmq", "lgsp", "librabbitmq", "p50_ms"),
    _of("bus", "1", "bus_1_latency_vs_aio_pika_rpc", "lgsp", "aio-pika RPC", "p50_ms"),
    _of("bus", "512", "bus_512_vs_aio_pika_rpc", "lgsp", "aio-pika RPC"),
    _of("bus", "512", "bus_512_vs_amqplib", "lgsp", "amqplib"),
    _of("bus", "512", "bus_512_vs_librabbitmq", "lgsp", "librabbitmq"),
    _of("bus", "64", "embedded_vs_rabbit", "lgsp, embedded bus", "lgsp"),
    _of("bus", "64", "bus_64_cost_vs_aio_pika_rpc", "lgsp", "aio-pika RPC", "cost"),
    _of("bus", "64", "bus_64_cost_vs_amqplib", "lgsp", "amqplib", "cost"),
    _of("bus", "64", "bus_64_cost_vs_librabbitmq", "lgsp", "librabbitmq", "cost"),
    _of("http", "64", "http_vs_aiohttp_aio_pika", "lgsp", "aiohttp + aio-pika RPC"),
    _of("http", "64", "http_vs_aiohttp_aio_pika_uvloop", "lgsp", "aiohttp + aio-pika RPC, uvloop"),
    _of("http", "64", "http_vs_aiohttp_echo", "lgsp", "aiohttp echo"),
    _of("http", "64", "http_vs_aiohttp_server_echo", "lgsp", "aiohttp echo, web.Server"),
    _of("http", "64", "http_shipped_vs_aiohttp_echo", "lgsp, shipped services", "aiohttp echo"),
    _of("http", "64", "http_embedded_vs_aiohttp_echo", "lgsp up, embedded bus", "aiohttp echo"),
    _of("http", "64", "http_cost_vs_aiohttp_aio_pika", "lgsp", "aiohttp + aio-pika RPC", "cost"),
    _of("http", "64", "http_cost_vs_aiohttp_echo", "lgsp", "aiohttp echo", "cost"),
    _of("stored", "64", "stored_64_vs_aio_pika", "lgsp", "aio-pika"),
    _of("stored", "512", "stored_512_vs_aio_pika", "lgsp", "aio-pika"),
    _of("stored", "64", "stored_64_cost_vs_aio_pika", "lgsp", "aio-pika", "cost"),
    Compared("http_280_vs_28", Key("services", "280 services", "64"), Key("services", "28 services", "64")),
    Compared("http_2800_vs_28", Key("services", "2800 services", "64"), Key("services", "28 services", "64")),
    Compared("http_10kB_vs_300B", Key("bodies", "10 kB", "8"), Key("bodies", "300 B", "8")),
    Compared("http_1MB_vs_300B", Key("bodies", "1 MB", "8"), Key("bodies", "300 B", "8")),
    _of("console", "64", "console_5_open_vs_none", "5 consoles", "nobody watches"),
    _of("console", "64", "console_5_open_cost_vs_none", "5 consoles", "nobody watches", "cost"),
    *(
        Compared(
            f"http_{n}_connectors_vs_1",
            Key("connectors", f"{n} processes", "64"),
            Key("connectors", "1 process", "64"),
        )
        for n in (2, 3, 4)
    ),
)


def ratios(rows: Iterable[Row], compared: Iterable[Compared] = COMPARED) -> Mapping[str, Ratio]:
    """Every ratio both of whose rows were measured."""
    by_key = {row.key: row for row in rows}
    found: dict[str, Ratio] = {}
    for one in compared:
        above, below = by_key.get(one.above), by_key.get(one.below)
        if above is None or below is None:
            continue
        value = ratio([getattr(r, one.field) for r in above.rounds], [getattr(r, one.field) for r in below.rounds])
        if value is not None:
            found[one.name] = value
    return found


def memory_vs_rabbit(rows: Iterable[Row]) -> Ratio | None:
    """Peak memory of a gateway and the connectors process with the shipped services, to their broker's."""
    key = Key("http", "lgsp, shipped services", "64")
    memory = next((row.memory for row in rows if row.key == key and row.rounds), {})
    return ratio([memory.get("gateway", 0.0) + memory.get("connectors", 0.0)], [memory.get("broker", 0.0)])
