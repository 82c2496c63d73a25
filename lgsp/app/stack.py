"""The whole installation on one machine: a private RabbitMQ node, gateway, connectors, Prometheus, Alertmanager, Grafana.

node <- gateway, connectors <- Prometheus -> Alertmanager
^- Grafana, where it is installed
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from lgsp.app.broker import CONNECTORS, definitions
from lgsp.app.child import Child, Program
from lgsp.app.door import ADMIN_FILE
from lgsp.app.past import Store, tell_prometheus
from lgsp.app.process import until_stopped
from lgsp.bus.node import PrivateNode, free_port
from lgsp.catalogue.parse import read_catalogue
from lgsp.errors import SettingsError
from lgsp.monitoring.export import Targets, prometheus
from lgsp.monitoring.profile import Profile, duration
from lgsp.monitoring.routing import NOBODY, alertmanager
from lgsp.monitoring.rules import as_yaml, rules
from lgsp.settings import keep_secret

log = structlog.get_logger()
PORTS = {"gateway": 8280, "admin": 8290, "connectors": 8291, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}
RESTART = 300.0
"""Seconds of the rules' time until a process that ended by itself is started again: long enough to be told of."""
_COMMAND = "lgsp stack"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be run. `scenario` is the day of the demo traffic; `any_port` lets the system choose every port.

    With `past`, a Prometheus that is new is given one.
    """

    config: Path
    state: Path
    scenario: Path | None
    pace: float
    profile: Profile
    any_port: bool
    past: bool = False


async def stack(wanted: Wanted, announce: Callable[[Mapping[str, str]], None]) -> None:
    """Start everything, tell the addresses, and keep it up until a signal comes; then end all of it."""
    async with AsyncExitStack() as running:
        place = wanted.state / "stack"
        place.mkdir(mode=0o700, exist_ok=True)
        made = {who: _password(wanted.state, who) for who in ("admin", "gateway", CONNECTORS)}
        keep_secret(wanted.state / ADMIN_FILE, _word)
        document = definitions(read_catalogue(wanted.config), made, ["gw1"])
        node = await running.enter_async_context(_node(place / "broker", document))
        ports = {name: free_port() if wanted.any_port else port for name, port in PORTS.items()}
        addresses = _addresses(ports, node)
        children = []
        for program in _programs(wanted, place, addresses):
            child = Child(program, place / f"{program.name}.log")
            running.push_async_callback(child.end)
            await child.start()
            children.append(child)
        pause = wanted.profile.seconds(RESTART)
        jobs = [child.watch(pause, log.warning) for child in children]
        if wanted.past:
            jobs.append(tell_prometheus(wanted.config, wanted.state, _store(place, addresses)))
        await until_stopped(jobs, lambda: announce(addresses))


def _addresses(ports: Mapping[str, int], node: PrivateNode) -> dict[str, str]:
    """Where each part can be found."""
    found = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    if _grafana() is None:
        del found["grafana"]
    return found | {
        "broker": f"amqp://127.0.0.1:{node.port}/lgsp",
        "broker_metrics": f"http://127.0.0.1:{node.metrics_port}",
        "node": str(node.directory),
    }


@asynccontextmanager
async def _node(directory: Path, document: dict[str, Any]) -> AsyncIterator[PrivateNode]:
    # A node's data lie under its name, which is a new one each time.
    await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
    node = PrivateNode(directory, document, metrics=True)
    await asyncio.to_thread(node.start)
    try:
        yield node
    finally:
        await asyncio.to_thread(node.stop)


def _password(state: Path, who: str) -> str:
    return keep_secret(state / "secrets" / f"{who}-password", _word).decode().strip()


def _word() -> bytes:
    return secrets.token_urlsafe(24).encode()


def _programs(wanted: Wanted, place: Path, addresses: Mapping[str, str]) -> list[Program]:
    """In the order in which they are started; they end in the opposite one."""
    monitoring = [_alertmanager(wanted, place, addresses), _prometheus(wanted, place, addresses)]
    grafana = _grafana()
    return [
        _gateway(wanted, addresses),
        _connectors(wanted, addresses, place),
        *monitoring,
        *([] if grafana is None else [_boards(wanted, place, addresses, grafana)]),
    ]


def _ours(wanted: Wanted, command: str, user: str, secret: str, addresses: Mapping[str, str], admin: str) -> Program:
    directory = wanted.state / "secrets"
    words = ["--broker", addresses["broker"], "--broker-user", user, "--admin", _place(addresses[admin])]
    return Program(
        command,
        [sys.executable, "-m", "lgsp", command, "--config", str(wanted.config), *words],
        f"{addresses[admin]}/readyz",
        {
            "LGSP_BROKER_PASSWORD_FILE": str(directory / f"{secret}-password"),
            "LGSP_ADMIN_TOKEN_FILE": str(wanted.state / ADMIN_FILE),
        },
    )


def _gateway(wanted: Wanted, addresses: Mapping[str, str]) -> Program:
    base = _ours(wanted, "gateway", "gw1", "gateway", addresses, "admin")
    day = [] if wanted.scenario is None else ["--scenario", str(wanted.scenario), "--pace", f"{wanted.pace:g}"]
    own = ["--name", "gw1", "--listen", _place(addresses["gateway"]), "--state", str(wanted.state), *day]
    return Program(base.name, [*base.words, *own], base.ready, base.environment)


def _connectors(wanted: Wanted, addresses: Mapping[str, str], place: Path) -> Program:
    base = _ours(wanted, "connectors", CONNECTORS, CONNECTORS, addresses, "connectors")
    return Program(base.name, [*base.words, "--state", str(place / "connectors")], base.ready, base.environment)


def _alertmanager(wanted: Wanted, place: Path, addresses: Mapping[str, str]) -> Program:
    file = _written(place / "alertmanager.yml", alertmanager(wanted.profile, NOBODY))
    words = [
        _found("Alertmanager", "prometheus-alertmanager", "alertmanager"),
        f"--config.file={file}",
        f"--storage.path={place / 'alertmanager'}",
        f"--web.listen-address={_place(addresses['alertmanager'])}",
        "--cluster.listen-address=",
    ]
    return Program("alertmanager", words, f"{addresses['alertmanager']}/-/ready")


def _prometheus(wanted: Wanted, place: Path, addresses: Mapping[str, str]) -> Program:
    rule_file = _written(place / "rules.yml", rules(wanted.profile))
    targets = Targets(
        [_place(addresses["admin"])],
        [_place(addresses["connectors"])],
        [_place(addresses["broker_metrics"])],
        str(wanted.state / ADMIN_FILE),
    )
    document = prometheus(
        wanted.profile, targets, rules_file=str(rule_file), alertmanager=_place(addresses["alertmanager"])
    )
    file = _written(place / "prometheus.yml", document)
    words = [
        _found("Prometheus", "prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={_data(place)}",
        "--storage.tsdb.retention.time=400d",  # a past reaches back five months
        f"--web.listen-address={_place(addresses['prometheus'])}",
        f"--rules.alert.resend-delay={duration(max(1.0, wanted.profile.seconds(60)))}",
    ]
    return Program("prometheus", words, f"{addresses['prometheus']}/-/ready")


def _store(place: Path, addresses: Mapping[str, str]) -> Store:
    promtool = Path(_found("Prometheus", "prometheus")).with_name("promtool")
    return Store(addresses["prometheus"], _data(place), str(promtool), _place(addresses["admin"]))


def _data(place: Path) -> Path:
    return place / "prometheus"


def _boards(wanted: Wanted, place: Path, addresses: Mapping[str, str], grafana: Sequence[str]) -> Program:
    """Grafana, reading for everybody who can reach loopback, with our boards and our Prometheus."""
    provisioning = place / "grafana" / "provisioning"
    source = {
        "name": "Prometheus",
        "uid": "lgsp-prometheus",
        "type": "prometheus",
        "url": addresses["prometheus"],
        "isDefault": True,
    }
    _written(provisioning / "datasources" / "lgsp.yml", {"apiVersion": 1, "datasources": [source]})
    folder = {
        "name": "lgsp",
        "type": "file",
        "allowUiUpdates": False,
        "options": {"foldersFromFilesStructure": True, "path": str((wanted.config / "grafana" / "boards").absolute())},
    }
    _written(provisioning / "dashboards" / "lgsp.yml", {"apiVersion": 1, "providers": [folder]})
    host, port = _place(addresses["grafana"]).split(":")
    environment = {
        "GF_PATHS_DATA": str(place / "grafana" / "data"),
        "GF_PATHS_LOGS": str(place / "grafana" / "logs"),
        "GF_PATHS_PROVISIONING": str(provisioning),
        "GF_SERVER_HTTP_ADDR": host,
        "GF_SERVER_HTTP_PORT": port,
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    }
    return Program("grafana", grafana, f"{addresses['grafana']}/api/health", environment)


def _grafana() -> list[str] | None:
    """How Grafana is started here, if it is installed."""
    newer, older = shutil.which("grafana"), shutil.which("grafana-server")
    words = [newer, "server"] if newer else [older] if older else None
    return None if words is None else [*words, "--homepath", "/usr/share/grafana"]


def _found(name: str, *programs: str) -> str:
    for program in programs:
        where = shutil.which(program)
        if where:
            return where
    raise SettingsError(f"{name} is not installed: install the package {programs[0]} (apt-get install {programs[0]})")


def _place(url: str) -> str:
    return url.partition("://")[2]


def _written(file: Path, document: dict[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(as_yaml(document, _COMMAND), encoding="utf-8")
    return file
