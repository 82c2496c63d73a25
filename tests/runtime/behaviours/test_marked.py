from __future__ import annotations

import pytest
from builders import a_reply, a_request

from lgsp.errors import DeliveryError, TimedOut, Unreachable
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.marked import MarkedBehaviour


class Knowing:
    """A connector that knows what a path stands for."""

    def __init__(self, outcome: Outcome | None) -> None:
        self._outcome = outcome

    def failure_of(self, request: Request) -> Outcome | None:
        return self._outcome if request.path == "/marked" else None

    def refuse(self, request: Request, outcome: Outcome) -> Reply:
        return a_reply(request, outcome=outcome, body=b"own words")


async def fine(request: Request) -> Reply:
    return a_reply(request)


@pytest.mark.parametrize("calm", [True, False])
@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.PROVIDER_ERROR])
async def test_a_marked_identifier_is_refused_in_the_connectors_words_however_calm(
    outcome: Outcome, *, calm: bool
) -> None:
    reply = await MarkedBehaviour("svc", Knowing(outcome))(a_request(path="/marked", calm=calm), fine)
    assert (reply.outcome, reply.body) == (outcome, b"own words")


@pytest.mark.parametrize(("outcome", "error"), [(Outcome.TIMEOUT, TimedOut), (Outcome.UNREACHABLE, Unreachable)])
async def test_or_nobody_answers(outcome: Outcome, error: type[DeliveryError]) -> None:
    with pytest.raises(error):
        await MarkedBehaviour("svc", Knowing(outcome))(a_request(path="/marked"), fine)


async def test_every_other_identifier_is_answered() -> None:
    reply = await MarkedBehaviour("svc", Knowing(Outcome.TIMEOUT))(a_request(path="/x"), fine)
    assert reply.body == b"answer"
