"""The examples of a service, asked of its connector alone: no bus, no simulated trouble."""

from __future__ import annotations

from dataclasses import dataclass

from lgsp.catalogue.compare import differences
from lgsp.catalogue.service import Example, Operation, Service
from lgsp.clock import Clock
from lgsp.errors import DeliveryError, MalformedRequest
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.manner import MannerBehaviour
from lgsp.runtime.connector import Forward, Stateful, chain
from lgsp.runtime.host import load
from lgsp.runtime.state import States


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One example: what its reply has else than it says; nothing where it holds."""

    operation: str
    example: str
    differs: tuple[str, ...]


async def rehearse(service: Service, clock: Clock) -> list[Rehearsed]:
    """Every example of a service, in the order of the YAML, on a memory of its own. Raises `CatalogueError`."""
    connector = load(service, clock)
    async with States(clock) as states:
        answer = states.answering(service.id, connector) if isinstance(connector, Stateful) else connector.answer
        answer = chain([MannerBehaviour(service.id, clock)], answer)
        return [
            Rehearsed(operation.name, example.name, await _one(service, operation, example, answer))
            for operation in service.operations.values()
            for example in operation.examples
        ]


async def _one(service: Service, operation: Operation, example: Example, answer: Forward) -> tuple[str, ...]:
    asked = example.request
    request = Request(
        id=f"{operation.name} {example.name}",
        service=service.id,
        operation=operation.name,
        path=asked.path,
        query=asked.query,
        consumer="rehearsal",
        key=example.name,
        body=asked.body,
        headers=asked.headers,
        calm=True,
        budget=service.timeout,
    )
    try:
        reply = await answer(request)
    except DeliveryError as error:
        # Nobody answers: there is no status to compare.
        reply = Reply(request.id, Outcome(error.code), example.reply.status)
    except MalformedRequest as error:
        reply = Reply(request.id, Outcome.REJECTED, 400, body=str(error).encode())
    return tuple(differences(example.reply, reply.status, reply.outcome, reply.body))
