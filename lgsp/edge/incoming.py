"""From an HTTP request to a request: a new id, and of the headers what concerns the provider."""

from __future__ import annotations

import random

from aiohttp import web

from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.force import parse_force
from lgsp.chance import uuid7
from lgsp.clock import Clock
from lgsp.edge import faults
from lgsp.edge.answers import Refused
from lgsp.edge.asked import asked_as
from lgsp.edge.faults import Fault
from lgsp.edge.routes import Route
from lgsp.errors import MalformedRequest
from lgsp.model import Request

CARRIED = frozenset(
    {
        "accept",
        "accept-language",
        "apikey",
        "content-type",
        "idempotency-key",
        "messagetype",
        "prefer",
        "soapaction",
        "timestamp",
        "traceparent",
        "x-road-client",
        "x-secretkey",
        "x-systemid",
    }
)
"""Request headers that go on to the provider; everything else stays at the gateway."""
_KEY_LENGTH = 200


class TransactionIds:
    """New transaction ids: UUIDs of version 7 by the clock, from the system's randomness."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entropy = random.SystemRandom().getrandbits(64)
        self._bits = random.Random(self._entropy).getrandbits

    def __call__(self) -> str:
        """A new id, later in order than those of earlier milliseconds."""
        return uuid7(int(self._clock.now() * 1_000), self._bits(74))


def request_of(http: web.BaseRequest, transaction: str, route: Route, consumer: Consumer, body: bytes) -> Request:
    """What goes on the bus, under a new id: path, query, body and the headers that go on. Raises `Refused`."""
    carried = {}
    key, force = transaction, ""
    for name, value in http.headers.items():
        lower = name.lower()
        if lower in CARRIED:
            carried[lower] = _readable(value)
        elif lower == "x-lgsp-key":
            key = _checked_key(value)
        elif lower == "x-lgsp-force":
            force = _checked_force(value, consumer)
        elif lower == "authorization" and value.startswith("Basic "):
            carried[lower] = _readable(value)  # a contract's own credentials; ours are Bearer
    return Request(
        id=transaction,
        service=route.service.id,
        operation=route.operation.name,
        path=route.path,
        query=http.rel_url.raw_query_string,
        consumer=consumer.id,
        key=key,
        body=body,
        headers=carried,
        calm=consumer.behaviour == "calm",
        force=force,
        asked_as=asked_as(route.service.request_id, http.rel_url.raw_query_string, body),
    )


def _readable(value: str) -> str:
    """The value of a header that goes on; one that is no UTF-8 cannot."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Refused(faults.NOT_TEXT, "refused") from error
    return value


def _checked_key(value: str) -> str:
    if not value or len(value) > _KEY_LENGTH or not (value.isascii() and value.isprintable()):
        raise Refused(faults.BAD_KEY, "refused")
    return value


def _checked_force(value: str, consumer: Consumer) -> str:
    if not consumer.may_force:
        raise Refused(faults.NO_FORCE, "refused")
    try:
        parse_force(value)
    except MalformedRequest as error:
        raise Refused(Fault(400, 400, f"X-Lgsp-Force: {error}"), "refused") from error
    return value
