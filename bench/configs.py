"""Catalogues for lgsp: services of the bench's own, as many as wanted, and calls to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.web import Call
from lgsp.catalogue.parse import read_catalogue
from lgsp.model import Outcome

_SERVICE = """{name}:
  title: {name}
  connector: bench.peers.connector
  operations:
    POST /echo: {{}}
    POST /mirror: {{}}
    POST /keep: {{delivery: store-and-forward}}
"""
CONSUMER = "bench"
_CONSUMERS = f"""{CONSUMER}:
  title: {CONSUMER}
  local: true
  subscriptions: ["*"]
  behaviour: calm
"""


def names(stem: str, count: int) -> list[str]:
    """The ids of some services."""
    return [f"{stem}-{number}" for number in range(count)]


def write(directory: Path, services: Sequence[str]) -> Path:
    """A configuration directory with these services and one calm consumer."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "services.yaml").write_text("".join(_SERVICE.format(name=name) for name in services), encoding="utf-8")
    (directory / "consumers.yaml").write_text(_CONSUMERS, encoding="utf-8")
    return directory


def calls(services: Sequence[str], body: bytes, operation: str = "echo") -> list[Call]:
    """One call to each service."""
    return [Call(f"/{name}/{operation}", body) for name in services]


def shipped(directory: Path) -> tuple[list[str], list[Call]]:
    """The services of a shipped configuration, and the first example of each that ends in 2xx."""
    catalogue = read_catalogue(directory)
    found: list[Call] = []
    for service in catalogue:
        fitting = (
            (operation.method, example.request)
            for operation in service.operations.values()
            for example in operation.examples
            if example.reply.outcome is Outcome.OK and 200 <= example.reply.status < 300
        )
        for method, request in fitting:
            query = f"?{request.query}" if request.query else ""
            found.append(Call(f"{service.context}{request.path}{query}", request.body, method, dict(request.headers)))
            break
    return [service.id for service in catalogue], found
