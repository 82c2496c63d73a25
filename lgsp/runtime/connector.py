"""Who answers: connectors, and the behaviours around them.

request --> latency --> errors --> ... --> Connector.answer --> reply
            └─ a chain of behaviours, the first one outermost ─┘
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Protocol, runtime_checkable

from lgsp.model import Outcome, Reply, Request

Forward = Callable[[Request], Awaitable[Reply]]
"""The rest of the chain: whatever answers behind this behaviour."""


class Connector(Protocol):
    """Stands in for a provider. A module with an `answer` function is one."""

    async def answer(self, request: Request) -> Reply:
        """The provider's reply, a function of the request alone: the same request, the same bytes.

        Raises `MalformedRequest` for a body that does not decode where the contract has no words for it, and a
        `DeliveryError` where nobody would answer.
        """
        ...


@runtime_checkable
class Refuser(Protocol):
    """A connector that can say a simulated failure in its contract's own words; a power beside `Connector`."""

    def refuse(self, request: Request, outcome: Outcome) -> Reply:
        """A reply with `outcome` (`rejected` or `provider_error`) as the contract spells it."""
        ...


class Behaviour(Protocol):
    """Makes a stand-in lifelike: may wait, change, refuse, or not forward at all."""

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        """A reply, or a `DeliveryError` where nobody answers."""
        ...


def chain(behaviours: Iterable[Behaviour], answer: Forward) -> Forward:
    """`answer` with the behaviours around it, the first one outermost."""
    for behaviour in reversed(list(behaviours)):
        answer = partial(behaviour, forward=answer)
    return answer
