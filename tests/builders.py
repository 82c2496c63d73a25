"""Things that tests need, with everything filled in that the test does not care about."""

from __future__ import annotations

from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue, Form, Operation, Rule, Service, Text
from lgsp.clock import Clock
from lgsp.forwarding.forwarder import Receipt
from lgsp.model import Outcome, Reply, Request, Transaction
from lgsp.runtime.provider import Upstreams

_numbers = count(1)


@cache
def shipped() -> Catalogue:
    """The catalogue of this repository, read once for all tests."""
    return read_catalogue(Path(__file__).parents[1] / "config")


class Unwatched:
    """A watch of providers that notes nothing."""

    def provider(self, service: str) -> None: ...

    def attempt(self, service: str, outcome: Outcome) -> None: ...

    def circuit(self, service: str, *, is_open: bool) -> None: ...


class Unstored:
    """A forwarder where nothing is stored."""

    def refusal(self, service: str) -> str:
        raise AssertionError(service)

    async def send(self, request: Request, *, wait: float, age: float | None = None) -> Receipt:
        raise AssertionError(request.id, wait, age)

    def release(self) -> None: ...

    def late_reply(self, service: str) -> None: ...

    def duplicate_reply(self, service: str) -> None: ...

    def parked(self, service: str, count: int) -> None: ...

    def callback(self, result: str) -> None: ...


def nowhere(clock: Clock) -> Upstreams:
    """No real provider may be reached."""
    return Upstreams(clock, Unwatched(), seed=7, allowed=(), environment={}, directory=Path())


def a_request(**fields: Any) -> Request:
    number = next(_numbers)
    given = {"service": "svc", "operation": "GET /x", "path": "/x", "key": str(number)} | fields
    return Request(**{"id": f"t-{number}"} | given)


def a_reply(request: Request, **fields: Any) -> Reply:
    return Reply(**{"to": request.id, "body": b"answer"} | fields)


def a_transaction(outcome: Outcome = Outcome.OK, **fields: Any) -> Transaction:
    request = a_request()
    given = {"reply": a_reply(request, outcome=outcome), "reason": "", "started_at": 1_000.0, "seconds": 0.1}
    return Transaction(**{"request": request, "outcome": outcome} | given | fields)


def a_rule(*steps: Form, **fields: Any) -> Rule:
    return Rule(**{"name": "reply", "steps": steps or (Form(),)} | fields)


def an_operation(name: str = "GET /x", **fields: Any) -> Operation:
    given: dict[str, Any] = {"summary": Text(vi="x", en="x"), "idempotent": name.startswith("GET")}
    if fields.get("reply") is not None:
        given["replies"] = (a_rule(Form(body=fields["reply"])),)
    fields.pop("reply", None)
    return Operation(**{"name": name} | given | fields)


def a_service(service: str = "svc", *operations: Operation, **fields: Any) -> Service:
    known = operations or (an_operation(),)
    given: dict[str, Any] = {"title": Text(vi=service, en=service), "context": f"/{service}"}
    return Service(**{"id": service, "operations": {o.name: o for o in known}} | given | fields)
