"""The broker of a process: a private node, or one that was named."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import structlog

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.bus.provision import provision
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.bus.secure import with_files
from lgsp.catalogue.service import Catalogue, Operation, Service
from lgsp.clock import SystemClock
from lgsp.edge.incoming import TransactionIds
from lgsp.errors import SettingsError
from lgsp.model import Reply, Request
from lgsp.settings import Settings

log = structlog.get_logger()
ADMIN, CONNECTORS = "admin", "connectors"


@dataclass(frozen=True, slots=True)
class Broker:
    """The addresses of one broker, each with the user for its purpose."""

    asking: str
    serving: str
    provisioning: str


@asynccontextmanager
async def broker_of(settings: Settings, catalogue: Catalogue) -> AsyncIterator[Broker | None]:
    """A private node, the broker that was named, or none."""
    if settings.broker is None:
        yield None
    elif settings.broker != "local":
        url = url_of(settings)
        await provision(url, [service.id for service in catalogue])
        yield Broker(url, url, url)
    else:
        passwords = {who: secrets.token_urlsafe(24) for who in ("admin", "gateway", CONNECTORS)}
        directory = settings.state / "broker" / secrets.token_hex(4)
        node = PrivateNode(directory, definitions(catalogue, passwords, [settings.name]))
        try:
            await asyncio.to_thread(node.start)
            log.info("private broker ready", node=repr(node))
            yield Broker(
                node.url(settings.name, passwords["gateway"]),
                node.url(CONNECTORS, passwords[CONNECTORS]),
                node.url("admin", passwords["admin"]),
            )
        finally:
            await asyncio.to_thread(node.stop)
            await asyncio.to_thread(_remove, directory)


def _remove(directory: Path) -> None:
    for file in sorted(directory.rglob("*"), reverse=True):
        if file.is_dir() and not file.is_symlink():
            file.rmdir()
        else:
            file.unlink()
    directory.rmdir()


def url_of(settings: Settings) -> str:
    """The address of the broker that was named. Raises `SettingsError`."""
    url = broker_url(settings.broker or "", settings.broker_user, settings.broker_password)
    return with_files(url, settings.broker_ca, settings.broker_certificate)


def broker_url(broker: str, user: str | None, password: str | None) -> str:
    """The broker's address with the user and password that were given apart from it. Raises `SettingsError`."""
    parts = urlsplit(broker)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
        raise SettingsError(f"{broker!r} is no broker: write it as amqp://127.0.0.1:5672/lgsp, or `local`")
    user = user or parts.username or "guest"
    password = password or parts.password or "guest"
    port = f":{parts.port}" if parts.port else ""
    place = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.hostname}{port}"
    return urlunsplit((parts.scheme, place, parts.path or f"/{topology.VHOST}", parts.query, ""))


def definitions(
    catalogue: Catalogue,
    passwords: Mapping[str, str],
    gateways: Collection[str],
    connectors: Mapping[str, Collection[str]] | None = None,
    *,
    cluster: bool = False,
) -> dict[str, Any]:
    """RabbitMQ's definitions for a catalogue: an administrator, the gateways, and the connectors processes.

    `connectors`: the services of each, none standing for all; left out, there is one for all.
    """
    services = [service.id for service in catalogue]
    answering = connectors or {CONNECTORS: ()}
    users = [
        topology.administrator(ADMIN, passwords[ADMIN]),
        *(topology.connectors_user(name, passwords[name], served) for name, served in answering.items()),
        *(topology.gateway_user(name, passwords["gateway"]) for name in gateways),
    ]
    return topology.definitions(services, users, salt=secrets.token_bytes(4), cluster=cluster)


async def provision_services(broker: str, password: str | None, services: Collection[str]) -> None:
    """Make the queues of some services on a broker. Raises `BusUnavailable`."""
    await provision(broker_url(broker, None, password), services)


async def ask_over_bus(
    url: str,
    service: Service,
    operation: Operation,
    *,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    consumer: str,
    key: str,
) -> Reply:
    """One request straight over the broker, as a gateway would send it. Raises `DeliveryError`."""
    clock = SystemClock()
    transaction = TransactionIds(clock)()
    request = Request(
        id=transaction,
        service=service.id,
        operation=operation.name,
        path=path,
        query=query,
        consumer=consumer,
        key=key or transaction,
        body=body,
        headers=headers,
        calm=True,
    )
    async with RabbitBus(url, f"cli-{secrets.token_hex(4)}", clock) as bus:
        return await bus.request(request, timeout=service.timeout)
