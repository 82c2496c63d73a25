"""A client that is not ours, by the book of `docs/bus.md`: plain pika, asking and answering."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pika
import pytest
from builders import a_reply, a_request
from conftest import Broker

from lgsp.bus.rabbitmq import RabbitBus
from lgsp.clock import SystemClock
from lgsp.model import Outcome, Reply, Request

pytestmark = pytest.mark.real


def ask(
    broker: Broker, service: str, own: str, headers: dict[str, str], body: bytes
) -> tuple[pika.BasicProperties, bytes]:
    with broker.connect() as connection:
        channel = connection.channel()
        channel.queue_declare(own, exclusive=True)
        channel.queue_bind(own, "lgsp.reply", routing_key=own)
        asked = pika.BasicProperties(
            type="GET /vehicles/{plate}",
            reply_to=own,
            correlation_id="call-1",
            message_id="call-1.2",
            expiration="5000",
            headers=headers,
        )
        channel.basic_publish("lgsp.req", service, body, asked, mandatory=True)
        for _, properties, content in channel.consume(own, auto_ack=True, inactivity_timeout=5):
            assert properties is not None, "no reply within 5 s"
            return properties, content
    raise AssertionError


async def test_a_plain_client_gets_a_service_s_reply_in_its_own_queue(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    service = unique("foreign")
    broker.provision(service)
    arrived: list[Request] = []

    async def answer(request: Request) -> Reply:
        arrived.append(request)
        return a_reply(request, outcome=Outcome.BUSINESS_FAULT, status=404, reason="not_found", body=b"no such plate")

    async with RabbitBus(broker.url, unique("conn"), SystemClock(), asks=False) as bus:
        await bus.serve(service, answer)
        headers = {"lgsp-path": "/vehicles/30A-12345", "lgsp-behaviour": "calm", "x-unknown": "ignored"}
        properties, body = await asyncio.to_thread(ask, broker, service, unique("own"), headers, b"question")
    [request] = arrived
    assert (request.id, request.path, request.calm, request.body) == (
        "call-1",
        "/vehicles/30A-12345",
        True,
        b"question",
    )
    assert request.path_values == {"plate": "30A-12345"}
    assert (properties.correlation_id, properties.type, body) == ("call-1", "GET /vehicles/{plate}", b"no such plate")
    said = {name: properties.headers[name] for name in ("lgsp-outcome", "lgsp-status", "lgsp-reason", "lgsp-answers")}
    assert said == {
        "lgsp-outcome": "business_fault",
        "lgsp-status": 404,
        "lgsp-reason": "not_found",
        "lgsp-answers": "call-1.2",
    }


@pytest.mark.parametrize(
    ("headers", "outcome", "reason"),
    [({"lgsp-version": "2"}, "bus_error", "unsupported_version"), ({"lgsp-attempt": "one"}, "rejected", "bad_request")],
)
async def test_what_we_do_not_understand_is_answered_so(
    broker: Broker, unique: Callable[[str], str], headers: dict[str, str], outcome: str, reason: str
) -> None:
    service = unique("foreign")
    broker.provision(service)

    async def never(request: Request) -> Reply:
        raise AssertionError(request)

    async with RabbitBus(broker.url, unique("conn"), SystemClock(), asks=False) as bus:
        await bus.serve(service, never)
        properties, _ = await asyncio.to_thread(ask, broker, service, unique("own"), headers, b"")
    assert (properties.headers["lgsp-outcome"], properties.headers["lgsp-reason"]) == (outcome, reason)


async def test_a_plain_client_can_be_the_connector_of_a_service(broker: Broker, unique: Callable[[str], str]) -> None:
    service = unique("foreign")
    broker.provision(service)
    ready, served = threading.Event(), threading.Event()

    def connector() -> None:
        with broker.connect() as connection:
            channel = connection.channel()

            def on_request(
                channel: pika.adapters.blocking_connection.BlockingChannel,
                method: pika.spec.Basic.Deliver,
                asked: pika.BasicProperties,
                body: bytes,
            ) -> None:
                answer = pika.BasicProperties(correlation_id=asked.correlation_id, content_type="text/plain")
                channel.basic_publish("lgsp.reply", asked.reply_to or "", asked.type.encode() + b" " + body, answer)
                channel.basic_ack(method.delivery_tag)
                served.set()

            channel.basic_consume(f"q.sync.{service}", on_request)
            ready.set()
            while not served.is_set():
                connection.process_data_events(time_limit=1)

    async with RabbitBus(broker.url, unique("gw"), SystemClock()) as bus:
        working = asyncio.to_thread(connector)
        reply, _ = await asyncio.gather(_asked(bus, service, ready), working)
    assert (reply.outcome, reply.status, reply.body) == (Outcome.OK, 200, b"GET /x question")
    assert reply.headers == {"content-type": "text/plain"}


async def _asked(bus: RabbitBus, service: str, ready: threading.Event) -> Reply:
    await asyncio.to_thread(ready.wait, 5)
    return await bus.request(a_request(service=service, body=b"question"), timeout=5)
