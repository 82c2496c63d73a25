"""Answers that fail by themselves, now and then."""

from __future__ import annotations

from lgsp.catalogue.service import ErrorMix, Operation
from lgsp.chance import draw
from lgsp.errors import TimedOut, Unreachable
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Forward, Refuser
from lgsp.runtime.hours import Factor, steady

_GENERIC = {
    Outcome.REJECTED: (400, "bad_request", "Yêu cầu không hợp lệ / The request is not acceptable"),
    Outcome.PROVIDER_ERROR: (500, "provider_fault", "Hệ thống cung cấp gặp lỗi / The provider's system failed"),
}


def decide(mix: ErrorMix, u: float, factor: float = 1.0) -> Outcome | None:
    """The outcome that `u` in [0, 1) falls into, in the order of `Outcome`; `None` where the call goes through.

    Every rate is multiplied by `factor`.
    """
    edge = 0.0
    for outcome in Outcome:
        edge += factor * mix.rates.get(outcome, 0.0)
        if u < edge:
            return outcome
    return None


def failure(mix: ErrorMix, service: str, request: Request, seed: int, factor: float = 1.0) -> Outcome | None:
    """How this request fails, if it does: the same for the same key and attempt, on every machine."""
    return decide(mix, draw(seed, service, request.operation, "errors", request.key, request.attempt), factor)


def fail(outcome: Outcome, service: str, request: Request, connector: object) -> Reply:
    """The failure in the connector's own words where it has any; raises what an absent provider is."""
    if outcome is Outcome.TIMEOUT:
        raise TimedOut("budget_spent", f"{service} stays silent")
    if outcome is Outcome.UNREACHABLE:
        raise Unreachable("provider_down", f"{service} cannot be reached")
    if isinstance(connector, Refuser):
        return connector.refuse(request, outcome)
    status, reason, message = _GENERIC[outcome]
    return Reply.of_json(request, {"code": reason, "message": message}, outcome=outcome, status=status, reason=reason)


def failures(service: str, operation: Operation, connector: object) -> list[Reply]:
    """What a refusal and an error that are simulated look like, whatever was asked."""
    request = Request(id="", service=service, operation=operation.name, path=operation.template)
    return [fail(outcome, service, request, connector) for outcome in _GENERIC]


class ErrorsBehaviour:
    """Fails a part of the calls: refusals and provider errors in the connector's own words where it has any.

    `factor` is what the hour does to it.
    """

    def __init__(self, service: str, mix: ErrorMix, seed: int, connector: object, factor: Factor = steady) -> None:
        self._service = service
        self._mix = mix
        self._seed = seed
        self._connector = connector
        self._factor = factor

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        """Forward, refuse, or raise what an absent provider is."""
        outcome = None
        if not request.calm:
            outcome = failure(self._mix, self._service, request, self._seed, self._factor())
        if outcome is None:
            return await forward(request)
        return fail(outcome, self._service, request, self._connector)
