"""Who answers: connectors, and the behaviours around them.

request --> latency --> errors --> ... --> Connector.answer --> reply
            └─ a chain of behaviours, the first one outermost ─┘
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

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


@dataclass(frozen=True, slots=True)
class Kept:
    """How many seconds a thing is kept after its last change, and how many of its kind for one consumer at most."""

    seconds: float
    most: int = 10_000


class State(Protocol):
    """What one consumer left with one service, as one request sees it: nothing else changes it meanwhile.

    Values are what JSON can say; what comes out is a copy.
    """

    @property
    def now(self) -> float:
        """When the request came: seconds since the epoch, UTC."""
        ...

    def get(self, kind: str, key: str) -> Any | None:  # noqa: ANN401 - JSON has no narrower type
        """What was put there and is still kept, else `None`."""
        ...

    def put(self, kind: str, key: str, value: object) -> None:
        """Keep `value` in place of what was there. `kind` is one that the connector declared."""
        ...

    def remove(self, kind: str, key: str) -> None:
        """Forget it, if it is there."""
        ...

    def each(self, kind: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """Keys that begin with `prefix`, in their order, with their values."""
        ...


@runtime_checkable
class Stateful(Protocol):
    """A connector whose contract remembers what it was told; a power in place of plain `answer`."""

    @property
    def STATE(self) -> Mapping[str, Kept]:  # noqa: N802 - a module's constant
        """Each kind of thing it remembers."""
        ...

    def answer_with(self, request: Request, state: State) -> Reply:
        """The provider's reply, a function of the request and the state; raises as `Connector.answer` does.

        What it puts is kept in whole when it returns, and not at all when it raises. It may be asked a second time
        with a newer state, when somebody else was faster, and only that answer counts.
        """
        ...


@runtime_checkable
class Refuser(Protocol):
    """A connector that can say a simulated failure in its contract's own words; a power beside `Connector`."""

    def refuse(self, request: Request, outcome: Outcome) -> Reply:
        """A reply with `outcome` (`rejected` or `provider_error`) as the contract spells it."""
        ...


@runtime_checkable
class Marker(Protocol):
    """A connector that knows identifiers with a fixed meaning, for tests; a power beside `Connector`."""

    def failure_of(self, request: Request) -> Outcome | None:
        """The failure that an identifier in the request stands for, `None` where none does.

        It is `rejected`, `provider_error`, `timeout` or `unreachable`.
        """
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
