"""What a load asks: call number n, of the catalogue's own examples or of what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lgsp.catalogue.service import Catalogue
from lgsp.chance import draw
from lgsp.traffic.driver import Mix


@dataclass(frozen=True, slots=True)
class Call:
    """One request of HTTP, and of which operation it is. `target`: path and query; `timeout`: seconds that its caller has."""

    service: str
    operation: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float


Pick = Callable[[int], Call | None]
"""Which call is number n (from 0); `None` where there is nothing to ask. The same number is the same call."""

LONGER = 5.0
"""Seconds that a caller has beyond its service's timeout: the gateway is to give up first."""


def of_examples(mix: Mix, catalogue: Catalogue) -> Pick:
    """The examples of a mix, each with its number as the key of random draws."""

    def pick(number: int) -> Call | None:
        target = mix.pick(number)
        if target is None:
            return None
        service = catalogue.find(target.service)
        request = target.example.request
        path = service.context + request.path + (f"?{request.query}" if request.query else "")
        return Call(
            target.service,
            target.operation,
            service.operations[target.operation].method,
            path,
            {**request.headers, "x-lgsp-key": str(number)},
            request.body,
            service.timeout + LONGER,
        )

    return pick


def of_recorded(calls: Sequence[Call], seed: int | None) -> Pick:
    """Recorded calls by chance, each as often as it was recorded; without a seed in their order, again and again."""

    def pick(number: int) -> Call | None:
        if not calls:
            return None
        at = number if seed is None else int(draw(seed, "", "", "mix", str(number)) * len(calls))
        call = calls[at % len(calls)]
        return replace(call, headers={**call.headers, "x-lgsp-key": str(number)})

    return pick
