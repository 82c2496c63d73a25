import json
from collections import Counter

import pytest
from builders import a_reply, a_request
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.service import ErrorMix
from lgsp.errors import DeliveryError, TimedOut, Unreachable
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.errors import ErrorsBehaviour, decide, failure

MIX = ErrorMix(
    rates={
        Outcome.TIMEOUT: 0.04,
        Outcome.REJECTED: 0.1,
        Outcome.UNREACHABLE: 0.01,
        Outcome.PROVIDER_ERROR: 0.2,
    }
)


class InItsOwnWords:
    """A connector that can refuse."""

    async def answer(self, request: Request) -> Reply:
        return a_reply(request)

    def refuse(self, request: Request, outcome: Outcome) -> Reply:
        return a_reply(request, outcome=outcome, status=418, body=f"own words: {outcome}".encode())


@pytest.mark.parametrize(
    ("u", "outcome"),
    [
        (0.0, Outcome.REJECTED),
        (0.0999, Outcome.REJECTED),
        (0.1, Outcome.PROVIDER_ERROR),
        (0.2999, Outcome.PROVIDER_ERROR),
        (0.3001, Outcome.TIMEOUT),
        (0.3399, Outcome.TIMEOUT),
        (0.3401, Outcome.UNREACHABLE),
        (0.3499, Outcome.UNREACHABLE),
        (0.3501, None),
        (1 - 2**-53, None),
    ],
)
def test_chance_falls_into_the_outcomes_in_their_order(u: float, outcome: Outcome | None) -> None:
    assert decide(MIX, u) is outcome


def test_without_rates_nothing_fails() -> None:
    assert decide(ErrorMix(rates={}), 0.0) is None


@pytest.mark.parametrize("outcome", MIX.rates)
def test_a_rate_of_one_fails_every_call(outcome: Outcome) -> None:
    mix = ErrorMix(rates={outcome: 1.0})
    assert {failure(mix, "svc", a_request(), 7) for _ in range(1_000)} == {outcome}


@given(
    st.dictionaries(st.sampled_from(sorted(MIX.rates)), st.floats(0, 0.25)),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
)
def test_the_outcomes_lie_side_by_side_and_only_those_with_a_rate(
    rates: dict[Outcome, float], a: float, b: float
) -> None:
    mix = ErrorMix(rates=rates)
    order = [*Outcome, None]
    low, high = (decide(mix, u) for u in sorted((a, b)))
    assert order.index(low) <= order.index(high)
    assert low is None or rates[low] > 0


def test_the_rates_hold() -> None:
    draws = 100_000
    seen = Counter(failure(MIX, "svc", a_request(key=str(key)), 7) for key in range(draws))
    for outcome, rate in MIX.rates.items():
        assert seen[outcome] / draws == pytest.approx(rate, abs=4 * (rate * (1 - rate) / draws) ** 0.5), outcome
    assert sum(seen.values()) == draws


def fates(service: str = "svc", seed: int = 7, attempt: int = 1, operation: str = "GET /x") -> list[Outcome | None]:
    requests = (a_request(key=str(key), attempt=attempt, operation=operation) for key in range(300))
    return [failure(MIX, service, request, seed) for request in requests]


def test_the_same_key_has_the_same_fate() -> None:
    assert fates() == fates()


def test_another_attempt_service_operation_or_seed_is_another_draw() -> None:
    others = [fates(attempt=2), fates("other"), fates(seed=8), fates(operation="GET /y")]
    assert all(fates() != other for other in others)


async def answered(connector: object, outcome: Outcome, **fields: object) -> Reply:
    async def forward(request: Request) -> Reply:
        return a_reply(request, body=b"went through")

    behaviour = ErrorsBehaviour("svc", ErrorMix(rates={outcome: 1.0}), 7, connector)
    return await behaviour(a_request(**fields), forward)


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.PROVIDER_ERROR])
async def test_a_connector_refuses_in_its_own_words(outcome: Outcome) -> None:
    reply = await answered(InItsOwnWords(), outcome)
    assert (reply.outcome, reply.status, reply.body) == (outcome, 418, f"own words: {outcome}".encode())


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [(Outcome.REJECTED, 400, "bad_request"), (Outcome.PROVIDER_ERROR, 500, "provider_fault")],
)
async def test_a_connector_without_words_has_generic_ones(outcome: Outcome, status: int, reason: str) -> None:
    reply = await answered(object(), outcome, id="t-1")
    assert (reply.to, reply.outcome, reply.status, reply.reason) == ("t-1", outcome, status, reason)
    assert json.loads(reply.body)["code"] == reason


@pytest.mark.parametrize("connector", [InItsOwnWords(), object()])
@pytest.mark.parametrize(
    ("outcome", "error", "reason"),
    [(Outcome.TIMEOUT, TimedOut, "budget_spent"), (Outcome.UNREACHABLE, Unreachable, "provider_down")],
)
async def test_an_absent_provider_says_nothing(
    connector: object, outcome: Outcome, error: type[DeliveryError], reason: str
) -> None:
    with pytest.raises(error) as caught:
        await answered(connector, outcome)
    assert caught.value.reason == reason


async def test_a_calm_request_goes_through() -> None:
    assert (await answered(object(), Outcome.TIMEOUT, calm=True)).body == b"went through"


async def test_a_call_that_does_not_fail_goes_through() -> None:
    assert (await answered(object(), Outcome.OK, calm=True)).body == b"went through"
